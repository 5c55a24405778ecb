"""How long a target asks to be left alone, in the spellings of Azure OpenAI and of OpenAI."""

import math
import re
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz

# In the order in which OpenAI's SDKs trust them; the number is what makes seconds of the value.
_SECONDS = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0))
_LIMITS = ("requests", "tokens")
_SAID = re.compile(r"retry after ([0-9]{1,9}(?:\.[0-9]{1,9})?) second", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?")
# OpenAI writes durations as Go does: 6m0s, 1.5s, 120ms.
_DURATION = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9}(?:\.[0-9]{0,9})?)s)?(?:([0-9]{1,9})ms)?")
_UNITS = (3600.0, 60.0, 1.0, 0.001)
# No date of HTTP is longer; nobody has to read more.
_MAX_DATE = 64


def parse_wait(headers: Mapping[str, str], message: str, now_utc: float) -> float | None:
    """Return the seconds that an error asks to wait, None when it does not say.

    A value that cannot be read is as good as none. Names of headers are lower-case; `now_utc` is in seconds since 1970
    UTC, for dates.
    """
    for name, unit in _SECONDS:
        if (value := headers.get(name)) is not None and (number := _number(value)) is not None:
            return number * unit
    for wait in (_until(headers.get("retry-after", ""), now_utc), parse_reset(headers), _said(message)):
        if wait is not None:
            return wait
    return None


def is_spent(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says that no request or no token is left."""
    return headers.get("x-ratelimit-remaining-requests") == "0" or headers.get("x-ratelimit-remaining-tokens") == "0"


def parse_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until there is room again: of the limits that are spent, or of all when none says so."""
    spent = [limit for limit in _LIMITS if headers.get(f"x-ratelimit-remaining-{limit}") == "0"]
    waits = [_duration(headers.get(f"x-ratelimit-reset-{limit}", "")) for limit in spent or _LIMITS]
    return max((wait for wait in waits if wait is not None), default=None)


def _number(value: str) -> float | None:
    return float(value) if _NUMBER.fullmatch(value) else None


def _duration(value: str) -> float | None:
    if (number := _number(value)) is not None:
        return number
    found = _DURATION.fullmatch(value) if value else None
    if found is None:
        return None
    return math.fsum(float(part) * unit for part, unit in zip(found.groups("0"), _UNITS, strict=True))


def _until(date: str, now_utc: float) -> float | None:
    parsed = parsedate_tz(date) if len(date) <= _MAX_DATE else None
    if parsed is None:
        return None
    try:
        return max(0.0, mktime_tz(parsed) - now_utc)
    except (ValueError, OverflowError):  # such as month 13, which the parser lets pass
        return None


def _said(message: str) -> float | None:
    found = _SAID.search(message)
    return float(found[1]) if found else None
