"""The worker's HTTP extension: Starlette's Request and Response on uvicorn with httptools, without FastAPI.

The worker takes whatever extension of azurefunctions-extensions-base was imported with function_app.py: it looks for
`WebApp` and `WebServer` in the one module that defines both. `azurefunctions-extensions-http-fastapi` is the official
one and can be imported in function_app.py instead of this module.
"""

import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any

import uvicorn
from azurefunctions.extensions.base import (
    RequestSynchronizer,
    RequestTrackerMeta,
    ResponseLabels,
    ResponseTrackerMeta,
)
from azurefunctions.extensions.base import WebApp as BaseWebApp
from azurefunctions.extensions.base import WebServer as BaseWebServer
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from proxy.edge import shutdown

__all__ = ("Request", "Response", "StreamingResponse", "WebApp", "WebServer")

# Longer than the 60 s for which the host keeps an idle connection, so that the host is the one to close it.
KEEP_ALIVE = 120
# Seconds that open streams get when the server ends; without a bound it waits for as long as they run.
SHUTDOWN_GRACE = 3
# The worker up to Python 3.12 and the one from 3.13 on.
_COORDINATORS = ("azure_functions_worker.http_v2", "azure_functions_runtime.http_v2")

# Invocations that are known by their ids, in flight or not: far more than are in flight.
SEEN = 10_000

Handler = Callable[[Request], Awaitable[Response]]


class _RouteSynchronizer(RequestSynchronizer):  # type: ignore[misc]
    def sync_route_params(self, request: Request, path_params: dict[str, str]) -> None:
        request.scope["path_params"] = dict(path_params)


class _RequestType(metaclass=RequestTrackerMeta):  # type: ignore[metaclass]
    request_type = Request
    synchronizer = _RouteSynchronizer()


class _ResponseType(metaclass=ResponseTrackerMeta):  # type: ignore[metaclass]
    label = ResponseLabels.STANDARD
    response_type = Response


class WebApp(BaseWebApp):  # type: ignore[misc]
    """The ASGI application that hands each request to the worker's coordinator."""

    def __init__(self) -> None:
        self._handler: Handler | None = None
        self._seen: dict[str, None] = {}

    def route(self, func: Handler) -> Handler:
        """Take the worker's catch-all function."""
        self._handler = func
        return func

    def get_app(self) -> "WebApp":
        """Return the ASGI application itself."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; one whose invocation runs here, or has just ended, is refused.

        The host sends a request again when the connection broke before the headers: the first one may be at Azure, and
        nobody would answer the second.
        """
        if scope["type"] != "http" or self._handler is None:
            return
        request = Request(scope, receive)
        invocation = request.headers.get("x-ms-invocation-id", "")
        if invocation and invocation in self._seen:
            await Response(status_code=503, headers={"retry-after": "1"})(scope, receive, send)
            return
        self._note(invocation)
        try:
            response = await self._handler(request)
        finally:
            _forget(invocation)
        await response(scope, receive, send)

    def _note(self, invocation: str) -> None:
        self._seen[invocation] = None
        if len(self._seen) > SEEN:
            del self._seen[next(iter(self._seen))]


class WebServer(BaseWebServer):  # type: ignore[misc]
    """Serves the application on the worker's own event loop."""

    async def serve(self) -> None:
        """Run until the process ends, and write what is left to write before it does."""
        server = Server(self.config())
        serving = asyncio.ensure_future(server.serve())
        shutdown.ends_with(partial(_close, server, serving))
        await serving

    def config(self) -> uvicorn.Config:
        """Return how uvicorn serves: kept simple, silent, and without what only a server of its own would do."""
        return uvicorn.Config(
            self.web_app,
            host=self.hostname,
            port=self.port,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=SHUTDOWN_GRACE,
        )


class Server(uvicorn.Server):
    """uvicorn as a guest in the worker's process."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals of the process to the worker, whose process it is."""
        yield


async def _close(server: Server, serving: "asyncio.Future[None]") -> None:
    server.should_exit = True
    await asyncio.wait({serving}, timeout=SHUTDOWN_GRACE + 0.5)


def _forget(invocation_id: str) -> None:
    """Drop the coordinator's entry of a request: the worker never does, and keeps some 2 kB of each.

    Not before the response is set: without its entry the request would never end.
    """
    for name in _COORDINATORS:
        module: Any = sys.modules.get(name)
        references = getattr(getattr(module, "http_coordinator", None), "_context_references", None)
        if isinstance(references, dict):
            references.pop(invocation_id, None)
