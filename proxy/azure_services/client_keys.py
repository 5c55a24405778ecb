"""The keys of all clients, from the settings and from Key Vault."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from proxy.azure_services.cached import Cached
from proxy.config.key_format import SHORTEST
from proxy.errors import ConfigurationError
from proxy.values import ClientKey

T = TypeVar("T")

Keys = tuple[ClientKey, ...]

log = logging.getLogger("proxy.azure_services.client_keys")

REFRESH_SECONDS = 45.0  # with jitter, a new or withdrawn key takes effect within a minute
LONGEST_AGE = 86_400.0  # seconds; how long the last list of the vault works while there is no newer one
AGE_LOGGED_EACH = 3600.0
LOCKED, WEAK, OUTDATED = "client_key_locked", "client_key_weak", "client_keys_outdated"
_OUTDATED = (
    "The client keys have not been read from Key Vault for too long (CLIENT_KEYS_MAX_AGE). Check KEY_VAULT_URL, the "
    "vault's network rules and the roles of the proxy's identity."
)


class ClientKeys(Generic[T]):
    """What `assemble` builds from all client keys, rebuilt only when they have changed.

    The last list of the vault works for `longest_age` seconds of the monotonic `clock`.
    """

    def __init__(
        self,
        fixed: Keys,
        source: Callable[[], Awaitable[Keys]] | None,
        assemble: Callable[[Keys], T],
        *,
        longest_age: float = LONGEST_AGE,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fixed = fixed
        self._source = source
        self._assemble = assemble
        self._longest_age = longest_age
        self._clock = clock
        self._cached = Cached(self._fetch, lambda _: REFRESH_SECONDS, sleep=sleep) if source else None
        self._from_vault: Keys = ()
        self._listed_at: float | None = None
        self._ends_at = float("inf")
        self._age_logged = 0.0
        self._assembled = assemble(fixed)
        self.warnings = _warnings(fixed)

    @property
    def problem(self) -> str | None:
        """The reason code as long as the vault's keys have never been read, or not for too long."""
        missing = self.missing()
        return missing.reason if missing else None

    def missing(self) -> ConfigurationError | None:
        """Return why there are no keys of the vault, None if there are or if there is no vault."""
        if self._clock() >= self._ends_at:
            return ConfigurationError(_OUTDATED, reason=OUTDATED)
        return self._cached.missing() if self._cached else None

    def start(self) -> None:
        """Begin to read the vault."""
        if self._cached:
            self._cached.start()

    async def current(self) -> T:
        """Return what was built from the current keys, without those of a vault that could not be read yet."""
        if self._cached:
            keys = await _read(self._cached)
            if keys is not self._from_vault or self._clock() >= self._ends_at:
                self._take(keys)
        return self._assembled

    async def close(self) -> None:
        """Stop reading; the owner of the vault closes it."""
        if self._cached:
            await self._cached.close()

    def _take(self, keys: Keys) -> None:
        if self._clock() >= self._ends_at:
            keys = ()
        changed = set(keys) != set(self._from_vault)
        self._from_vault = keys
        if changed:
            self._assembled = self._assemble(self._fixed + keys)
            self.warnings = _warnings(self._fixed + keys)

    async def _fetch(self) -> Keys:
        assert self._source is not None  # noqa: S101  there is no reading without one
        try:
            keys = await self._source()
        except ConfigurationError:
            self._log_age()
            raise
        self._listed_at = self._age_logged = self._clock()
        self._ends_at = self._listed_at + self._longest_age
        return keys

    def _log_age(self) -> None:
        """Log once an hour how old the keys are that are in use."""
        now = self._clock()
        if self._listed_at is not None and now - self._age_logged >= AGE_LOGGED_EACH:
            self._age_logged = now
            age, most = (now - self._listed_at) / 3600, self._longest_age / 3600
            log.warning("the client keys of Key Vault are %.1f h old; they work for %.1f h in all", age, most)


def _warnings(keys: Keys) -> tuple[str, ...]:
    """Return what is wrong with some keys, as codes; log how many of them are weak."""
    if weak := sum(key.weak for key in keys):
        log.warning("client keys of fewer than %d characters, which can be guessed: %d", SHORTEST, weak)
    found = {LOCKED: any(key.locked for key in keys), WEAK: any(key.weak for key in keys)}
    return tuple(reason for reason, is_found in found.items() if is_found)


async def _read(cached: Cached[Keys]) -> Keys:
    try:
        return await cached.get()
    except ConfigurationError:
        return ()
