"""A request with the operation that it asks for and the resources that may serve it; its ids, both ways."""

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial

import msgspec
from msgspec import structs

from proxy.auth.allowed_models import AllowedModels, unknown_operation, unnamed_model, unread_batch
from proxy.azure_api.request import IMAGE_HEADER, Call, Serving, require_model
from proxy.errors import ModelNotFound
from proxy.openai_api.claims import Claim, Claims, claimed, not_served_there, preferred
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.model_places import also_named_models, is_batch_in_parts
from proxy.openai_api.object_ids import (
    EventTags,
    ObjectTags,
    bare_body,
    bare_query,
    bare_route,
    brings_ids,
    spans_resources,
    tag_answer,
)
from proxy.openai_api.object_owners import OwnedTags, without_mark
from proxy.openai_api.ownership import bare_line, owned_body
from proxy.openai_api.router import UNKNOWN, Route
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
    `allowed` are the models that the client may use, None for all. `tags` are those of its ids, and `owned` the same
    where objects have owners, else None.
    """

    __repr__ = object.__repr__  # without what is in it

    request: Request
    route: Route
    query: str
    resources: Resources
    tags: ObjectTags
    client: str = ""
    pinned: int | None = None
    claim: Claim | None = None
    preferred: int | None = None
    allowed: AllowedModels | None = None
    owned: OwnedTags | None = None

    def check_models(self, allowed: AllowedModels, raw: bytes, named: str | None) -> None:
        """Raise `ModelNotFound` or `InvalidRequest` for what would use other models than the `allowed` ones.

        `raw` is the JSON that may name further models than the `named` one that is asked for.
        """
        operation, image = self.route.operation, self.request.headers.get(IMAGE_HEADER)
        if operation.name == UNKNOWN:
            raise unknown_operation()
        if operation.stored_model and not named:
            raise unnamed_model()
        if is_batch_in_parts(operation, raw):
            raise unread_batch()
        for model in (*also_named_models(operation, raw), *([image] if image is not None else [])):
            allowed.check(model, self.names())

    def without_tags(self, raw: bytes, claims: Claims = ()) -> tuple["RoutedRequest", bytes]:
        """Return the request and its body without the tags of ids, pinned to the resource that they name.

        Raises `InvalidRequest` for ids of two resources, and `UnknownId` for ids of none, or of another client.
        """
        tags = self.tags
        if self.owned is not None:
            raw = owned_body(self.route.operation, raw, self.owned.owner)
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
        names = self.resources.catalogue().plain_names
        return names if self.allowed is None else self.allowed.among(names)

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
        if self.allowed is not None:
            self.allowed.check(model, catalogue.plain_names)
            targets = self._permitted(self.allowed, targets)
        if self.claim is not None:
            # Also where the pinned resource may have a deployment of that name, but others are known to have it.
            everywhere = self._permitted(self.allowed, catalogue.targets(model, kind=operation.kind))
            if everywhere and all(target.resource != self.pinned for target in everywhere):
                # A chat that stands for a response has all in it: no item is looked up, and no seal is opened.
                if translates and (chats := tuple(target for target in everywhere if target.api is Api.CHAT)):
                    return chats
                raise not_served_there(model, self.claim)
        if not targets:
            raise ModelNotFound(model, known=self.names())
        return targets if self.preferred is None else prefer(targets, self.preferred)

    def _permitted(self, allowed: AllowedModels | None, targets: tuple[Target, ...]) -> tuple[Target, ...]:
        """Return the targets that the client may use.

        A model that no deployment is known to have may be served by a default deployment, which must be allowed itself.
        """
        if allowed is None:
            return targets
        known = self.resources.catalogue().plain_names
        return tuple(
            target
            for target in targets
            if allowed.allows(target.model) and (target.model in known or allowed.allows(target.deployment))
        )

    def targets_without_model(self, document: JsonBody | None) -> tuple[Target, ...]:
        """Return where a request may go that leaves its model out: to the default deployments if there are any.

        Raises `InvalidRequest` if Azure would not know what to do without a model.
        """
        operation = self.route.operation
        targets = self.resources.catalogue().default_targets(operation.kind, self.pinned)
        if self.allowed is not None:
            targets = self._permitted(self.allowed, targets)
            if not targets:
                raise unnamed_model()
        if not targets:
            require_model(operation, document)
        targets = targets or self.targets(None)
        return targets if self.preferred is None else prefer(targets, self.preferred)

    def serving(self, resource: int) -> Serving:
        """Return what finds the deployment of a resource for a model."""
        catalogue, kind = self.resources.catalogue(), self.route.operation.kind
        return self._allowing(partial(catalogue.serving, resource=resource, kind=kind))

    def serving_image(self, resource: int) -> Serving:
        """Return what finds the deployment of a resource for images; for an empty name the default, empty if none."""
        catalogue = self.resources.catalogue()

        def serving(model: str) -> str:
            if model:
                return self._allowing(partial(catalogue.serving, resource=resource, kind=ModelKind.IMAGES))(model)
            targets = catalogue.default_targets(ModelKind.IMAGES, resource)
            if self.allowed is not None:
                targets = self._permitted(self.allowed, targets)
            return (targets[0].deployment or "") if targets else ""

        return serving

    def serving_batch(self, resource: int) -> Serving:
        """Return what finds the deployment for the lines of a batch; the lines are many and the models few."""
        serving = self._allowing(partial(self.resources.catalogue().serving_batch, resource=resource))
        return lru_cache(maxsize=64)(serving)

    def bare_lines(self, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what takes the tags off the ids in a line of a batch, None where objects have no owners."""
        return None if self.owned is None else partial(bare_line, self.owned, resource=resource)

    def _allowing(self, serving: Serving) -> Serving:
        """Return what refuses a model that the client may not use before it looks for its deployment."""
        allowed, names = self.allowed, self.resources.catalogue().plain_names
        if allowed is None:
            return serving

        def checked(model: str) -> str:
            allowed.check(model, names)
            deployment = serving(model)
            if model not in names:
                allowed.check(deployment, names)
            return deployment

        return checked

    def serving_from(self, target: Target) -> Serving:
        """Return what finds the deployment for a model: the target's own for the model it was chosen for."""
        serving = self.serving(target.resource)
        return lambda model: target.deployment or serving(model)

    def tagging(self, call: Call, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what tags the ids of a JSON answer, None where they stay as they are."""
        operation, tags = self.route.operation, self.tags
        if tags.alone or not brings_ids(operation, call.document):
            return None
        if self.owned is not None and not spans_resources(operation):
            return lambda data: without_mark(tag_answer(tags, operation, data, resource))
        return lambda data: tag_answer(tags, operation, data, resource)

    def tagging_events(self, call: Call, resource: int) -> Callable[[bytes], bytes] | None:
        """Return what tags the ids in the events of one stream, None where they stay as they are."""
        operation, tags = self.route.operation, self.tags
        if tags.alone or not brings_ids(operation, call.document):
            return None
        return EventTags(tags, operation, resource).tag
