"""Keys in a vault: each is a secret `client-<name>` with its limits and its digest as tags, or `admin-<name>`."""

import shlex
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ResourceNotFoundError
from azure.keyvault.secrets import SecretProperties
from azure.keyvault.secrets.aio import SecretClient

from proxy.auth.key_versions import (
    DIGEST,
    PREVIOUS_DIGEST,
    PREVIOUS_UNTIL,
    UNTIL_DISABLED,
    KeyVersion,
    inherited_tags,
    previous_digest,
    previous_version,
)
from proxy.azure_services.identity import Identity
from proxy.azure_services.vault_client_keys import ADMIN_PREFIX, PREFIX, version_of
from proxy.config.client_limits import LIMITS, LimitRules, resembles_limit
from proxy.config.key_format import digest_of, is_weak
from proxy.errors import ConfigurationError
from tools.keys.entry import (
    Dates,
    Entry,
    KeyCommandError,
    checked_dates,
    checked_tags,
    format_date,
    overlap_end,
    with_any_set,
)

_OF_ROTATION = (PREVIOUS_DIGEST, PREVIOUS_UNTIL)
_NEW_KEY = '"$KEY"'


def _now() -> datetime:
    return datetime.now(UTC)


class VaultKeys:
    """The keys of clients in one vault, or those of operators, which have no limits and no overlap."""

    def __init__(
        self, url: str, identity: Identity, *, is_admin: bool = False, now: Callable[[], datetime] = _now
    ) -> None:
        self._name = (urlsplit(url).hostname or "").partition(".")[0]
        self._identity = identity
        self._is_admin = is_admin
        self._prefix = ADMIN_PREFIX if is_admin else PREFIX
        self._client = SecretClient(vault_url=url, credential=identity, retry_total=2)  # type: ignore[arg-type]
        self._now = now

    async def new(self, name: str, key: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Add a secret."""
        if await self._find(name) is not None:
            raise KeyCommandError(f"There is a key {name} already. Rotate it, or choose another name.")
        return await self._set(name, key, {**tags, DIGEST: digest_of(key)}, dates)

    async def entries(self) -> list[Entry]:
        """Return all keys by their names, with what is wrong with them."""
        return [await self._entry(item) for item in await self._secrets()]

    async def limit(self, name: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Replace the tags of the current version; a key without a digest gets one."""
        item = await self._existing(name)
        # A misspelt limit, which locks the key, is taken out.
        tagged = (await self._tags(item)).items()
        kept = {tag: text for tag, text in tagged if tag in LIMITS or not resembles_limit(tag)}
        if DIGEST not in kept:
            key = await self._value(item)
            kept |= {DIGEST: digest_of(key), **await self._overlap(item)}
            if is_weak(key):
                raise KeyCommandError(f"The key {name} is too short to be kept. Rotate it.")
        changed = checked_tags({**kept, **tags})
        await self._client.update_secret_properties(
            item.name or "", tags=changed, expires_on=dates.expires, not_before=dates.starts
        )
        return self._line("set-attributes", name, tags=changed, dates=dates)

    async def rotate(self, name: str, key: str, overlap: str | None, dates: Dates) -> str:
        """Add a version with the limits and the dates of the one before it."""
        item = await self._existing(name)
        tags = await self._tags(item)
        before = tags.get(DIGEST) or digest_of(await self._value(item))
        tags = {tag: text for tag, text in tags.items() if tag not in _OF_ROTATION} | {DIGEST: digest_of(key)}
        if overlap is not None:
            tags |= {PREVIOUS_DIGEST: before, PREVIOUS_UNTIL: overlap_end(overlap, self._now())}
        kept = Dates(starts=dates.starts or item.not_before, expires=dates.expires or item.expires_on)
        return await self._set(name, key, tags, checked_dates(kept, self._now()))

    async def revoke(self, name: str) -> str:
        """Disable the current version, which ends an overlap too."""
        item = await self._existing(name)
        await self._client.update_secret_properties(item.name or "", enabled=False)
        return self._line("set-attributes", name, "--enabled", "false")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()
        await self._identity.close()

    async def _set(self, name: str, key: str, tags: Mapping[str, str], dates: Dates) -> str:
        changed = checked_tags(tags)
        await self._client.set_secret(
            self._prefix + name, key, tags=changed, expires_on=dates.expires, not_before=dates.starts
        )
        return self._line("set", name, tags=changed, dates=dates, value=_NEW_KEY)

    async def _secrets(self) -> list[SecretProperties]:
        items = [item async for item in self._client.list_properties_of_secrets()]
        return sorted((item for item in items if self._is_key(item)), key=lambda item: item.name or "")

    def _is_key(self, item: SecretProperties) -> bool:
        name = item.name or ""
        return name.lower().startswith(self._prefix) and len(name) > len(self._prefix)

    async def _find(self, name: str) -> SecretProperties | None:
        wanted = (self._prefix + name).lower()
        return next((item for item in await self._secrets() if (item.name or "").lower() == wanted), None)

    async def _existing(self, name: str) -> SecretProperties:
        item = await self._find(name)
        if item is None:
            raise KeyCommandError(f"There is no key {name}.")
        return item

    async def _tags(self, item: SecretProperties) -> dict[str, str]:
        """Return the tags of a version, with the limits of the one before it where it says none."""
        current = version_of(item)
        if current.says_limits or self._is_admin:
            return dict(current.tags)
        found = inherited_tags(await self._versions(item), current).items()
        inherited = {tag: text for tag, text in found if tag not in (DIGEST, *_OF_ROTATION)}
        return {**inherited, **current.tags}

    async def _overlap(self, item: SecretProperties) -> dict[str, str]:
        """Return the tags with which the version before one that was made by hand goes on working."""
        if self._is_admin:
            return {}
        current, versions = version_of(item), await self._versions(item)
        previous = previous_version(current, versions, self._now().timestamp())
        if previous is None:
            return {}
        digest = previous_digest(current, previous) or digest_of(await self._value(item, previous.id))
        return {PREVIOUS_DIGEST: digest, PREVIOUS_UNTIL: current.tags.get(PREVIOUS_UNTIL, UNTIL_DISABLED)}

    async def _versions(self, item: SecretProperties) -> list[KeyVersion]:
        versions = self._client.list_properties_of_secret_versions(item.name or "")
        return [version_of(version) async for version in versions]

    async def _value(self, item: SecretProperties, version: str | None = None) -> str:
        return ((await self._client.get_secret(item.name or "", version)).value or "").strip()

    async def _entry(self, item: SecretProperties) -> Entry:
        current = version_of(item)
        versions = [] if current.digest or self._is_admin else await self._versions(item)
        overlaps = previous_version(current, versions, self._now().timestamp()) is not None
        remark = "" if self._is_admin else _remark(current, self._now().timestamp(), overlaps=overlaps)
        return Entry(
            name=(item.name or "")[len(self._prefix) :],
            enabled=current.enabled,
            dates=Dates(starts=item.not_before, expires=item.expires_on),
            tags=current.tags,
            remark=remark,
        )

    def _line(
        self,
        command: str,
        name: str,
        *options: str,
        tags: Mapping[str, str] | None = None,
        dates: Dates | None = None,
        value: str = "",
    ) -> str:
        """Return the line of `az` that does the same."""
        words = [
            "az",
            "keyvault",
            "secret",
            command,
            "--vault-name",
            self._name,
            "--name",
            self._prefix + name,
            *options,
        ]
        if dates is not None and dates.starts is not None:
            words += ["--not-before", format_date(dates.starts)]
        if dates is not None and dates.expires is not None:
            words += ["--expires", format_date(dates.expires)]
        written = [shlex.quote(word) for word in words] + (["--value", value] if value else [])
        if tags:
            written += ["--tags", *(shlex.quote(f"{tag}={text}") for tag, text in tags.items())]
        return " ".join(written)


def _remark(current: KeyVersion, now: float, *, overlaps: bool) -> str:
    try:
        LimitRules().read(with_any_set(current.tags))
    except ValueError as error:
        return f"locked: it {error}"
    if not current.enabled:
        return ""  # it ends the key before it too
    until = current.tags.get(PREVIOUS_UNTIL, UNTIL_DISABLED)
    if current.digest is None:
        before = f"; the key before it works until {until}" if overlaps else ""
        return f"without a digest: run limit{before}"
    return f"the key before it works until {until}" if current.overlaps(now) else ""


def explain(error: Exception) -> str:
    """Return what went wrong with a vault, in a line."""
    if isinstance(error, ConfigurationError):
        return error.message
    if isinstance(error, ResourceNotFoundError):
        return "The vault has no such secret."
    return "The vault refused. You need the role Key Vault Secrets Officer, and its network rules must let you in."


FAILURES = (AzureError, ConfigurationError, ValueError)
