"""The keys of all clients, from the settings and from Key Vault."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from proxy.azure_services.cached import Cached
from proxy.errors import ConfigurationError
from proxy.values import ClientKey

T = TypeVar("T")

Keys = tuple[ClientKey, ...]

REFRESH_SECONDS = 45.0  # with jitter, a new or withdrawn key takes effect within a minute


class ClientKeys(Generic[T]):
    """What `assemble` builds from all client keys, rebuilt only when they have changed."""

    def __init__(
        self,
        fixed: Keys,
        source: Callable[[], Awaitable[Keys]] | None,
        assemble: Callable[[Keys], T],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._fixed = fixed
        self._assemble = assemble
        self._cached = Cached(source, lambda _: REFRESH_SECONDS, sleep=sleep) if source else None
        self._from_vault: Keys = ()
        self._assembled = assemble(fixed)

    @property
    def problem(self) -> str | None:
        """The reason code as long as the vault's keys have never been read."""
        return self._cached.problem if self._cached else None

    def missing(self) -> ConfigurationError | None:
        """Return why the vault's keys have never been read, None if they have or if there is no vault."""
        return self._cached.missing() if self._cached else None

    def start(self) -> None:
        """Begin to read the vault."""
        if self._cached:
            self._cached.start()

    async def current(self) -> T:
        """Return what was built from the current keys, without those of a vault that could not be read yet."""
        if self._cached:
            self._take(await _read(self._cached))
        return self._assembled

    async def close(self) -> None:
        """Stop reading; the owner of the vault closes it."""
        if self._cached:
            await self._cached.close()

    def _take(self, keys: Keys) -> None:
        if keys is self._from_vault:  # the usual case, with every request
            return
        changed = set(keys) != set(self._from_vault)
        self._from_vault = keys
        if changed:
            self._assembled = self._assemble(self._fixed + keys)


async def _read(cached: Cached[Keys]) -> Keys:
    try:
        return await cached.get()
    except ConfigurationError:
        return ()
