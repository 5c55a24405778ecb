"""Microsoft Entra: the process's one identity, and a token that is kept fresh.

azure.identity costs about 0.1 s to import, so it is imported on first use and in a thread.
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
READ_SECONDS = 35.0  # a fresh instance's identity endpoint has been seen to take 30 s
MARGIN = 60.0  # a token must outlive the request that carries it


def credential(*, client_id: str | None, managed: bool) -> "ManagedIdentityCredential | AzureCliCredential":
    """Make the SDK's credential: the managed identity where Azure provides one, else the Azure CLI's login.

    Never DefaultAzureCredential: it tries several identities one after another and hides which one answered.
    """
    with ONE_AT_A_TIME:
        import aiohttp  # noqa: F401, PLC0415 - else the SDK imports it on the event loop
        from azure.identity.aio import AzureCliCredential, ManagedIdentityCredential  # noqa: PLC0415 - slow to import

    # It warns at each retry, and with the endpoint's whole answer: a token, when only the expiry is missing.
    logging.getLogger("azure.identity").setLevel(logging.CRITICAL)
    if not managed:
        return AzureCliCredential()
    # One attempt and no sleep: Cached waits between attempts, in one place for all credentials.
    return ManagedIdentityCredential(
        client_id=client_id,
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=1,
        retry_connect=1,
        retry_read=0,
        retry_status=0,
        use_env_settings=False,  # its endpoint is on this machine, behind no outbound proxy
    )


class Identity:
    """The process's one identity: made on first use, asked by one caller at a time, clear when it fails."""

    def __init__(self, *, client_id: str | None, managed: bool) -> None:
        self._client_id = client_id
        self._managed = managed
        self._credential: ManagedIdentityCredential | AzureCliCredential | None = None
        # The SDK caches tokens but sends a call for each caller that finds its cache empty.
        self._one_at_a_time = asyncio.Lock()

    async def get_token_info(self, *scopes: str, options: "TokenRequestOptions | None" = None) -> "AccessTokenInfo":
        """Return a token as the SDK's own credentials do, or raise ConfigurationError."""
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
    # The SDK raises the last four when the endpoint's answer lacks a field or has another type.
    except (AzureError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise _unavailable(getattr(error, "response", None)) from None


def _unavailable(response: object) -> ConfigurationError:
    failure = ConfigurationError(
        "The proxy has no identity in Azure. On Azure: switch on the Function app's managed identity and check that "
        "AZURE_CLIENT_ID, if set, is the client id of an identity assigned to the app. Elsewhere: run `az login`.",
        reason=UNAVAILABLE,
    )
    carry_retry_after(failure, response)
    return failure


def carry_retry_after(failure: ConfigurationError, response: object) -> None:
    """Hand on the time that an SDK's response asks to wait, if it is whole seconds as Azure writes it."""
    seconds = getattr(response, "headers", {}).get("Retry-After", "")
    if seconds.isascii() and seconds.isdigit():
        failure.headers = {"retry-after": seconds}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token; `expires` is seconds since 1970 UTC."""

    secret: Secret
    expires: float


class EntraToken:
    """A token for one scope, renewed at half of its remaining life and kept when that fails.

    `now` is seconds since 1970 UTC, because the token's expiry is.
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
        """The reason code while there is no token, or only one that is too old."""
        expired = self._token is not None and not self._usable(self._token)
        return UNAVAILABLE if expired else self._cached.problem

    def start(self) -> None:
        """Begin to fetch in the background."""
        self._cached.start()

    async def get(self) -> Secret:
        """Return a token with at least a minute to live, or raise ConfigurationError."""
        token = await self._cached.get()
        if not self._usable(token):  # only after a long failure, or when the machine was asleep
            token = await self._cached.reread(token)
        if not self._usable(token):
            raise _unavailable(None)
        return token.secret

    async def renew(self, refused: Secret) -> Secret:
        """Return the token after one new fetch for all callers whom Azure refused this one."""
        token = await self._cached.get()
        if token.secret == refused:
            token = await self._cached.reread(token)
        return token.secret

    async def close(self) -> None:
        """Stop renewing; the identity is closed by its owner."""
        await self._cached.close()

    async def _fetch(self) -> Token:
        # Claims that are not None make azure-identity skip its own cache, which would hand out a refused token again
        # and renew a one-hour token only 5 minutes before its end; empty claims are not sent.
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
