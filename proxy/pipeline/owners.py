"""Whose the objects are that a request names, where they have owners."""

from dataclasses import dataclass

from proxy.azure_services.cached import Cached
from proxy.openai_api.object_owners import OwnedTags, Owner, SigningKey
from proxy.openai_api.operations import Operation
from proxy.openai_api.ownership import check_ownership
from proxy.pipeline.authentication import Principal

SigningKeys = tuple[SigningKey, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Owners:
    """Knows what signs ids: keys of the settings, or `cached` ones of the vault.

    With `strict`, objects without an owner belong to nobody, else to everybody.
    """

    keys: SigningKeys
    cached: Cached[SigningKeys] | None
    strict: bool

    def start(self) -> None:
        """Begin to read the keys in the background of the running loop."""
        if self.cached is not None:
            self.cached.start()

    def problems(self) -> tuple[str, ...]:
        """Return why no id can be signed, as codes; none when all is well."""
        self.start()
        problem = None if self.cached is None else self.cached.problem
        return () if problem is None else (problem,)

    async def open(self, operation: Operation, principal: Principal) -> OwnedTags | None:
        """Return what signs and checks the ids of a client, None for an operation without objects.

        Raises `UnsupportedOperation` for one that cannot tell owners apart, and `ConfigurationError` without keys.
        """
        if not check_ownership(operation):
            return None
        keys = self.keys if self.cached is None else await self.cached.get()
        return OwnedTags(principal.resources.tags, Owner(principal.client, keys), self.strict)
