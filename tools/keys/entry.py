"""What the commands need of a key, wherever it is kept."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from proxy.auth.key_versions import UNTIL_DISABLED
from proxy.config.client_limits import LIMITS, MODELS, NOTE, SET_MARK, LimitRules
from proxy.config.environment import SECRET_NAME

# https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#secret-tags
LONGEST_TAG = 256
LONGEST_NAME = 120
_OVERLAP = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class KeyCommandError(Exception):
    """What a command cannot do, in words for who runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dates:
    """Since when and until when a key works; None leaves it as it is."""

    starts: datetime | None = None
    expires: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A key as it is listed: its limits as tags, and what is to be said of it."""

    name: str
    enabled: bool = True
    dates: Dates = field(default_factory=Dates)
    tags: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""


class KeyStore(Protocol):
    """Where keys are kept. Every command returns the line that stands for it, empty if there is none."""

    async def new(self, name: str, key: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Add a key; raise `KeyCommandError` if the name is in use."""
        ...

    async def entries(self) -> list[Entry]:
        """Return all keys by their names."""
        ...

    async def limit(self, name: str, tags: Mapping[str, str], dates: Dates) -> str:
        """Change some limits of a key; the others stay."""
        ...

    async def rotate(self, name: str, key: str, overlap: str | None, dates: Dates) -> str:
        """Replace a key; the one before it works for as long as `overlap` says."""
        ...

    async def revoke(self, name: str) -> str:
        """End a key."""
        ...

    async def close(self) -> None:
        """Close what was opened."""
        ...


def checked_name(name: str) -> str:
    """Return the name of a client; raise `KeyCommandError` for one that a secret cannot have."""
    if not SECRET_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise KeyCommandError(f"The name must have at most {LONGEST_NAME} letters, digits and '-'.")
    return name


def checked_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Return limits as tags; raise `KeyCommandError` for one that is wrong or too long for a tag."""
    try:
        LimitRules().read(with_any_set(tags))
    except ValueError as error:
        raise KeyCommandError(f"The key {error}.") from None
    for name, text in tags.items():
        if len(text) > LONGEST_TAG:
            raise KeyCommandError(
                f"{name} has more than {LONGEST_TAG} characters. Use patterns, or a set of CLIENT_KEY_MODEL_SETS."
            )
    return dict(tags)


def with_any_set(tags: Mapping[str, str]) -> dict[str, str]:
    """Return tags without the names of sets: what those have is a setting of the app, which is not known here."""
    if MODELS not in tags:
        return dict(tags)
    names = ("x" if name.strip().startswith(SET_MARK) else name for name in tags[MODELS].split(","))
    return {**tags, MODELS: ",".join(names)}


def checked_dates(dates: Dates, now: datetime | None = None) -> Dates:
    """Return the dates of a new key; raise `KeyCommandError` when it would open nothing any more."""
    if dates.expires is not None and dates.expires <= (now or datetime.now(UTC)):
        raise KeyCommandError("The end of the key has passed. Say a later one with --expires.")
    return dates


def state_of(entry: Entry, now: datetime | None = None) -> str:
    """Return whether a key works, in a word."""
    now, dates = now or datetime.now(UTC), entry.dates
    if not entry.enabled:
        return "disabled"
    if dates.expires is not None and dates.expires <= now:
        return "expired"
    return "early" if dates.starts is not None and now < dates.starts else "enabled"


def limits_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Return the tags that are limits, and the note."""
    return {name: tags[name] for name in (*LIMITS, NOTE) if name in tags}


def overlap_end(overlap: str, now: datetime) -> str:
    """Return the tag for an overlap of `24h`, `30m` or `7d`, or until the older version is disabled."""
    if overlap == UNTIL_DISABLED:
        return UNTIL_DISABLED
    found = _OVERLAP.fullmatch(overlap)
    if found is None:
        raise KeyCommandError(f"An overlap is a number with m, h or d, as 24h, or {UNTIL_DISABLED}.")
    end = now + timedelta(**{_UNITS[found[2]]: int(found[1])})
    return end.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def parse_date(text: str) -> datetime:
    """Return a time of ISO 8601 with its zone; a date alone is its beginning in UTC."""
    try:
        date = datetime.fromisoformat(text)
    except ValueError:
        raise KeyCommandError("A time is written as 2027-01-31 or 2027-01-31T12:00:00Z.") from None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)


def format_date(date: datetime) -> str:
    """Return a time as `az` takes it."""
    return date.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
