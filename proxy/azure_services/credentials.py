"""The credential for Azure OpenAI, as a header: a fixed key, a key from Key Vault, or an Entra token."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from proxy.azure_services.cached import Cached
from proxy.azure_services.identity import EntraToken
from proxy.values import Secret

REFRESH_SECONDS = 30 * 60.0  # far below the vault's limits even for a hundred instances; a 401 is quicker anyway

Header = tuple[str, str]


BEARER = "Bearer "


def key_header(key: Secret) -> Header:
    """Return a key as Azure OpenAI takes it."""
    return ("api-key", key.reveal())


def bearer_header(token: Secret) -> Header:
    """Return a token, or a key of OpenAI itself."""
    return ("Authorization", BEARER + token.reveal())


class UpstreamCredential(Protocol):
    """What proves to Azure OpenAI that the proxy may call it."""

    @property
    def problem(self) -> str | None:
        """The reason code while there is no credential."""
        ...

    def start(self) -> None:
        """Begin to fetch in the background of the running loop."""
        ...

    async def header(self) -> Header:
        """Return the header's name and value, or raise ConfigurationError."""
        ...

    async def renew(self, refused: Header) -> bool:
        """Say whether, after Azure answered 401 to `refused`, `header` now gives something else."""
        ...

    async def close(self) -> None:
        """Stop what runs in the background."""
        ...


class FixedKey:
    """A key from the settings, which nothing renews."""

    problem: str | None = None

    def __init__(self, key: Secret, header: Callable[[Secret], Header] = key_header) -> None:
        self._key = key
        self._header = header

    def start(self) -> None:
        """Do nothing: the key is here."""

    async def header(self) -> Header:
        """Return the key."""
        return self._header(self._key)

    async def renew(self, refused: Header) -> bool:
        """Say that there is no other key."""
        return refused != await self.header()

    async def close(self) -> None:
        """Do nothing."""


class VaultKey:
    """A key in Key Vault, read every half hour and once more when Azure refuses it."""

    def __init__(
        self,
        read: Callable[[], Awaitable[Secret]],
        header: Callable[[Secret], Header] = key_header,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._cached = Cached(read, lambda _: REFRESH_SECONDS, sleep=sleep)
        self._header = header

    @property
    def problem(self) -> str | None:
        """The reason code while there is no key."""
        return self._cached.problem

    def start(self) -> None:
        """Begin to read the vault."""
        self._cached.start()

    async def header(self) -> Header:
        """Return the key."""
        return self._header(await self._cached.get())

    async def renew(self, refused: Header) -> bool:
        """Read the vault again, at most once in 30 s."""
        return refused != self._header(await self._cached.reread(Secret(refused[1].removeprefix(BEARER))))

    async def close(self) -> None:
        """Stop reading; the vault is closed by its owner."""
        await self._cached.close()


class BearerToken:
    """An Entra token."""

    def __init__(self, token: EntraToken) -> None:
        self._token = token

    @property
    def problem(self) -> str | None:
        """The reason code while there is no token."""
        return self._token.problem

    def start(self) -> None:
        """Begin to fetch the token."""
        self._token.start()

    async def header(self) -> Header:
        """Return the token."""
        return bearer_header(await self._token.get())

    async def renew(self, refused: Header) -> bool:
        """Fetch another token, at most once in 30 s."""
        return refused != bearer_header(await self._token.renew(Secret(refused[1].removeprefix(BEARER))))

    async def close(self) -> None:
        """Stop renewing."""
        await self._token.close()
