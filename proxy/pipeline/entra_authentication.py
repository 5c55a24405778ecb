"""Clients with tokens of Microsoft Entra ID, alone or beside client keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.auth.access_tokens import presented_token
from proxy.auth.allowed_models import allowed_models
from proxy.auth.keys import presented_keys
from proxy.azure_services.entra_clients import EntraClients
from proxy.errors import Unauthenticated
from proxy.pipeline.authentication import ClientKeyAuthenticator, Principal, Refusals
from proxy.pipeline.resources import Resources
from proxy.values import Client


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraAuthenticator:
    """Clients with a token, who are served with the proxy's own credential; `keys` are for those with a client key."""

    clients: EntraClients
    resources: Resources
    keys: ClientKeyAuthenticator | None
    refusals: Refusals = field(default_factory=Refusals)

    def start(self) -> None:
        """Begin to fetch the tenant's keys, the client keys and the credentials."""
        self.resources.start()
        self.clients.keys.start()
        if self.keys is not None:
            self.keys.start()

    async def close(self) -> None:
        """Stop fetching."""
        await self.clients.keys.close()
        await (self.resources if self.keys is None else self.keys).close()

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        """Return the holder of the token, or of the key where there is no good token; raise `Unauthenticated`."""
        try:
            token = presented_token(headers)
            if token is not None:
                return _principal(await self.clients.identify(token), self.resources)
        except Unauthenticated:
            # A gateway in front may have a token of its own beside the client's key.
            if self.keys is None or len(presented_keys(headers)) == 1:
                self._note_refusal()
                raise
        if self.keys is None:
            self._note_refusal()
            raise self.clients.no_token()
        return await self.keys.authenticate(headers)

    async def problems(self) -> tuple[str, ...]:
        """Return why nobody can be served: a missing credential, or neither tokens nor keys that can be judged."""
        self.start()
        missing = tuple(self.resources.problems())
        own = self.clients.keys.problem
        if missing or own is None:
            return missing
        of_keys = () if self.keys is None else await self.keys.problems()
        return (own, *of_keys) if self.keys is None or of_keys else ()

    def warnings(self) -> tuple[str, ...]:
        """Return what is wrong with tokens or keys while the others work."""
        if self.keys is None:
            return ()
        return (*self.keys.warnings(), *filter(None, (self.clients.keys.problem, self.keys.keys.problem)))

    def _note_refusal(self) -> None:
        self.refusals.note(self.clients.now())


def _principal(client: Client, resources: Resources) -> Principal:
    models = client.limits.models if client.limits is not None else None
    allowed = None if models is None else allowed_models(models)
    return Principal(client=client.name, resources=resources, allowed=allowed, limits=client.limits)
