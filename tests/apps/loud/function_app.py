"""The app as it is, but everything that any library logs goes to standard error, down to DEBUG."""

import logging
import os
from pathlib import Path

import azure.functions as func

from proxy.app import open_application
from proxy.server.worker_extension import Request, Response
from proxy.values import Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")

application = open_application(os.environ, Path(__file__).with_name("host.json"))
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("loud %(name)s %(levelname)s %(message)s %(exc_info)s"))


def listen_to_all() -> None:
    """Undo what the app has silenced, whenever it was."""
    root = logging.getLogger()
    root.handlers, root.level = [handler], logging.DEBUG
    for name in list(root.manager.loggerDict):
        logging.getLogger(name).setLevel(logging.NOTSET)
    # It writes to standard output, without the names of its loggers.
    logging.getLogger("proxy").propagate = True


async def handle(scope: Scope, receive: Receive, send: Send) -> None:
    listen_to_all()
    await application.handle(scope, receive, send)


@app.function_name("proxy")
@app.route(route="{*path}", methods=METHODS)
async def proxy(req: Request) -> Response:
    return Response(handle)
