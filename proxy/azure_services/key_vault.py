"""Azure Key Vault: reads one secret, and all client keys."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, cast

from proxy.azure_services.identity import Identity, copy_retry_after
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.errors import ConfigurationError
from proxy.values import Client, ClientKey, Secret

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.secrets import SecretProperties
    from azure.keyvault.secrets.aio import SecretClient


log = logging.getLogger("proxy.azure_services.key_vault")

FORBIDDEN = "key_vault_forbidden"
MISSING = "key_vault_secret_missing"
THROTTLED = "key_vault_throttled"
UNREACHABLE = "key_vault_unreachable"
UNUSABLE = "key_vault_secret_unusable"
OF_ONE_SECRET = frozenset({FORBIDDEN, MISSING, UNUSABLE})  # the others are problems of the whole vault

CONNECT_SECONDS = 3.0  # there are two attempts: an unreachable vault fails after 6 s, a silent one after 10 s
READ_SECONDS = 10.0
LONGEST_SECRET = 25_000  # bytes; the limit of Key Vault, and far more than a key has
PREFIX = "client-"
AT_ONCE = 8  # reads in flight; a hundred new keys take about a second, far below the vault's limits
RECENT = 120.0  # seconds; `updated` has whole seconds, so two changes within one look the same
CLIENT_KEY_SETTING = f"a client key, the secret {PREFIX}<name>"


@dataclass(frozen=True, slots=True)
class Known:
    """The value of a client key, and the time of the change after which it was read."""

    updated: datetime | None
    secret: Secret


class KeyVault:
    """One vault, over an SDK client that is created on first use; failures say what to do and name no secret."""

    def __init__(self, url: str, identity: Identity, *, now: Callable[[], float] = time.time) -> None:
        self._url = url
        self._identity = identity
        self._now = now
        self._client: SecretClient | None = None
        self._connecting = asyncio.Lock()
        self._known: dict[str, Known] = {}
        self._skipped: Counter[str] = Counter()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self, name: str, *, setting: str) -> Secret:
        """Return the current value of a secret; messages of failures name the `setting` that names the secret."""
        client = await self._connected()
        try:
            value = (await client.get_secret(name)).value
        except _sdk_errors() as error:
            raise _failure(error, setting) from None
        return _checked(value, setting)

    async def list_client_keys(self) -> tuple[ClientKey, ...]:
        """Return every enabled client key, also expired ones; values are read only if they have changed."""
        listed = await self._list()
        self._known = {name: known for name, known in self._known.items() if name in listed}
        self._judge(await self._refresh_all(listed))
        return tuple(
            _client_key(name, item, self._known[name].secret) for name, item in listed.items() if name in self._known
        )

    async def close(self) -> None:
        """Close the SDK's connections; the owner of the identity closes it."""
        if self._client:
            await self._client.close()

    async def _list(self) -> dict[str, "SecretProperties"]:
        client = await self._connected()
        try:
            items = [item async for item in client.list_properties_of_secrets()]
        except _sdk_errors() as error:
            raise _failure(error, CLIENT_KEY_SETTING) from None
        return {item.name: item for item in items if item.name and _is_client_key(item)}

    async def _refresh_all(self, listed: "dict[str, SecretProperties]") -> list[ConfigurationError]:
        try:
            async with asyncio.TaskGroup() as group:  # the first failure cancels the other reads
                tasks = [group.create_task(self._refresh(name, item.updated_on)) for name, item in listed.items()]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [failure for task in tasks if (failure := task.result())]

    async def _refresh(self, name: str, updated: datetime | None) -> ConfigurationError | None:
        """Read one key if it has changed; return its own problem, raise a problem of the whole vault."""
        known = self._known.get(name)
        if known and known.updated == updated and not self._is_recent(updated):
            return None
        try:
            async with self._slots:
                secret = await self.read(name, setting=CLIENT_KEY_SETTING)
        except ConfigurationError as failure:
            if failure.reason not in OF_ONE_SECRET:
                raise
            self._known.pop(name, None)
            return failure
        self._known[name] = Known(updated, secret)
        return None

    def _is_recent(self, updated: datetime | None) -> bool:
        return updated is None or self._now() - updated.timestamp() < RECENT

    def _judge(self, failures: list[ConfigurationError]) -> None:
        """Log why keys are left out, once; raise if no key is left because of the vault's roles."""
        skipped = Counter(failure.reason for failure in failures)
        if FORBIDDEN in skipped and not self._known:
            # Listing is allowed and reading is not; a 503 is better than a 401 for everyone.
            raise next(failure for failure in failures if failure.reason == FORBIDDEN)
        if skipped and skipped != self._skipped:
            log.warning("client keys left out: %s", ", ".join(f"{n} {reason}" for reason, n in sorted(skipped.items())))
        self._skipped = skipped

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


def _is_client_key(item: "SecretProperties") -> bool:
    name = item.name or ""
    # Names in Key Vault are case-insensitive, and shown in the case in which they were created.
    return name.lower().startswith(PREFIX) and len(name) > len(PREFIX) and item.enabled is not False


def _client_key(name: str, item: "SecretProperties", key: Secret) -> ClientKey:
    client = Client(
        name=name[len(PREFIX) :],
        not_before=item.not_before.timestamp() if item.not_before else None,
        expires=item.expires_on.timestamp() if item.expires_on else None,
    )
    return ClientKey(client=client, key=key)
