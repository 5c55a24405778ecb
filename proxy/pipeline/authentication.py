"""Who is calling, and which resources they may use."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Protocol

import msgspec

from proxy.auth.allowed_models import AllowedModels, allowed_models
from proxy.auth.keys import INVALID_KEY, KeyRing
from proxy.azure_api.urls import surfaces_at
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.credentials import FixedKey
from proxy.config.policy import Policy
from proxy.errors import Unauthenticated
from proxy.openai_api.object_ids import Tags
from proxy.openai_api.operations import Surface
from proxy.pipeline.resources import Resource, Resources
from proxy.routing.retry import Routing
from proxy.routing.targets import ResourceModels
from proxy.values import Limits, PassthroughKey

# Resources that clients have named lately; what is forgotten is learnt anew.
MAX_NAMED = 256
REFUSALS_LOGGED_EACH = 60.0
_LOG = logging.getLogger(__name__)


class Principal(msgspec.Struct, frozen=True, kw_only=True):
    """A client by its name, and the resources for it; the key of an `unverified` one only Azure can judge.

    `allowed` are the models that it may use, None for all; `limits` is None where there are none.
    Its key `expires` at a time in seconds since 1970 UTC.
    """

    client: str
    resources: Resources
    unverified: bool = False
    allowed: AllowedModels | None = None
    limits: Limits | None = None
    expires: float | None = None


class Authenticator(Protocol):
    """Knows the clients."""

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        ...

    async def close(self) -> None:
        """Stop what runs in the background."""
        ...

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return who is calling; raise `Unauthenticated`."""
        ...

    async def problems(self) -> tuple[str, ...]:
        """Return why nobody can be served, as codes without names; none when all is well."""
        ...

    def warnings(self) -> tuple[str, ...]:
        """Return what is wrong with single keys, as codes without names."""
        ...


class Refusals:
    """Counts the requests without a valid key; they are logged at most once a minute, and nobody is blocked.

    All clients may come from the one address of a gateway, so that an address says nothing.
    """

    def __init__(self) -> None:
        self.total = 0
        self._logged = 0
        self._next = float("-inf")

    def note(self, now: float) -> None:
        """Count one; `now` is in seconds."""
        self.total += 1
        if now >= self._next:
            _LOG.warning("requests without a valid key: %d, %d in all", self.total - self._logged, self.total)
            self._logged, self._next = self.total, now + REFUSALS_LOGGED_EACH


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKeyAuthenticator:
    """Clients with a client key, who are served with the proxy's own credential; `now` is in seconds since 1970 UTC."""

    keys: ClientKeys[KeyRing]
    resources: Resources
    now: Callable[[], float]
    refusals: Refusals = field(default_factory=Refusals)

    def start(self) -> None:
        """Begin to fetch the client keys and the credentials."""
        self.resources.start()
        self.keys.start()

    async def close(self) -> None:
        """Stop fetching."""
        await self.keys.close()
        await self.resources.close()

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the holder of the key; raise `Unauthenticated`, or why the keys could never be read."""
        ring = await self.keys.current()
        try:
            client = ring.identify(headers, self.now())
        except Unauthenticated as error:
            missing = self.keys.missing()
            if missing is not None and error.code == INVALID_KEY:
                raise missing from None
            self.refusals.note(self.now())
            raise
        if client.limits is None:
            return Principal(client=client.name, resources=self.resources, expires=client.expires)
        models = client.limits.models
        allowed = None if models is None else allowed_models(models)
        return Principal(
            client=client.name,
            resources=self.resources,
            allowed=allowed,
            limits=client.limits,
            expires=client.expires,
        )

    async def problems(self) -> tuple[str, ...]:
        """Return what is missing of the credentials and the keys."""
        self.start()
        reasons = [*self.resources.problems(), *filter(None, (self.keys.problem,))]
        if not reasons and not len(await self.keys.current()):
            reasons.append("no_client_keys")
        return tuple(reasons)

    def warnings(self) -> tuple[str, ...]:
        """Return whether there are locked and weak keys."""
        return self.keys.warnings


class RoutingByEndpoint:
    """What is known of each resource that clients name, so that the troubles of one are none of another's."""

    def __init__(self, policy: Policy) -> None:
        self.get = lru_cache(maxsize=MAX_NAMED)(lambda _endpoint: Routing(policy))


@dataclass(frozen=True, slots=True, kw_only=True)
class PassthroughAuthenticator:
    """Clients with a key of Azure OpenAI, which goes to Azure in place of ours.

    `read` finds the key in the headers; `resource` is what a key without a resource is for; `api_version` and `chosen`
    surfaces are for keys that name none.
    """

    name: str
    read: Callable[[Mapping[str, str]], PassthroughKey]
    resource: Resource | None
    routing: RoutingByEndpoint
    api_version: str
    chosen: Mapping[str, Surface]

    def start(self) -> None:
        """Do nothing: there is nothing of our own."""

    async def close(self) -> None:
        """Do nothing."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the resource that the client's key is for; raise `Unauthenticated` for what cannot be one."""
        key = self.read(headers)
        resources = Resources(
            [self._resource(key)],
            fallbacks={},
            routing=self.routing.get(key.endpoint),
            tags=Tags((key.endpoint or "configured",)),
        )
        return Principal(client=self.name, resources=resources, unverified=key.endpoint is None)

    async def problems(self) -> tuple[str, ...]:
        """Return none: the keys are the clients'."""
        return ()

    def warnings(self) -> tuple[str, ...]:
        """Return none."""
        return ()

    def _resource(self, key: PassthroughKey) -> Resource:
        if key.endpoint is None and self.resource is not None:
            return replace(self.resource, credential=FixedKey(key.key))
        # Azure's own URLs carry the deployment: its name is as good as the model's.
        models = {**{name: name for name in key.models.values()}, **key.models}
        return Resource(
            models=ResourceModels(models=models, default=key.default, deployed=()),
            surfaces=surfaces_at(key.endpoint or "", key.api_version or self.api_version, self.chosen),
            credential=FixedKey(key.key),
            auth=None,
        )
