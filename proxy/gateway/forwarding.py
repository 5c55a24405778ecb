"""The way of a call to Azure and back: read, sent to one target after the other, translated."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from proxy.azure_api import headers
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.forms import is_upload
from proxy.azure_api.request import IMAGE_HEADER, Call, encode_body, image_deployment, parse_call
from proxy.config.timeouts import Timeouts
from proxy.edge.inbound import read_body
from proxy.edge.request_log import Line
from proxy.errors import ModelNotFound, ProxyError, UnknownUrl
from proxy.gateway.attempt import Answered, Attempt, Caller, Refused
from proxy.gateway.exchange import Exchange
from proxy.gateway.fleet import Fleet
from proxy.gateway.opening import Opening, begin_stream
from proxy.gateway.repairing import Repairing
from proxy.gateway.travel import Travel
from proxy.gateway.uploads import Uploads
from proxy.openai_api.object_ids import Page, open_page, spans_resources
from proxy.openai_api.operations import Body, lasting
from proxy.openai_api.router import Route
from proxy.routing.failures import Failure, Kind, Repeat
from proxy.routing.learned_repairs import Repairs
from proxy.routing.targets import Target
from proxy.values import Request, Response, UpstreamRequest

_EMPTY_LIST = b'{"object":"list","data":[]}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """How calls are made.

    `max_json_body` is in bytes; `stores` tells whether Azure may keep objects; `repairs` is None where refused
    parameters stay refused.
    """

    caller: Caller
    travel: Travel
    uploads: Uploads
    timeouts: Timeouts
    max_json_body: int
    stores: bool
    repairs: Repairs | None
    clock: Callable[[], float]

    async def forward(self, request: Request, route: Route, fleet: Fleet, line: Line) -> Response:
        """Return Azure's answer in OpenAI's words; raise a `ProxyError` while the head of the answer can say it."""
        end = asyncio.get_running_loop().time() + self.timeouts.total
        times = self.timeouts
        opening = Opening(end=end, first_byte=times.first_byte, idle=times.idle, head=times.head)
        exchange = Exchange(request=request, route=route, query=request.query, fleet=fleet, opening=opening, line=line)
        if self._passes(route, request, fleet):
            call, work = Call(route=route), self.uploads.forward(exchange)
        else:
            raw = await read_body(request, self.max_json_body, end)
            if spans_resources(route.operation) and not fleet.tags.alone:
                return await self._list(exchange)
            exchange, raw = exchange.without_tags(raw)
            call = parse_call(exchange.route, raw, may_store=self.stores)
            work = self._call(exchange, call)
        if call.streams:
            opening.is_stream()
        if route.operation.stream is None or not (call.streams or call.document is None):
            return await work
        return await begin_stream(
            work,
            opening,
            lambda error: self._failed(exchange, call, error),
            lambda: line.write(outcome="client_left"),
            patience=self.timeouts.head,
            keep_alive=self.timeouts.keep_alive,
        )

    def _passes(self, route: Route, request: Request, fleet: Fleet) -> bool:
        """Tell whether a body passes while it comes; JSON is read where it may name an object of one resource."""
        content_type, body = request.headers.get("content-type", ""), route.operation.body
        named = body is Body.STREAM and content_type.startswith("application/json") and not fleet.tags.alone
        return is_upload(body, content_type) and not named

    async def prove(self, request: Request, fleet: Fleet) -> None:
        """Let Azure judge a client's own key, with a call that costs nothing; raise what the client reads."""
        (resource,) = fleet.resources
        end = asyncio.get_running_loop().time() + self.timeouts.first_byte
        await read_body(request, self.max_json_body, end)  # Behind the body the client's leaving shows.
        url = f"{resource.surfaces.endpoint}/openai/models?api-version={resource.surfaces.api_version}"
        await self.caller.prove(resource, UpstreamRequest(method="GET", url=url, headers={}, body=b""), end)

    def _failed(self, exchange: Exchange, call: Call, error: ProxyError) -> bytes:
        """Return an error as the only event of a stream whose head has left, and write the request's line."""
        exchange.line.fails(error)
        exchange.line.write(outcome="stream_broken")
        stream = self.caller.translator(call, AzureErrors(model=call.model, auth=None))
        return stream.fail(error) if stream is not None else b""

    async def _call(self, exchange: Exchange, call: Call) -> Response:
        """Make a call whose body was read."""
        targets = exchange.targets(call.model)
        repeat = Repeat.IF_NOT_PROCESSED if lasting(call.route.operation, call.document) else Repeat.IDEMPOTENT
        repairing = Repairing(self.repairs, self.clock)
        attempting = partial(self._attempt, exchange, call, repeat, repairing)
        exchange.opening.sent()
        return repairing.told(await self.travel.run(exchange, targets, repeat, attempting))

    async def _attempt(
        self, exchange: Exchange, call: Call, repeat: Repeat, repairing: Repairing, target: Target
    ) -> Answered | Refused:
        """Call one target, again without a parameter where that is all that it refuses."""
        resource = exchange.fleet.resources[target.resource]
        repairing.goes_to(call, f"{resource.surfaces.endpoint} {target.deployment}")
        call = repairing.apply_known(call)
        while True:
            try:
                message = self._message(exchange, call, target, repeatable=repeat is Repeat.IDEMPOTENT)
            except ModelNotFound as error:  # the model that is to make images for a response
                return Refused(
                    failure=Failure(kind=Kind.ANSWER, status=error.status, code=error.code or ""), error=error
                )
            outcome = await self.caller.attempt(Attempt(exchange=exchange, call=call, target=target, message=message))
            if isinstance(outcome, Answered):
                repairing.succeeded()
                return outcome
            repaired = repairing.cure(call, outcome)
            if isinstance(repaired, Refused):
                return repaired
            call = repaired

    def _message(self, exchange: Exchange, call: Call, target: Target, *, repeatable: bool) -> UpstreamRequest:
        operation, resource = call.route.operation, exchange.fleet.resources[target.resource]
        image = None if resource.surfaces.is_openai else image_deployment(call, exchange.serving(target.resource))
        own = {**({IMAGE_HEADER: image} if image else {}), **(dict([operation.header]) if operation.header else {})}
        return UpstreamRequest(
            method=operation.method,
            url=resource.surfaces.url(call.route, target.deployment, exchange.query),
            headers=headers.request_to_azure(exchange.request.headers, json=bool(call.raw)) | own,
            body=encode_body(call, target.deployment, resource.surfaces.surface_for(operation)),
            repeatable=repeatable,
        )

    async def _list(self, exchange: Exchange) -> Response:
        """Return one page of a list that goes through the resources in their order."""
        page = open_page(exchange.fleet.tags, exchange.route.operation, exchange.query)
        while True:
            asked = replace(exchange, query=page.query, pinned=page.resource)
            answer = await self._page(asked, Call(route=exchange.route), page)
            turned = page.turn(answer.body) if isinstance(answer.body, bytes) else answer.body
            if not isinstance(turned, Page):
                return replace(answer, body=turned)
            page = turned

    async def _page(self, exchange: Exchange, call: Call, page: Page) -> Response:
        """Return the answer of one resource; one that does not offer the list has nothing on it."""
        try:
            return await self._call(exchange, call)
        except UnknownUrl:
            if not page.behind:
                raise
            return Response(status=200, headers=headers.JSON, body=_EMPTY_LIST)
