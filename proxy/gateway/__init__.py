"""The corridor: the path of every request, from the door through the rooms and back. It decides nothing."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from proxy.azure_api import headers
from proxy.edge.admission import Admission
from proxy.edge.request_log import CLIENT_LEFT, Line, write_line
from proxy.errors import ProxyError, ShuttingDown, UnknownUrl, UnsupportedOperation
from proxy.gateway.forwarding import Forwarding
from proxy.gateway.here import Here
from proxy.gateway.visitors import Visit, Visitors
from proxy.openai_api import answers, cors, router
from proxy.openai_api.answers import with_propagation_hint
from proxy.openai_api.operations import Surface
from proxy.openai_api.router import Route
from proxy.values import STOPPED, Request, Response


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The rooms, put together by `bootstrap`.

    `allowed_origins` may call from a browser; `forwards_unknown` passes router on that the table does not know, and
    `stores` those about objects that Azure keeps. `born` is when the instance began, by the `clock`.
    """

    admission: Admission
    visitors: Visitors
    forwarding: Forwarding
    here: Here
    allowed_origins: frozenset[str]
    forwards_unknown: bool
    stores: bool
    born: float = field(default_factory=time.monotonic)
    clock: Callable[[], float] = time.monotonic
    log: Callable[[str], None] = write_line

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        self.forwarding.caller.upstream.start()
        self.visitors.start()

    async def end(self, grace: float) -> None:
        """Take in nothing more, let what goes on end within `grace` seconds, and close the connections to Azure."""
        await self.admission.end(grace)
        await self.forwarding.caller.upstream.close()

    async def handle(self, request: Request) -> Response:
        """Answer one request; every failure becomes an answer, except that the client has left."""
        line = Line(request.id, self.clock, self.log)
        try:
            answer = await self._answer(request, line)
        except ProxyError as error:
            answer = answers.to_response(with_propagation_hint(error, self.clock() - self.born))
            line.fails(error)
        except asyncio.CancelledError as error:
            if STOPPED not in error.args:
                line.write(status=CLIENT_LEFT, outcome="client_left")
                raise
            answer = _stopped(line)
        except Exception:  # Whatever it is, the door answers it; the request has its line all the same.
            line.write(status=500, outcome="failed")
            raise
        finished = headers.finish(answer.headers, request.id) | cors.origin_headers(
            request.headers, self.allowed_origins
        )
        line.request_id, line.status = finished["x-request-id"], answer.status
        if isinstance(answer.body, bytes):
            line.write(outcome="completed" if answer.status < 400 else "error")
        return Response(status=answer.status, headers=finished, body=answer.body, keep_alive=answer.keep_alive)

    async def _answer(self, request: Request, line: Line) -> Response:
        if cors.is_preflight(request.method, request.headers):
            return Response(status=204, headers=cors.preflight_headers(request.headers), body=b"")
        route = self._route(request)
        if isinstance(route, Route):
            line.operation = route.operation.name
            if route.operation.public:
                return await self._answer_in_public(route)
        return await self._admit(request, route, line)

    async def _admit(self, request: Request, route: Route | ProxyError, line: Line) -> Response:
        """Let a request in and, unless a stream goes on, out again."""
        ticket = self.admission.enter(request.stop)
        try:
            answer = await self._serve(request, route, line)
        except BaseException:
            ticket.leave()
            raise
        if isinstance(answer.body, bytes):
            ticket.leave()
            return answer
        return replace(answer, body=ticket.carry(answer.body))

    async def _serve(self, request: Request, route: Route | ProxyError, line: Line) -> Response:
        visit = await self.visitors.identify(request.headers)
        line.client = visit.client
        if isinstance(route, ProxyError):
            raise route
        if route.operation.surface is Surface.LOCAL:
            return await self._answer_here(request, route, visit)
        if request.method == "HEAD":
            return Response(status=200, headers=headers.JSON, body=b"")
        if route.operation.stored and not self.stores:
            raise UnsupportedOperation("Objects that Azure keeps are switched off at this proxy (STORED_OBJECTS).")
        return await self.forwarding.forward(request, route, visit.fleet, line)

    def _route(self, request: Request) -> Route | ProxyError:
        route = router.find(request.method, request.path)
        if self.forwards_unknown and isinstance(route, UnknownUrl):
            return router.unknown(request.method, request.path)
        return route

    async def _answer_in_public(self, route: Route) -> Response:
        if route.operation.name == "health":
            return self.here.health(await self.visitors.problems())
        return self.here.index()

    async def _answer_here(self, request: Request, route: Route, visit: Visit) -> Response:
        if visit.unproven:
            await self.forwarding.prove(request, visit.fleet)
        return self.here.answer(route, visit.fleet)


def _stopped(line: Line) -> Response:
    """Return the answer to a request whose work was stopped, and take the cancellation back."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()
    error = ShuttingDown()
    line.fails(error)
    return answers.to_response(error)
