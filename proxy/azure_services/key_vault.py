"""Azure Key Vault: reads one secret, and lists secrets and their versions."""

import asyncio
from collections.abc import AsyncIterable
from typing import TYPE_CHECKING, cast

from proxy.azure_services.identity import Identity, copy_retry_after
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.errors import ConfigurationError
from proxy.values import Secret

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.secrets import SecretProperties
    from azure.keyvault.secrets.aio import SecretClient

FORBIDDEN = "key_vault_forbidden"
MISSING = "key_vault_secret_missing"
THROTTLED = "key_vault_throttled"
UNREACHABLE = "key_vault_unreachable"
UNUSABLE = "key_vault_secret_unusable"
OF_ONE_SECRET = frozenset({FORBIDDEN, MISSING, UNUSABLE})  # the others are problems of the whole vault

CONNECT_SECONDS = 3.0  # there are two attempts: an unreachable vault fails after 6 s, a silent one after 10 s
READ_SECONDS = 10.0
LONGEST_SECRET = 25_000  # bytes; the limit of Key Vault, and far more than a key has


class KeyVault:
    """One vault, over an SDK client that is created on first use; failures say what to do and name no secret."""

    def __init__(self, url: str, identity: Identity) -> None:
        self._url = url
        self._identity = identity
        self._client: SecretClient | None = None
        self._connecting = asyncio.Lock()

    async def read(self, name: str, *, setting: str, version: str | None = None) -> Secret:
        """Return the value of a secret, its current one if no version is named.

        Messages of failures name the `setting` that names the secret.
        """
        client = await self._connected()
        try:
            value = (await client.get_secret(name, version)).value
        except _sdk_errors() as error:
            raise _failure(error, setting) from None
        return _checked(value, setting)

    async def list_secrets(self, *, setting: str) -> "list[SecretProperties]":
        """Return the properties of the current versions of all secrets."""
        client = await self._connected()
        return await _listed(client.list_properties_of_secrets(), setting)

    async def list_versions(self, name: str, *, setting: str) -> "list[SecretProperties]":
        """Return the properties of all versions of one secret."""
        client = await self._connected()
        return await _listed(client.list_properties_of_secret_versions(name), setting)

    async def close(self) -> None:
        """Close the SDK's connections; the owner of the identity closes it."""
        if self._client:
            await self._client.close()

    async def _connected(self) -> "SecretClient":
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(_connect, self._url, self._identity)
            return self._client


def _connect(url: str, identity: Identity) -> "SecretClient":
    with ONE_AT_A_TIME:
        from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415 - slow to import

    # A lost connection is retried once. After an error as an answer `Cached` waits, for as long as Retry-After says.
    return SecretClient(
        vault_url=url,
        credential=cast("AsyncTokenCredential", identity),  # the SDK only calls get_token_info if it exists
        connection_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retry_total=1,
        retry_connect=1,
        retry_read=0,
        retry_status=0,
    )


async def _listed(items: "AsyncIterable[SecretProperties]", setting: str) -> "list[SecretProperties]":
    try:
        return [item async for item in items]
    except _sdk_errors() as error:
        raise _failure(error, setting) from None


def _sdk_errors() -> tuple[type[Exception], ...]:
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow to import

    # ValueError: what answers is not a vault, or the SDK could not read the answer.
    return (AzureError, ValueError)


def _failure(error: Exception, setting: str) -> ConfigurationError:
    reason = REASONS.get(getattr(error, "status_code", None), UNREACHABLE)
    failure = ConfigurationError(CURES[reason].format(setting=setting), reason=reason)
    copy_retry_after(failure, getattr(error, "response", None))
    return failure


REASONS: dict[int | None, str] = {401: FORBIDDEN, 403: FORBIDDEN, 404: MISSING, 429: THROTTLED}
CURES = {
    FORBIDDEN: "Key Vault refused the proxy. Give the proxy's identity the role Key Vault Secrets User on the vault, "
    "check that the vault's network rules let the proxy in and that the secret is enabled.",
    MISSING: "Key Vault has no such secret. Create the secret, or correct its name: {setting}.",
    THROTTLED: "Key Vault has too many requests at the moment; the proxy tries again by itself.",
    UNREACHABLE: "Key Vault did not answer. Check KEY_VAULT_URL and the vault's network rules; "
    "the proxy tries again by itself.",
    UNUSABLE: "A secret in Key Vault is not a key: it is empty, longer than 25 KB, or has line breaks or characters "
    "outside ASCII. Set a new value: {setting}.",
}


def _checked(value: str | None, setting: str) -> Secret:
    """Return the value if it can be sent in a header; a newline at its end, which editors add, is removed."""
    text = (value or "").strip()
    if not text or len(text) > LONGEST_SECRET or not text.isascii() or not text.isprintable():
        raise ConfigurationError(CURES[UNUSABLE].format(setting=setting), reason=UNUSABLE)
    return Secret(text)
