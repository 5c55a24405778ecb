"""The way of bodies that pass while they come: forms, and what nobody reads."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from proxy.azure_api import headers
from proxy.azure_api.forms import model_of
from proxy.azure_api.request import Call
from proxy.azure_api.urls import with_mapped_model
from proxy.gateway.attempt import Answered, Attempt, Caller, Refused
from proxy.gateway.exchange import Exchange
from proxy.gateway.forms import Prepared, Upload
from proxy.gateway.travel import Travel
from proxy.openai_api.object_ids import FORM_PARTS, bare_fields
from proxy.openai_api.operations import Body, lasting
from proxy.routing.failures import Repeat
from proxy.routing.targets import Target
from proxy.values import Response, UpstreamRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """How uploads are sent."""

    caller: Caller
    travel: Travel

    async def forward(self, exchange: Exchange) -> Response:
        """Read what routing needs, then send the body to one target after the other, as far as it can be repeated."""
        operation = exchange.route.operation
        more = () if exchange.fleet.tags.alone else FORM_PARTS.get(operation.name, ())
        with Upload(exchange.request, exchange.opening.end) as upload:
            fields = await upload.read(operation.body, more)
            bare, claims = bare_fields(exchange.fleet.tags, operation, fields)
            exchange, _ = exchange.without_tags(b"", claims)
            targets = exchange.targets(model_of(exchange.route, fields))
            attempting = partial(self._attempt, exchange, upload, bare)
            upload.when_moving, upload.when_sent = exchange.opening.moves, exchange.opening.sent
            return await self.travel.run(exchange, targets, self._repeat(exchange, upload), attempting)

    def _repeat(self, exchange: Exchange, upload: Upload) -> Repeat:
        if not upload.can_repeat:
            return Repeat.IF_NOT_SENT
        return Repeat.IF_NOT_PROCESSED if lasting(exchange.route.operation, None) else Repeat.IDEMPOTENT

    async def _attempt(
        self, exchange: Exchange, upload: Upload, bare: Mapping[str, str], target: Target
    ) -> Answered | Refused:
        route = exchange.route
        surface = exchange.fleet.resources[target.resource].surfaces.surface_for(route.operation)
        lines = exchange.serving_batch(target.resource)
        prepared = await upload.prepare(route, surface, bare, exchange.serving_from(target), lines)
        call = Call(route=route, model=prepared.plan.model)
        message = self._message(exchange, target, prepared)
        outcome = await self.caller.attempt(Attempt(exchange=exchange, call=call, target=target, message=message))
        if isinstance(outcome, Refused) and upload.failure is not None:
            raise upload.failure
        return outcome

    def _message(self, exchange: Exchange, target: Target, prepared: Prepared) -> UpstreamRequest:
        route, query, resource = exchange.route, exchange.query, exchange.fleet.resources[target.resource]
        length = {} if prepared.length is None else {"content-length": str(prepared.length)}
        if route.operation.body is Body.SESSION_FORM:
            query = with_mapped_model(query, exchange.serving(target.resource))
        return UpstreamRequest(
            method=route.operation.method,
            url=resource.surfaces.url(route, prepared.plan.deployment, query),
            headers=headers.request_to_azure(exchange.request.headers, json=False) | length,
            body=prepared.body,
        )
