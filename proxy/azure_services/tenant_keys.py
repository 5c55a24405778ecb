"""The keys with which a tenant of Microsoft Entra ID signs its tokens, fetched, cached and rotated.

They change every few weeks, without notice in an emergency. So a token of an unknown key is a reason to fetch them
again, at most once in half a minute, and while Microsoft Entra ID is down the old ones stay in use.

https://learn.microsoft.com/entra/identity-platform/signing-key-rollover
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from proxy.auth.access_tokens import issuers_of
from proxy.auth.signing_keys import SigningKey, SigningKeys, parse_configuration, parse_keys
from proxy.azure_services.cached import Cached
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.config.entra import EntraSettings
from proxy.config.http_proxy import HttpProxies
from proxy.errors import ConfigurationError

if TYPE_CHECKING:
    from proxy.azure_services.small_documents import Documents

UNREACHABLE, UNUSABLE = "entra_keys_unreachable", "entra_keys_unusable"
REFRESH_SECONDS = 3600.0
CONNECT_SECONDS, DOCUMENT_SECONDS = 3.0, 10.0
PATIENCE = 10.0  # seconds that a request waits for keys
LONGEST_DOCUMENT = 256 * 1024  # bytes; a tenant has about ten keys of 2 KB
CURES = {
    UNREACHABLE: "Microsoft Entra ID could not be asked for the keys of its tokens. Check CLIENT_ENTRA_TENANT, "
    "CLIENT_ENTRA_AUTHORITY and what the proxy's network lets out; the proxy tries again by itself.",
    UNUSABLE: "The answer is not the one of Microsoft Entra ID about this tenant. Check CLIENT_ENTRA_TENANT and "
    "CLIENT_ENTRA_AUTHORITY.",
}


class TenantKeys:
    """The keys of one tenant."""

    def __init__(
        self,
        settings: EntraSettings,
        *,
        proxies: HttpProxies | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._proxies = proxies or HttpProxies()
        self._cached = Cached(self._fetch, lambda _: REFRESH_SECONDS, sleep=sleep, clock=clock, patience=PATIENCE)
        self._documents: Documents | None = None

    @property
    def problem(self) -> str | None:
        """The reason code as long as there are no keys."""
        return self._cached.problem

    def start(self) -> None:
        """Begin to fetch in the background."""
        self._cached.start()

    async def find(self, kid: str) -> SigningKey | None:
        """Return the key of an id, None when the tenant has none; raise `ConfigurationError` without any keys."""
        keys = await self._cached.get()
        if kid not in keys:
            keys = await self._cached.reread(keys)
        return keys.get(kid)

    async def close(self) -> None:
        """Stop fetching, and close the connections."""
        await self._cached.close()
        if self._documents is not None:
            await self._documents.close()

    async def _fetch(self) -> SigningKeys:
        authority, tenant, (_, issuer) = self._settings.authority, self._settings.tenant, issuers_of(self._settings)
        configuration = await self._get(f"{authority}/{tenant}/v2.0/.well-known/openid-configuration")
        try:
            keys = parse_configuration(configuration, issuer, authority)
            return parse_keys(await self._get(keys), issuer, tenant)
        except ValueError:
            raise _failure(UNUSABLE) from None

    async def _get(self, url: str) -> bytes:
        if self._documents is None:
            self._documents = await asyncio.to_thread(_open, self._proxies)
        try:
            status, body = await self._documents.get(url)
        except OSError:
            raise _failure(UNREACHABLE) from None
        if status == 200 and body is not None:
            return body
        raise _failure(UNUSABLE if status in (200, 400, 404) else UNREACHABLE)


def _open(proxies: HttpProxies) -> "Documents":
    with ONE_AT_A_TIME:
        from proxy.azure_services.small_documents import Documents  # noqa: PLC0415  aiohttp is slow to import

    return Documents(proxies, connect=CONNECT_SECONDS, total=DOCUMENT_SECONDS, longest=LONGEST_DOCUMENT)


def _failure(reason: str) -> ConfigurationError:
    return ConfigurationError(CURES[reason], reason=reason)
