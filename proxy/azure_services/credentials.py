"""The credential for Azure OpenAI as a header: a fixed key, a key from Key Vault, or an Entra token."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from proxy.azure_services.cached import Cached
from proxy.azure_services.identity import EntraToken
from proxy.values import Secret

REFRESH_SECONDS = 30 * 60.0  # far below the vault's limits; after a 401 the key is read at once

Header = tuple[str, str]


BEARER = "Bearer "


def key_header(key: Secret) -> Header:
    """Return the header for a key of Azure OpenAI."""
    return ("api-key", key.reveal())


def bearer_header(token: Secret) -> Header:
    """Return the header for a token, or for a key of OpenAI itself."""
    return ("Authorization", BEARER + token.reveal())


class UpstreamCredential(Protocol):
    """What authenticates the proxy to Azure OpenAI."""

    @property
    def problem(self) -> str | None:
        """The reason code as long as there is no credential."""
        ...

    def start(self) -> None:
        """Begin to fetch in the background of the running loop."""
        ...

    async def header(self) -> Header:
        """Return the header's name and value; raise `ConfigurationError` if there is no credential."""
        ...

    async def renew(self, refused: Header) -> bool:
        """Fetch another credential after a 401 to `refused`; return whether there is one."""
        ...

    async def close(self) -> None:
        """Stop what runs in the background."""
        ...


class FixedKey:
    """A key from the settings, which cannot be renewed."""

    problem: str | None = None

    def __init__(self, key: Secret, header: Callable[[Secret], Header] = key_header) -> None:
        self._key = key
        self._header = header

    def start(self) -> None:
        """Do nothing: there is nothing to fetch."""

    async def header(self) -> Header:
        """Return the key."""
        return self._header(self._key)

    async def renew(self, refused: Header) -> bool:
        """Return False for the key itself, because there is no other one."""
        return refused != await self.header()

    async def close(self) -> None:
        """Do nothing."""


class NoCredential:
    """Nothing: the server asks for no key."""

    problem: str | None = None

    def start(self) -> None:
        """Do nothing: there is nothing to fetch."""

    async def header(self) -> Header:
        """Return a header without a name, which is not sent."""
        return ("", "")

    async def renew(self, refused: Header) -> bool:
        """Return False: there is nothing other than nothing."""
        return refused != await self.header()

    async def close(self) -> None:
        """Do nothing."""


class VaultKey:
    """A key in Key Vault, read every half hour, and again when Azure refuses it."""

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
        """The reason code as long as there is no key."""
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
        """Stop reading; the owner of the vault closes it."""
        await self._cached.close()


class BearerToken:
    """An Entra token."""

    def __init__(self, token: EntraToken) -> None:
        self._token = token

    @property
    def problem(self) -> str | None:
        """The reason code as long as there is no token."""
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
