"""A request with the operation that it asks for and the resources that may serve it; its ids, both ways."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

import msgspec
from msgspec import structs

from proxy.azure_api.request import Call, Serving, require_model
from proxy.errors import ModelNotFound
from proxy.openai_api.claims import Claim, Claims, claimed, not_served_there, preferred
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.object_ids import (
    EventTags,
    bare_body,
    bare_query,
    bare_route,
    brings_ids,
    tag_answer,
)
from proxy.openai_api.router import Route
from proxy.pipeline.resources import Resources
from proxy.routing.targets import Target, prefer
from proxy.values import Api, ModelKind, Request

# No model has a longer name, fine-tuned ones included; names are kept by whoever learns something of them.
MAX_MODEL = 256


class RoutedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a request before it is sent.

    `client` is the name of who sends it. `query` is the client's, without tags; `pinned` is the number of the resource
    that keeps the objects which the request names, None where it names none; `claim` is the first of their ids.
    `preferred` is the resource to ask first among equals, because it has made the items which the request brings.
    """

    __repr__ = object.__repr__  # without what is in it

    request: Request
    route: Route
    query: str
    resources: Resources
    client: str = ""
    pinned: int | None = None
    claim: Claim | None = None
    preferred: int | None = None

    def without_tags(self, raw: bytes, claims: Claims = ()) -> tuple["RoutedRequest", bytes]:
        """Return the request and its body without the tags of ids, pinned to the resource that they name.

        Raises `InvalidRequest` for ids of two resources, or of none.
        """
        tags = self.resources.tags
        if tags.alone and not self.route.parameters and not self.query and not tags.may_be_in(raw):
            return self, raw
        route, in_path = bare_route(tags, self.route)
        query, in_query = bare_query(tags, self.route.operation, self.query)
        raw, in_body = bare_body(tags, self.route.operation, raw)
        claim = claimed((*in_path, *in_query, *in_body, *claims))
        pinned = None if claim is None else claim.resource
        prefers = preferred(in_body) if pinned is None else None
        return structs.replace(self, route=route, query=query, pinned=pinned, claim=claim, preferred=prefers), raw

    def names(self) -> tuple[str, ...]:
        """Return the models that the client may use."""
        return self.resources.catalogue().plain_names

    def targets(self, model: str | None, *, translates: bool = False) -> tuple[Target, ...]:
        """Return where the request may go; with `translates` also as a chat, which needs no objects.

        Raises `ModelNotFound` when nobody serves the model, and `InvalidRequest` when only others do than the resource
        of the objects that the request names.
        """
        if model is not None and len(model) > MAX_MODEL:
            raise ModelNotFound(model, known=self.names())
        operation, catalogue = self.route.operation, self.resources.catalogue()
        targets = catalogue.targets(model, self.pinned, operation.kind)
        if model is None:
            return tuple(replace(target, operation=operation.name) for target in targets)
        if self.claim is not None:
            # Also where the pinned resource may have a deployment of that name, but others are known to have it.
            everywhere = catalogue.targets(model, kind=operation.kind)
            if everywhere and all(target.resource != self.pinned for target in everywhere):
                # A chat that stands for a response has all in it: no item is looked up, and no seal is opened.
                if translates and (chats := tuple(target for target in everywhere if target.api is Api.CHAT)):
                    return chats
                raise not_served_there(model, self.claim)
        if not targets:
            raise ModelNotFound(model, known=self.names())
        return targets if self.preferred is None else prefer(targets, self.preferred)

    def targets_without_model(self, document: JsonBody | None) -> tuple[Target, ...]:
        """Return where a request may go that leaves its model out: to the default deployments if there are any.

        Raises `InvalidRequest` if Azure would not know what to do without a model.
        """
        operation = self.route.operation
        targets = self.resources.catalogue().default_targets(operation.kind, self.pinned)
        if not targets:
            require_model(operation, document)
        targets = targets or self.targets(None)
        return targets if self.preferred is None else prefer(targets, self.preferred)

    def serving(self, resource: int) -> Serving:
        """Return what finds the deployment of a resource for a model."""
        return partial(self.resources.catalogue().serving, resource=resource, kind=self.route.operation.kind)

    def serving_image(self, resource: int) -> Serving:
        """Return what finds the deployment of a resource for images; for an empty name the default, empty if none."""
        catalogue = self.resources.catalogue()

        def serving(model: str) -> str:
            if model:
                return catalogue.serving(model, resource, ModelKind.IMAGES)
            targets = catalogue.default_targets(ModelKind.IMAGES, resource)
            return (targets[0].deployment or "") if targets else ""

        return serving

    def serving_batch(self, resource: int) -> Serving:
        """Return what finds the deployment for the lines of a batch; the lines are many and the models few."""
        return lru_cache(maxsize=64)(partial(self.resources.catalogue().serving_batch, resource=resource))

    def serving_from(self, target: Target) -> Serving:
        """Return what finds the deployment for a model: the target's own for the model it was chosen for."""
        serving = self.serving(target.resource)
        return lambda model: target.deployment or serving(model)

    def tagging(self, call: Call, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what tags the ids of a JSON answer, None where they stay as they are."""
        operation, tags = self.route.operation, self.resources.tags
        if tags.alone or not brings_ids(operation, call.document):
            return None
        return lambda data: tag_answer(tags, operation, data, resource)

    def tagging_events(self, call: Call, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what tags the ids in the events of one stream, None where they stay as they are."""
        operation, tags = self.route.operation, self.resources.tags
        if tags.alone or not brings_ids(operation, call.document):
            return None
        return EventTags(tags, operation, resource).tag
