"""The entry point: one HTTP function that takes every request.

https://learn.microsoft.com/azure/azure-functions/functions-reference-python
"""

import os
from pathlib import Path

import azure.functions as func

from proxy.app import open_application
from proxy.server.worker_extension import Request, Response

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")

application = open_application(os.environ, Path(__file__).with_name("host.json"))
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("proxy")
@app.route(route="{*path}", methods=METHODS)
async def proxy(req: Request) -> Response:  # noqa: ARG001  the worker finds the request's type here
    """Return what answers the request; the server calls it in its own task."""
    return Response(application.handle)
