"""One request of a client with what belongs to its way, and its ids on the way in and out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from proxy.azure_api.request import Call, Serving
from proxy.edge.request_log import Line
from proxy.errors import ModelNotFound
from proxy.gateway.fleet import Fleet
from proxy.gateway.opening import Opening
from proxy.openai_api.object_ids import Claims, bare_body, bare_query, bare_route, brings_ids, claimed, tag_answer
from proxy.openai_api.router import Route
from proxy.routing.targets import Target
from proxy.values import Request

# No model has a longer name, fine-tuned ones included; names are kept by whoever learns something of them.
MAX_MODEL = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request, the operation that it asks for, the resources that may serve it, and how far it has come.

    `pinned` is the number of the resource that keeps the objects which the request names, None where it names none.
    """

    request: Request
    route: Route
    query: str
    fleet: Fleet
    opening: Opening
    line: Line
    pinned: int | None = None

    def without_tags(self, raw: bytes, claims: Claims = ()) -> tuple["Exchange", bytes]:
        """Return the exchange and its body without the tags of ids, pinned to the resource that they name.

        Raises `InvalidRequest` for ids of two resources, or of none.
        """
        tags = self.fleet.tags
        if tags.alone and "~" not in self.request.path and "~" not in self.query and b"~" not in raw:
            return self, raw
        route, in_path = bare_route(tags, self.route)
        query, in_query = bare_query(tags, self.route.operation, self.query)
        raw, in_body = bare_body(tags, self.route.operation, raw)
        pinned = claimed((*in_path, *in_query, *in_body, *claims))
        return replace(self, route=route, query=query, pinned=pinned), raw

    def names(self) -> tuple[str, ...]:
        """Return the models that the client may use."""
        return self.fleet.catalogue().plain_names

    def targets(self, model: str | None) -> tuple[Target, ...]:
        """Return where the request may go; raise `ModelNotFound` when nobody serves the model."""
        if model is not None and len(model) > MAX_MODEL:
            raise ModelNotFound(model, known=self.names())
        targets = self.fleet.catalogue().targets(model, self.pinned)
        if model is None:
            return tuple(replace(target, operation=self.route.operation.name) for target in targets)
        if not targets:
            raise ModelNotFound(model, known=self.names())
        return targets

    def serving(self, resource: int) -> Serving:
        """Return what finds the deployment of a resource for a model."""
        return partial(self.fleet.catalogue().serving, resource=resource)

    def serving_batch(self, resource: int) -> Serving:
        """Return what finds the deployment for the lines of a batch; the lines are many and the models few."""
        return lru_cache(maxsize=64)(partial(self.fleet.catalogue().serving_batch, resource=resource))

    def serving_from(self, target: Target) -> Serving:
        """Return what finds the deployment for a model: the target's own for the model it was chosen for."""
        serving = self.serving(target.resource)
        return lambda model: target.deployment or serving(model)

    def tagging(self, call: Call, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what tags the ids of an answer, None where they stay as they are."""
        operation = self.route.operation
        if self.fleet.tags.alone or not brings_ids(operation, call.document):
            return None
        return partial(_tag, self, resource)


def _tag(exchange: Exchange, resource: int, data: bytes) -> bytes:
    return tag_answer(exchange.fleet.tags, exchange.route.operation, data, resource)
