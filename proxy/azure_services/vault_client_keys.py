"""The keys of a vault: each secret `client-<name>`, with its limits as tags, and `admin-<name>` for operators.

A list of the secrets is enough in the usual minute. A value is read only for a version without a digest as a tag, and
versions are listed only where a key says nothing of its limits, or while the key before it may still work: a new
version that was made by hand leaves the one before it working until that is disabled.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from proxy.auth.key_versions import KeyVersion, inherited_tags, previous_digest, previous_key, previous_version
from proxy.azure_services.key_vault import FORBIDDEN, OF_ONE_SECRET, KeyVault
from proxy.config.client_limits import LimitRules, has_limits
from proxy.config.key_format import digest_of, is_weak
from proxy.errors import ConfigurationError
from proxy.values import Client, ClientKey, Secret

if TYPE_CHECKING:
    from azure.keyvault.secrets import SecretProperties

log = logging.getLogger("proxy.azure_services.vault_client_keys")

PREFIX = "client-"
ADMIN_PREFIX = "admin-"
AT_ONCE = 8  # calls in flight; a hundred new keys take about a second, far below the vault's limits
RECENT = 120.0  # seconds; `updated` has whole seconds, so two changes within one look the same
CLIENT_KEY_SETTING = f"a client key, the secret {PREFIX}<name>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What is known of a secret beyond its list: the digest of its value, and its versions where they are known.

    `earlier` are digests of earlier versions whose values were read, by the ids of the versions.
    """

    version: KeyVersion
    digest: str = field(repr=False)
    weak: bool = False
    versions: tuple[KeyVersion, ...] | None = None
    earlier: Mapping[str, str] = field(default_factory=dict, repr=False)

    def previous(self, now: float) -> tuple[KeyVersion, str] | None:
        """Return the version before that works too and the digest of its key, None if there is none."""
        found = previous_version(self.version, self.versions or (), now)
        digest = found and (previous_digest(self.version, found) or self.earlier.get(found.id))
        return (found, digest) if found and digest else None

    def needs_versions(self, now: float) -> bool:
        """Tell whether to list the versions: for the limits, or because an earlier one may work or be disabled."""
        if self.versions is None:
            return not self.version.says_limits or self.version.overlaps(now)
        # A version that was made by hand goes on for ever, and mostly it is alone.
        return self.version.overlaps(now) and (self.version.digest is not None or len(self.versions) > 1)


class VaultClientKeys:
    """The client keys of one vault, as they were when it was last listed; `now` is in seconds since 1970 UTC."""

    def __init__(
        self, vault: KeyVault, rules: LimitRules | None = None, *, now: Callable[[], float] = time.time
    ) -> None:
        self._vault = vault
        self._rules = rules or LimitRules()
        self._now = now
        self._known: dict[str, _Known] = {}
        self._skipped: Counter[str] = Counter()
        self._noted: set[tuple[str, str]] = set()
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def read(self) -> tuple[ClientKey, ...]:
        """Return every enabled client key and key of an operator, also expired and locked ones."""
        items = await self._vault.list_secrets(setting=CLIENT_KEY_SETTING)
        listed = {item.name: version_of(item) for item in items if item.name and _is_client_key(item)}
        self._known = {name: known for name, known in self._known.items() if name in listed}
        self._judge(await self._refresh_all(listed))
        noted: set[tuple[str, str]] = set()
        keys = [key for name in listed if name in self._known for key in self._keys(name, self._known[name], noted)]
        for name, text in sorted(noted - self._noted):
            log.warning("client key %s: %s", name, text)
        self._noted = noted
        return tuple(keys)

    async def _refresh_all(self, listed: dict[str, KeyVersion]) -> list[ConfigurationError]:
        try:
            async with asyncio.TaskGroup() as group:  # the first failure cancels the other reads
                tasks = [group.create_task(self._refresh(name, version)) for name, version in listed.items()]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return [failure for task in tasks if (failure := task.result())]

    async def _refresh(self, name: str, version: KeyVersion) -> ConfigurationError | None:
        """Learn what the list does not say of a key; return its own problem, raise a problem of the whole vault."""
        try:
            await self._learn(name, version)
        except ConfigurationError as failure:
            if failure.reason not in OF_ONE_SECRET:
                raise
            self._known.pop(name, None)
            return failure
        return None

    async def _learn(self, name: str, version: KeyVersion) -> None:
        known = self._known.get(name)
        if known is None or known.version != version or self._is_recent(version):
            digest, weak = version.digest, False
            if digest is None:
                key = (await self._read(name)).reveal()
                digest, weak = digest_of(key), is_weak(key)
            # What was read is kept even if the versions cannot be listed.
            self._known[name] = known = _Known(version=version, digest=digest, weak=weak)
        if not _is_admin(name) and known.needs_versions(self._now()):
            self._known[name] = known = replace(known, versions=await self._versions(name))
            await self._learn_earlier(name, known)

    async def _learn_earlier(self, name: str, known: _Known) -> None:
        """Read the value of the version before where it works too and no tag has its digest."""
        found = previous_version(known.version, known.versions or (), self._now())
        if found is None or known.previous(self._now()) is not None:
            return
        try:
            digest = digest_of((await self._read(name, found.id)).reveal())
        except ConfigurationError as failure:
            if failure.reason not in OF_ONE_SECRET:
                raise
        else:
            self._known[name] = replace(known, earlier={found.id: digest})

    async def _read(self, name: str, version: str | None = None) -> Secret:
        async with self._slots:
            return await self._vault.read(name, setting=CLIENT_KEY_SETTING, version=version)

    async def _versions(self, name: str) -> tuple[KeyVersion, ...]:
        async with self._slots:
            items = await self._vault.list_versions(name, setting=CLIENT_KEY_SETTING)
        return tuple(version_of(item) for item in items)

    def _is_recent(self, version: KeyVersion) -> bool:
        return version.updated is None or self._now() - version.updated < RECENT

    def _keys(self, name: str, known: _Known, noted: set[tuple[str, str]]) -> list[ClientKey]:
        """Return the key of a name and, during an overlap, the one before it; what is to be logged is `noted`."""
        version, versions, client = known.version, known.versions or (), name.partition("-")[2]
        if _is_admin(name):
            holder = Client(name=client, not_before=version.not_before, expires=version.expires)
            return [ClientKey(client=holder, digest=known.digest, weak=known.weak, is_admin=True)]
        tags = version.tags
        if not version.says_limits and (inherited := inherited_tags(versions, version)):
            tags = inherited
            if has_limits(tags):
                noted.add((client, "the new version says nothing of limits and keeps those of the version before it"))
        try:
            limits = self._rules.read(tags)
        except ValueError as error:
            noted.add((client, f"is locked, because it {error}"))
            return [ClientKey(client=Client(name=client), digest=known.digest, locked=True)]
        holder = Client(name=client, not_before=version.not_before, expires=version.expires, limits=limits)
        keys = [ClientKey(client=holder, digest=known.digest, weak=known.weak)]
        if previous := known.previous(self._now()):
            keys.append(previous_key(holder, version, *previous))
            if version.digest is None:
                noted.add((client, "the version before the current one works too, until it is disabled"))
        return keys

    def _judge(self, failures: list[ConfigurationError]) -> None:
        """Log why keys are left out, once; raise if no key is left because of the vault's roles."""
        skipped = Counter(failure.reason for failure in failures)
        if FORBIDDEN in skipped and not self._known:
            # Listing is allowed and reading is not; a 503 is better than a 401 for everyone.
            raise next(failure for failure in failures if failure.reason == FORBIDDEN)
        if skipped and skipped != self._skipped:
            log.warning("client keys left out: %s", ", ".join(f"{n} {reason}" for reason, n in sorted(skipped.items())))
        self._skipped = skipped


def _is_client_key(item: "SecretProperties") -> bool:
    name = item.name or ""
    # Names in Key Vault are case-insensitive, and shown in the case in which they were created.
    is_key = name.lower().startswith((PREFIX, ADMIN_PREFIX)) and not name.endswith("-")
    return is_key and item.enabled is not False


def _is_admin(name: str) -> bool:
    return name.lower().startswith(ADMIN_PREFIX)


def version_of(item: "SecretProperties") -> KeyVersion:
    """Return the version of a secret that the SDK describes."""
    return KeyVersion(
        id=item.version or "",
        enabled=item.enabled is not False,
        created=_seconds(item.created_on),
        updated=_seconds(item.updated_on),
        not_before=_seconds(item.not_before),
        expires=_seconds(item.expires_on),
        tags=dict(item.tags or {}),
    )


def _seconds(time: datetime | None) -> float | None:
    return None if time is None else time.timestamp()
