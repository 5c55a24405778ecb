"""The app on Microsoft's worker runtime; `layers.server` serves the same answers without the worker."""

import azure.functions as func

from proxy.server import access_log
from proxy.server.worker_extension import Request, Response
from tests.bench.layers.answers import answer

access_log.configure()
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("layers")
@app.route(route="{*path}", methods=["GET", "POST"])
async def layers(req: Request) -> Response:
    """Return what answers the request."""
    return Response(answer)
