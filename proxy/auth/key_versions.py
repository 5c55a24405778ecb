"""What the versions of a secret `client-<name>` say about the key: its digest, its limits, and an overlap.

In Key Vault, tags belong to a version. The limits belong to the name: a version that says nothing of limits has those
of the version before it. A version with a digest as a tag was written by `tools.keys`, which copies the limits itself
and says whether the key before it goes on. One without was made by hand, and leaves the one before it as it is.

https://learn.microsoft.com/azure/key-vault/secrets/about-secrets
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import inf

from proxy.config.client_keys import parse_time
from proxy.config.client_limits import has_limits
from proxy.values import Client, ClientKey

DIGEST, PREVIOUS_DIGEST, PREVIOUS_UNTIL = "sha256", "previous-sha256", "previous-until"
# The overlap lasts until the older version is disabled.
UNTIL_DISABLED = "disabled"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyVersion:
    """One version of a secret, without its value; times are in seconds since 1970 UTC. A list of names has no `id`."""

    id: str = field(default="", compare=False)
    enabled: bool = True
    created: float | None = None
    updated: float | None = None
    not_before: float | None = None
    expires: float | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def digest(self) -> str | None:
        """Return the digest of the key, None where no tag has it."""
        return _digest(self.tags.get(DIGEST, ""))

    @property
    def says_limits(self) -> bool:
        """Tell whether the limits are all in the tags of this version."""
        return self.digest is not None or has_limits(self.tags)

    @property
    def overlap_end(self) -> float | None:
        """Return until when the key before this one works too, None when it does not.

        A version that was made by hand ends no other one: the one before it works until it is disabled, or until a tag
        says.
        """
        until = self.tags.get(PREVIOUS_UNTIL, UNTIL_DISABLED if self.digest is None else "")
        if self.digest is not None and _digest(self.tags.get(PREVIOUS_DIGEST, "")) is None:
            return None
        if until == UNTIL_DISABLED:
            return inf
        try:
            return parse_time(until)
        except ValueError:
            return None

    def overlaps(self, now: float) -> bool:
        """Tell whether the key before this one may still work."""
        return self.overlap_end is not None and now < self.overlap_end


def inherited_tags(versions: Iterable[KeyVersion], current: KeyVersion) -> Mapping[str, str]:
    """Return the tags of the latest version before the current one that says limits, none if none does."""
    earlier = [one for one in _earlier(versions, current) if one.says_limits]
    return earlier[0].tags if earlier else {}


def previous_version(current: KeyVersion, versions: Iterable[KeyVersion], now: float) -> KeyVersion | None:
    """Return the version whose key works beside the current one.

    None when the overlap is over, or when that version was disabled or has expired.
    """
    if not current.overlaps(now):
        return None
    earlier, digest = _earlier(versions, current), _digest(current.tags.get(PREVIOUS_DIGEST, ""))
    version = next((one for one in earlier if digest and one.digest == digest), next(iter(earlier), None))
    if version is None or not version.enabled or (version.expires is not None and version.expires <= now):
        return None
    return version


def previous_key(client: Client, current: KeyVersion, previous: KeyVersion, digest: str) -> ClientKey:
    """Return the key of the version before the current one, with the limits of the name."""
    expires = min(current.overlap_end or 0.0, inf if previous.expires is None else previous.expires)
    until = None if expires == inf else expires
    return ClientKey(client=replace(client, not_before=previous.not_before, expires=until), digest=digest)


def previous_digest(current: KeyVersion, previous: KeyVersion) -> str | None:
    """Return the digest of the key before, as either version has it; None where its value has to be read."""
    return _digest(current.tags.get(PREVIOUS_DIGEST, "")) or previous.digest


def _earlier(versions: Iterable[KeyVersion], current: KeyVersion) -> list[KeyVersion]:
    """Return the versions before the current one, the latest first."""
    others = [one for one in versions if (one.created or 0, one.tags) != (current.created or 0, current.tags)]
    before = [one for one in others if (one.created or 0) <= (current.created or 0)]
    return sorted(before, key=lambda one: one.created or 0, reverse=True)


def _digest(text: str) -> str | None:
    return text if _DIGEST.fullmatch(text) else None
