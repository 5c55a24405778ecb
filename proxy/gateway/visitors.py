"""Who is calling, and which resource opens with what they bring."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from proxy.auth import INVALID_KEY, KeyRing
from proxy.edge.client_keys import ClientKeys
from proxy.edge.credentials import FixedKey
from proxy.errors import Unauthenticated
from proxy.gateway.resource import Resource
from proxy.messages import OwnKey
from proxy.routing.deployments import Deployments
from proxy.translation.surfaces import surfaces_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A client by its name, and the resource for it; `unproven` is one whose key only Azure can judge."""

    client: str
    resource: Resource
    unproven: bool = False


class Visitors(Protocol):
    """Knows the clients."""

    def start(self) -> None:
        """Begin to fetch keys and tokens in the background of the running loop."""
        ...

    async def identify(self, headers: Mapping[str, str]) -> Visit:
        """Return who is calling; raise `Unauthenticated`."""
        ...

    async def problems(self) -> tuple[str, ...]:
        """Return why nobody can be served, as codes without names; none when all is well."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyHolders:
    """Clients with a client key, who are served with the proxy's own credential; `now` is in seconds since 1970 UTC."""

    keys: ClientKeys[KeyRing]
    resource: Resource
    now: Callable[[], float]

    def start(self) -> None:
        """Begin to fetch the client keys and the credential."""
        self.resource.credential.start()
        self.keys.start()

    async def identify(self, headers: Mapping[str, str]) -> Visit:
        """Return the holder of the key; raise `Unauthenticated`, or why the keys could never be read."""
        ring = await self.keys.current()
        try:
            return Visit(client=ring.identify(headers, self.now()).name, resource=self.resource)
        except Unauthenticated as error:
            missing = self.keys.missing()
            if missing is not None and error.code == INVALID_KEY:
                raise missing from None
            raise

    async def problems(self) -> tuple[str, ...]:
        """Return what is missing of the credential and the keys."""
        self.start()
        reasons = [reason for reason in (self.resource.credential.problem, self.keys.problem) if reason]
        if not reasons and not len(await self.keys.current()):
            reasons.append("no_client_keys")
        return tuple(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyBringers:
    """Clients with a key of Azure OpenAI, which goes to Azure in place of ours.

    `read` finds the key in the headers; `api_version` is for keys that name none.
    """

    name: str
    read: Callable[[Mapping[str, str]], OwnKey]
    resource: Resource
    api_version: str

    def start(self) -> None:
        """Do nothing: there is nothing of our own."""

    async def identify(self, headers: Mapping[str, str]) -> Visit:
        """Return the resource that the client's key is for; raise `Unauthenticated` for what cannot be one."""
        own = self.read(headers)
        resource = replace(self.resource, credential=FixedKey(own.key), auth=None)
        if own.endpoint is None:
            return Visit(client=self.name, resource=resource, unproven=True)
        version = own.api_version or self.api_version
        surfaces = surfaces_at(own.endpoint, version, resource.surfaces.chosen)
        # Azure's own URLs carry the deployment: its name is as good as the model's.
        models = {**{name: name for name in own.models.values()}, **own.models}
        deployments = Deployments(models=models, default=own.default, closed=True)
        return Visit(client=self.name, resource=replace(resource, surfaces=surfaces, deployments=deployments))

    async def problems(self) -> tuple[str, ...]:
        """Return none: the keys are the clients'."""
        return ()
