"""The path of a request through the host: refuse, find the function, take the body, forward."""

from http import HTTPStatus

from aiohttp import web

from tools.functions_host import cors, headers
from tools.functions_host.answer import HostResponse, empty
from tools.functions_host.forwarding import Call, Forwarder
from tools.functions_host.host_paths import answer_of_host
from tools.functions_host.paths import BadTarget, split_target
from tools.functions_host.settings import Settings
from tools.functions_host.upload import is_chunked, is_over, read_whole
from tools.functions_host.workers import Workers

KEEP_ALIVE = 130.0  # seconds; Kestrel's KeepAliveTimeout
LINE_LIMIT = 2 * headers.LINE_LIMIT  # what is over Kestrel's is read, to be refused
LINGER = 0.5  # seconds for a refused client to read why
BACKLOG = 1024


class Protocol(web.RequestHandler):
    """One client's connection; what cannot be parsed is an empty 400."""

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer a request that did not parse, or that the host itself failed on."""
        if status == HTTPStatus.BAD_REQUEST:
            return empty(status, closing=True)
        return super().handle_error(request, status, exc, message)


class Listener(web.Server):
    """Makes a `Protocol` of each connection."""

    def __call__(self) -> web.RequestHandler:
        """Take a connection."""
        return Protocol(self, loop=self._loop, **self._kwargs)


class Server:
    """The host's HTTP server."""

    def __init__(self, settings: Settings, workers: Workers, forwarder: Forwarder) -> None:
        self._settings = settings
        self._workers = workers
        self._forwarder = forwarder
        server = Listener(
            self.answer,
            handler_cancellation=True,  # a client that leaves ends its leg to the worker
            auto_decompress=False,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE,
            lingering_time=LINGER,
            max_line_size=LINE_LIMIT,
            max_field_size=headers.HEADERS_LIMIT,
            max_headers=1024,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=0.01)

    async def start(self) -> str:
        """Listen; return the address. Raise OSError when it is taken."""
        await self._runner.setup()
        await web.TCPSite(self._runner, self._settings.address, self._settings.port, backlog=BACKLOG).start()
        host, port = self._runner.addresses[0][:2]
        return f"http://{host}:{port}"

    async def stop(self) -> None:
        """Stop listening and drop every client."""
        await self._runner.cleanup()

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if status := refusal(request, takes_utf8=self._settings.loses_requests):
            return empty(status, closing=True)
        try:
            path, query = split_target(request.raw_path)
        except BadTarget:
            return empty(HTTPStatus.BAD_REQUEST, closing=True)
        origins = self._settings.cors_origins
        if origins is not None and cors.is_preflight(request.method, request.headers):
            return HostResponse(status=204, headers=cors.preflight_headers(origins, request.headers))
        await self._workers.current()
        return answer_of_host(request.method, path) or await self._call_function(request, path, query)

    async def _call_function(self, request: web.BaseRequest, path: str, query: str) -> web.StreamResponse:
        match = self._workers.routes.find(request.method, path)
        if match is None:
            return empty(HTTPStatus.NOT_FOUND)
        if is_over(request, self._settings.body_limit):
            return empty(HTTPStatus.INTERNAL_SERVER_ERROR, closing=True)
        upload = None if is_chunked(request) else await read_whole(request)
        return await self._forwarder.forward(request, Call(match=match, path=path, query=query, upload=upload))


def refusal(request: web.BaseRequest, *, takes_utf8: bool) -> int | None:
    """Return the status with which the host refuses a request for its head, if it does."""
    if len(f"{request.method} {request.raw_path} HTTP/1.1\r\n") > headers.LINE_LIMIT:
        return HTTPStatus.REQUEST_URI_TOO_LONG
    if "Host" not in request.headers:
        return HTTPStatus.INTERNAL_SERVER_ERROR  # of HTTP/1.0, where there may be none
    return headers.refusal(request.headers, takes_utf8=takes_utf8)
