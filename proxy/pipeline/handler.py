"""The life of a request: route, authenticate, admit, answer; every failure becomes an answer of OpenAI's shape."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.azure_api.headers import common_headers
from proxy.errors import (
    MethodNotAllowed,
    ProxyError,
    UnknownUrl,
    UnsupportedOperation,
    UpgradeRequired,
)
from proxy.openai_api import cors, router
from proxy.openai_api.answers import to_response, with_propagation_hint
from proxy.openai_api.operations import Surface
from proxy.openai_api.router import Route
from proxy.openai_api.sse import BLANK, COMMENT, NEEDS_COMMENTS
from proxy.pipeline.authentication import Authenticator, Principal
from proxy.pipeline.call import Calls
from proxy.pipeline.exchange import Exchange
from proxy.pipeline.front_page import FrontPage
from proxy.pipeline.local import LocalOperations
from proxy.pipeline.operator import Operator
from proxy.pipeline.usage_answers import CLIENT_USAGE, UsageAnswers
from proxy.server.access_log import AccessLogEntry, log_unexpected, write_line
from proxy.server.concurrency import Concurrency
from proxy.server.connection import ClientDisconnected, connection_of
from proxy.server.response_writer import BREAK_DELAY, BreakDelay, ResponseWriter, StreamBroken
from proxy.values import Receive, Request, Response, Scope, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """Handles requests.

    `allowed_origins` may call from a browser; `forward_unknown` passes operations on that the table does not know, and
    `store_objects` those about objects that Azure keeps. `born` is when the instance began, by the `clock`;
    `keep_alive` is what every silent stream gets, None for what fits its client.
    """

    concurrency: Concurrency
    authenticator: Authenticator
    calls: Calls
    local: LocalOperations
    usage: UsageAnswers
    front_page: FrontPage
    operator: Operator
    allowed_origins: frozenset[str]
    forward_unknown: bool
    store_objects: bool
    born: float = field(default_factory=time.monotonic)
    clock: Callable[[], float] = time.monotonic
    log: Callable[[str], None] = write_line
    count: Callable[[AccessLogEntry, str, float], None] | None = None
    break_delay: BreakDelay = BREAK_DELAY
    keep_alive: bytes | None = None

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request of ASGI, from its head to the end of its answer."""
        request, connection = parse_request(scope, receive), connection_of(scope)
        common = common_headers(request.id) | cors.origin_headers(request.headers, self.allowed_origins)
        async with Exchange(AccessLogEntry(request.id, self.clock, self.log, self.count), connection) as exchange:
            writer = ResponseWriter(
                send,
                exchange.deadline,
                exchange.stalled,
                common=common,
                break_delay=self.break_delay,
                keep_alive=self.keep_alive
                or (COMMENT if NEEDS_COMMENTS in request.headers.get("user-agent", "") else BLANK),
            )
            try:
                if cors.is_preflight(request.method, request.headers):
                    response = cors.answer_preflight(request.headers)
                else:
                    response = await self._answer(exchange, writer, request)
            except BaseException as failure:  # noqa: BLE001  what nobody can read is raised again
                response = self._failed(exchange, failure)
            _note(exchange.entry, response)
            try:
                await writer.write(response, with_body=request.method != "HEAD")
            except Exception as failure:  # noqa: BLE001  the head has left: all that is left is to break off
                _note_break(exchange.entry, failure)
                connection.close()

    def _failed(self, exchange: Exchange, failure: BaseException) -> Response:
        """Return a failure as the answer that the client reads."""
        error = exchange.error_of(failure)
        exchange.entry.set_error(error)
        return to_response(with_propagation_hint(error, self.clock() - self.born))

    async def _answer(self, exchange: Exchange, writer: ResponseWriter, request: Request) -> Response:
        route = self._route(request)
        if isinstance(route, Route):
            exchange.entry.operation = route.operation.name
            if route.operation.public:
                return await self._answer_in_public(exchange, request, route)
        slot = self.concurrency.acquire(exchange.stop)
        exchange.stack.callback(slot.release)
        principal = await self.authenticator.authenticate(request.headers)
        exchange.entry.client = principal.client
        if isinstance(route, ProxyError):
            raise route
        if route.operation.surface is Surface.LOCAL:
            return await self._answer_locally(exchange, request, route, principal)
        if route.operation.stored and not self.store_objects:
            raise UnsupportedOperation("Objects that Azure keeps are switched off at this proxy (STORED_OBJECTS).")
        slot.read_for(principal.client)
        return await self.calls.answer(exchange, slot, writer, request, route, principal)

    async def _answer_locally(
        self, exchange: Exchange, request: Request, route: Route, principal: Principal
    ) -> Response:
        if principal.unverified:
            await self.calls.prove(exchange, request, principal.resources)
        if route.operation.name == CLIENT_USAGE:
            return await self.usage.of_client(principal)
        return self.local.answer(route, principal)

    def _route(self, request: Request) -> Route | ProxyError:
        route = router.find(request.method, request.path)
        if isinstance(route, MethodNotAllowed) and _asks_for_websocket(request):
            return UpgradeRequired()
        if self.forward_unknown and isinstance(route, UnknownUrl):
            return router.unknown("GET" if request.method == "HEAD" else request.method, request.path)
        return route

    async def _answer_in_public(self, exchange: Exchange, request: Request, route: Route) -> Response:
        if route.operation.admin:
            exchange.entry.client = await self.operator.authenticate(request.headers)
            return await self.usage.page(request, route)
        match route.operation.name:
            case "health":
                reasons = (*await self.authenticator.problems(), *self.calls.problems())
                version = await self.operator.version(request.headers)
                return self.local.health(reasons, self.authenticator.warnings(), version)
            case "ready":
                reasons = await self.operator.readiness()
                return self.local.health(reasons, version=await self.operator.version(request.headers))
            case "doctor":
                return await self.operator.doctor(exchange, request)
            case "frontPagePart":
                return self.front_page.part(route.parameters[0])
            case _:
                return self.front_page.index(request.headers)


def _asks_for_websocket(request: Request) -> bool:
    """Tell whether a client wants to upgrade to a WebSocket; the host removes the Upgrade header."""
    return request.method == "GET" and "sec-websocket-key" in request.headers


def parse_request(scope: Scope, receive: Receive) -> Request:
    """Return the request of an ASGI scope; a header that came twice is joined."""
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
    headers = dict(pairs)
    if len(headers) < len(pairs):
        headers = {name: ", ".join(value for other, value in pairs if other == name) for name in headers}
    return Request(
        id=headers.get("x-ms-invocation-id", ""),
        method=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        headers=headers,
        receive=receive,
    )


def _note(entry: AccessLogEntry, response: Response) -> None:
    """Note what the client reads, and write the line of an answer that does not go on."""
    entry.request_id = response.headers.get("x-request-id", entry.request_id)
    entry.status = response.status
    if isinstance(response.body, bytes):
        entry.write(outcome="completed" if response.status < 400 else "error")


def _note_break(entry: AccessLogEntry, failure: Exception) -> None:
    """Note why an answer breaks off, unless its own body has noted it."""
    if not isinstance(failure, ProxyError | ClientDisconnected | StreamBroken):
        entry.set_error(log_unexpected(failure))
