"""The way of a call to Azure and back: read, sent, tried again where that cures it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from proxy.edge.inbound import read_body
from proxy.edge.request_log import Line
from proxy.errors import ProxyError
from proxy.gateway.attempt import Attempt, Caller, Refused
from proxy.gateway.forms import Prepared, Upload
from proxy.gateway.opening import Opening, begin_stream
from proxy.gateway.repairing import Repairing
from proxy.gateway.resource import Resource
from proxy.messages import Request, Response, UpstreamRequest
from proxy.routing.repairs import Repairs
from proxy.settings import Timeouts
from proxy.translation import headers
from proxy.translation.form_plan import is_upload
from proxy.translation.operations import Body, Route
from proxy.translation.request import IMAGE_HEADER, Call, encode_body, image_deployment, parse_call
from proxy.translation.surfaces import with_mapped_model


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request of a client and what belongs to its way."""

    request: Request
    route: Route
    resource: Resource
    opening: Opening
    line: Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarding:
    """How calls are made.

    `max_json_body` is in bytes; `stores` tells whether Azure may keep objects; `repairs` is None where refused
    parameters stay refused.
    """

    caller: Caller
    timeouts: Timeouts
    max_json_body: int
    stores: bool
    repairs: Repairs | None
    clock: Callable[[], float]

    async def forward(self, request: Request, route: Route, resource: Resource, line: Line) -> Response:
        """Return Azure's answer in OpenAI's words; raise a `ProxyError` while the head of the answer can say it."""
        end = asyncio.get_running_loop().time() + self.timeouts.total
        opening = Opening(end=end, first_byte=self.timeouts.first_byte)
        exchange = Exchange(request=request, route=route, resource=resource, line=line, opening=opening)
        if is_upload(route.operation.body, request.headers.get("content-type", "")):
            call = Call(route=route)
            work = self._upload(exchange)
        else:
            call = parse_call(route, await read_body(request, self.max_json_body, end), may_store=self.stores)
            work = self._repaired(exchange, call)
        if call.streams:
            opening.is_stream()
        if route.operation.stream is None or not (call.streams or call.document is None):
            return await work
        return await begin_stream(
            work,
            opening,
            lambda error: self._failed(exchange, call, error),
            patience=self.timeouts.head,
            keep_alive=self.timeouts.keep_alive,
        )

    async def prove(self, resource: Resource) -> None:
        """Let Azure judge a client's own key, with a call that costs nothing; raise what the client reads."""
        end = asyncio.get_running_loop().time() + self.timeouts.first_byte
        url = f"{resource.surfaces.endpoint}/openai/models?api-version={resource.surfaces.api_version}"
        await self.caller.prove(resource, UpstreamRequest(method="GET", url=url, headers={}, body=b""), end)

    def _failed(self, exchange: Exchange, call: Call, error: ProxyError) -> bytes:
        """Return an error as the only event of a stream whose head has left, and write the request's line."""
        exchange.line.error = error.reason or error.code
        exchange.line.write(outcome="stream_broken")
        stream = self.caller.translator(call, exchange.resource)
        return stream.fail(error) if stream is not None else b""

    async def _repaired(self, exchange: Exchange, call: Call) -> Response:
        """Make the call, again without a parameter where that is all that Azure refuses."""
        deployment = exchange.resource.deployments.serving(call.model) if call.model else None
        exchange.line.deployment = deployment
        repairing = Repairing(self.repairs, f"{exchange.resource.surfaces.endpoint} {deployment}", self.clock)
        call = repairing.apply_known(call)
        async with exchange.opening.bounded():
            exchange.opening.sent()
            while True:
                attempt = self._attempt(exchange, call, self._message(exchange, call, deployment))
                outcome = await self.caller.attempt(attempt)
                if isinstance(outcome, Response):
                    return repairing.told(call, outcome)
                call = repairing.cure(call, outcome)

    async def _upload(self, exchange: Exchange) -> Response:
        request, route, opening = exchange.request, exchange.route, exchange.opening
        deployments, surfaces = exchange.resource.deployments, exchange.resource.surfaces
        with Upload(request, opening.end) as upload:
            prepared = await upload.prepare(route, deployments.serving, surfaces.of(route.operation))
            exchange.line.deployment = prepared.plan.deployment
            call = Call(route=route, model=prepared.plan.model)
            attempt = self._attempt(exchange, call, self._upload_message(exchange, prepared))
            async with opening.bounded():
                upload.when_sent = opening.sent
                try:
                    outcome = await self.caller.attempt(attempt)
                except ProxyError as error:
                    raise upload.failure or error from None
            if isinstance(outcome, Refused):
                raise upload.failure or outcome.error
            return outcome

    def _attempt(self, exchange: Exchange, call: Call, message: UpstreamRequest) -> Attempt:
        return Attempt(
            call=call, resource=exchange.resource, message=message, opening=exchange.opening, line=exchange.line
        )

    def _message(self, exchange: Exchange, call: Call, deployment: str | None) -> UpstreamRequest:
        operation, resource = call.route.operation, exchange.resource
        image = image_deployment(call, resource.deployments.serving)
        own = {**({IMAGE_HEADER: image} if image else {}), **(dict([operation.header]) if operation.header else {})}
        return UpstreamRequest(
            method=operation.method,
            url=resource.surfaces.url(call.route, deployment, exchange.request.query),
            headers=headers.request_to_azure(exchange.request.headers, json=bool(call.raw)) | own,
            body=encode_body(call, deployment, resource.surfaces.of(operation)),
        )

    def _upload_message(self, exchange: Exchange, prepared: Prepared) -> UpstreamRequest:
        route, query, resource = exchange.route, exchange.request.query, exchange.resource
        length = {} if prepared.length is None else {"content-length": str(prepared.length)}
        if route.operation.body is Body.SESSION_FORM:
            query = with_mapped_model(query, resource.deployments.serving)
        return UpstreamRequest(
            method=route.operation.method,
            url=resource.surfaces.url(route, prepared.plan.deployment, query),
            headers=headers.request_to_azure(exchange.request.headers, json=False) | length,
            body=prepared.body,
        )
