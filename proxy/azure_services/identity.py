"""Microsoft Entra: the identity of the process, and a token that is kept fresh.

azure.identity takes about 0.1 s to import, so it is imported on first use and in a thread.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.azure_services.cached import Cached
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.errors import ConfigurationError
from proxy.values import Secret

if TYPE_CHECKING:
    from azure.core.credentials import AccessTokenInfo, TokenRequestOptions
    from azure.core.credentials_async import AsyncSupportsTokenInfo
    from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential


UNAVAILABLE = "identity_unavailable"
CONNECT_SECONDS = 3.0
READ_SECONDS = 35.0  # the identity endpoint of a new instance may take 30 s
MARGIN = 60.0  # seconds; a token must be valid for as long as a request may wait


def credential(*, client_id: str | None, managed: bool) -> "ManagedIdentityCredential | AzureCliCredential":
    """Create the SDK's credential: the managed identity if Azure provides one, else the login of the Azure CLI.

    DefaultAzureCredential would try several identities and hide which one was used.
    """
    with ONE_AT_A_TIME:
        import aiohttp  # noqa: F401, PLC0415 - else the SDK imports it on the event loop
        from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential  # noqa: PLC0415 - slow to import

    # Its warnings contain the endpoint's whole answer, which may have a token.
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    if not managed:
        return AzureCliCredential()
    # One attempt and no pause, because `Cached` waits between attempts.
    return ManagedIdentityCredential(
        client_id=client_id,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=1,
        retry_connect=1,
        retry_read=0,
        retry_status=0,
        use_env_settings=False,  # its endpoint is on this machine, so no HTTP proxy is used
    )


class Identity:
    """The identity of the process, created on first use and called by one caller at a time."""

    def __init__(self, *, client_id: str | None, managed: bool) -> None:
        self._client_id = client_id
        self._managed = managed
        self._credential: ManagedIdentityCredential | AzureCliCredential | None = None
        # The SDK caches tokens, but makes a call for each caller that finds the cache empty.
        self._one_at_a_time = asyncio.Lock()

    async def get_token_info(self, *scopes: str, options: "TokenRequestOptions | None" = None) -> "AccessTokenInfo":
        """Return a token as the SDK's credentials do; raise `ConfigurationError` if there is none."""
        async with self._one_at_a_time:
            if self._credential is None:
                self._credential = await asyncio.to_thread(credential, client_id=self._client_id, managed=self._managed)
            return await _ask(self._credential, scopes, options)

    async def close(self) -> None:
        """Close the SDK's connections."""
        if self._credential:
            await self._credential.close()


async def _ask(
    sdk: "AsyncSupportsTokenInfo", scopes: tuple[str, ...], options: "TokenRequestOptions | None"
) -> "AccessTokenInfo":
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow to import

    try:
        return await sdk.get_token_info(*scopes, options=options)
    # The SDK raises the last four if the endpoint's answer lacks a field or has another type.
    except (AzureError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unavailable(getattr(error, "response", None)) from None


def _unavailable(response: object) -> ConfigurationError:
    failure = ConfigurationError(
        "The proxy has no identity in Azure. On Azure: switch on the Function app's managed identity and check that "
        "AZURE_CLIENT_ID, if set, is the client id of an identity assigned to the app. Elsewhere: run `az login`.",
        reason=UNAVAILABLE,
    )
    copy_retry_after(failure, response)
    return failure


def copy_retry_after(failure: ConfigurationError, response: object) -> None:
    """Copy the time that a response of an SDK asks to wait, which Azure writes in whole seconds."""
    seconds = getattr(response, "headers", {}).get("Retry-After", "")
    if seconds.isascii() and seconds.isdigit():
        failure.headers = {"retry-after": seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token; `expires` is in seconds since 1970 UTC."""

    secret: Secret
    expires: float


class EntraToken:
    """A token for one scope, renewed after half of its remaining life, and kept if that fails.

    `now` is in seconds since 1970 UTC, as the expiry of a token is.
    """

    def __init__(
        self,
        identity: Identity,
        scope: str,
        *,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._identity = identity
        self._scope = scope
        self._now = now
        self._cached = Cached(self._fetch, self._lifetime, sleep=sleep)
        self._token: Token | None = None

    @property
    def problem(self) -> str | None:
        """The reason code as long as there is no token, or only an expired one."""
        expired = self._token is not None and not self._usable(self._token)
        return UNAVAILABLE if expired else self._cached.problem

    def start(self) -> None:
        """Begin to fetch in the background."""
        self._cached.start()

    async def get(self) -> Secret:
        """Return a token that is valid for another minute; raise `ConfigurationError` if there is none."""
        token = await self._cached.get()
        if not self._usable(token):  # after a long failure, or after the machine was suspended
            token = await self._cached.reread(token)
        if not self._usable(token):
            raise _unavailable(None)
        return token.secret

    async def renew(self, refused: Secret) -> Secret:
        """Return another token, fetched once for all callers with the `refused` one."""
        token = await self._cached.get()
        if token.secret == refused:
            token = await self._cached.reread(token)
        return token.secret

    async def close(self) -> None:
        """Stop renewing; the owner of the identity closes it."""
        await self._cached.close()

    async def _fetch(self) -> Token:
        # With claims that are not None, azure-identity does not use its own cache, which would return a refused token
        # again and renew a token of one hour only 5 minutes before its end. Empty claims are not sent.
        info = await self._identity.get_token_info(self._scope, options={"claims": ""})
        token = Token(secret=Secret(info.token), expires=float(info.expires_on))
        if not self._usable(token):
            raise _unavailable(None)
        self._token = token
        return token

    def _usable(self, token: Token) -> bool:
        return self._now() < token.expires - MARGIN

    def _lifetime(self, token: Token) -> float:
        return (token.expires - self._now()) / 2
