"""The worker's HTTP extension: raw ASGI on uvicorn with httptools.

The worker takes whatever extension of azurefunctions-extensions-base was imported with function_app.py: it looks for
`WebApp` and `WebServer` in the one module that defines both. The function returns at once, and what it returns is
called as an ASGI application in the server's own task: so one task has the whole life of a request, and at
functionTimeout the host answers for that request alone instead of killing the worker.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import uvicorn
from azurefunctions.extensions.base import (
    RequestSynchronizer,
    RequestTrackerMeta,
    ResponseLabels,
    ResponseTrackerMeta,
)
from azurefunctions.extensions.base import WebApp as BaseWebApp
from azurefunctions.extensions.base import WebServer as BaseWebServer
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.server import shutdown
from proxy.server.connection import EXTENSION, Connection
from proxy.values import Receive, Scope, Send

__all__ = ("Request", "Response", "WebApp", "WebServer")

# Longer than the 60 s for which the host keeps an idle connection, so that the host is the one to close it.
KEEP_ALIVE = 120
# Seconds that open streams get when the server ends; without a bound it waits for as long as they run.
SHUTDOWN_GRACE = 3
INVOCATION_ID = "x-ms-invocation-id"
_INVOCATION_ID = INVOCATION_ID.encode()
# The worker up to Python 3.12 and the one from 3.13 on.
_COORDINATORS = ("azure_functions_worker.http_v2", "azure_functions_runtime.http_v2")
# Seconds within which a request and its invocation, which come by two ways, find each other. With a header value that
# is not ASCII, or an invocation id of the client's own, they never do: the host would kill the worker for it.
CLAIM = 30.0
# Invocations that are known by their ids, in flight or not: far more than are in flight.
SEEN = 10_000

T = TypeVar("T")

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class Request:
    """What the worker hands to the function; it asks it for nothing but the id of its invocation."""

    __slots__ = ("headers",)

    def __init__(self, invocation: str) -> None:
        self.headers = {INVOCATION_ID: invocation}


class Response:
    """What the function returns: the ASGI application that answers the request."""

    __slots__ = ("_application",)

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Answer the request."""
        return self._application(scope, receive, send)


class _RouteSynchronizer(RequestSynchronizer):  # type: ignore[misc]
    def sync_route_params(self, request: Request, path_params: dict[str, str]) -> None:
        """Do nothing: the path is in the scope."""


class _RequestType(metaclass=RequestTrackerMeta):  # type: ignore[metaclass]
    request_type = Request
    synchronizer = _RouteSynchronizer()


class _ResponseType(metaclass=ResponseTrackerMeta):  # type: ignore[metaclass]
    label = ResponseLabels.STANDARD
    response_type = Response


Handler = Callable[[Request], Awaitable[Response]]


class WebApp(BaseWebApp):  # type: ignore[misc]
    """The ASGI application that hands each request to the worker, then calls what the function returned."""

    def __init__(self, claim: float = CLAIM) -> None:
        self._handler: Handler | None = None
        self._seen: dict[str, None] = {}
        self._claims = _Claims(claim)
        _bound_invocations(self._claims)

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
        invocation = dict(scope["headers"]).get(_INVOCATION_ID, b"").decode("latin-1")
        if invocation and invocation in self._seen:
            await _refuse(send, 503)
            return
        self._note(invocation)
        try:
            response = await self._claims.wait(self._handler(Request(invocation)))
        except TimeoutError:
            await _refuse(send, 400)
            return
        finally:
            _forget(invocation)
        await response(scope, receive, send)

    def _note(self, invocation: str) -> None:
        self._seen[invocation] = None
        if len(self._seen) > SEEN:
            del self._seen[next(iter(self._seen))]


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, which tells an unfinished exchange at once that its client has disconnected."""

    def on_message_begin(self) -> None:
        """Begin a request, whose scope gets the connection to its client."""
        super().on_message_begin()
        self.scope["extensions"] = {EXTENSION: Connection(self._break_off, self._abort)}  # type: ignore[dict-item]

    def on_message_complete(self) -> None:
        """Read on behind the body: while reading is paused, as a large body leaves it, nobody sees the client go."""
        super().on_message_complete()
        if not self.pipeline:
            self.flow.resume_reading()

    def _break_off(self) -> None:
        """Close the connection behind what was written; uvicorn then does not miss the end of the answer."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.close()

    def _abort(self) -> None:
        """Close the connection of a client that does not read: what was written would wait for it for ever."""
        if self.cycle is not None:
            self.cycle.disconnected = True
        self.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let uvicorn note it, then tell the exchange whose answer is not complete."""
        super().connection_lost(exc)
        # Not self.scope, which is already that of a next request on the connection.
        if self.cycle is not None and not self.cycle.response_complete:
            connection: Any = self.cycle.scope["extensions"][EXTENSION]
            connection.lost()


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
            http=Protocol,
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


async def _refuse(send: Send, status: int) -> None:
    headers = [(b"retry-after", b"1"), (b"content-length", b"0")] if status == 503 else [(b"content-length", b"0")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _coordinators() -> list[Any]:
    """Return what brings requests and invocations together: there is one in each generation of the worker."""
    coordinators = [getattr(sys.modules.get(name), "http_coordinator", None) for name in _COORDINATORS]
    return [coordinator for coordinator in coordinators if coordinator is not None]


def _forget(invocation: str) -> None:
    """Drop the coordinator's entry of a request: the worker never does, and keeps some 2 kB of each."""
    for coordinator in _coordinators():
        references = getattr(coordinator, "_context_references", None)
        if isinstance(references, dict):
            references.pop(invocation, None)


def _bound_invocations(claims: "_Claims") -> None:
    """Let an invocation whose request never comes end as failed, before the host kills the worker for it."""
    for coordinator in _coordinators():
        wait = getattr(coordinator, "get_http_request_async", None)
        if wait is None:
            logging.getLogger("proxy").warning("this worker's waits for its HTTP requests cannot be bounded")
        else:
            coordinator.get_http_request_async = partial(_wait_for_request, wait, claims)


async def _wait_for_request(wait: Callable[[str], Awaitable[Any]], claims: "_Claims", invocation: str) -> Any:
    try:
        return await claims.wait(wait(invocation))
    except TimeoutError:
        # The worker puts the error into the entry after this.
        asyncio.get_running_loop().call_later(1, _forget, invocation)
        raise


class _Claims:
    """Waits that end after so many seconds, or half as many more: one timer looks after all of them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Return what is waited for; raise `TimeoutError` when it takes too long."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None  # noqa: S101  a coroutine runs in one
        self._since[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds / 2, self._look)
        try:
            return await awaited
        except asyncio.CancelledError:
            if task in self._late and not task.uncancel():
                raise TimeoutError from None
            raise
        finally:
            del self._since[task]
            self._late.discard(task)

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / 2, self._look) if self._since else None
        for task, since in self._since.items():
            if since + self._seconds <= loop.time() and task not in self._late:
                self._late.add(task)
                task.cancel()
