"""How long to wait: Retry-After and rate limits, in the spellings of Azure OpenAI and of OpenAI.

How long a client should wait, in the spellings of Azure and of OpenAI.

OpenAI's SDKs read `retry-after-ms` first, then `retry-after`; its limits are reset after a duration as Go writes it.
https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers

How long a target asks to be left alone, in the spellings of Azure OpenAI and of OpenAI.
"""

import math
import re
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache

_SECONDS_SAID = re.compile(r"retry after ([0-9]{1,9}) second", re.IGNORECASE)
_NUMBER = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_DATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")
_DURATION = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{1,9})?(?:h|ms|m|s))+")


def seconds_said(text: str) -> str | None:
    """Return the whole seconds that a message of Azure asks to wait."""
    found = _SECONDS_SAID.search(text)
    return found[1] if found else None


def delay(value: str) -> str | None:
    """Return what may stand in `retry-after`: seconds or a date of HTTP; None for anything else."""
    return value if _NUMBER.fullmatch(value) or _DATE.fullmatch(value) else None


def milliseconds(value: str) -> str | None:
    """Return what may stand in `retry-after-ms`, None for anything else."""
    return value if _NUMBER.fullmatch(value) else None


# The same few values come with every answer.
@lru_cache(maxsize=1024)
def duration(value: str) -> str | None:
    """Return Azure's plain seconds as OpenAI's duration, and a duration as it is; None for anything else."""
    if _DURATION.fullmatch(value):
        return value
    if not _NUMBER.fullmatch(value):
        return None
    thousandths = round(float(value) * 1000)
    if thousandths < 1000:
        return f"{thousandths}ms" if thousandths else "0s"
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"


def with_milliseconds(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers with `retry-after-ms` beside a `retry-after` in seconds."""
    seconds = headers.get("retry-after", "")
    if "retry-after-ms" in headers or not _NUMBER.fullmatch(seconds):
        return dict(headers)
    return {**headers, "retry-after-ms": str(round(float(seconds) * 1000))}


# In the order in which OpenAI's SDKs trust them; the number is what makes seconds of the value.
_SECONDS = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0))
_LIMITS = ("requests", "tokens")
_IN_TEXT = re.compile(r"retry after ([0-9]{1,9}(?:\.[0-9]{1,9})?) second", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"[0-9]{1,20}(?:\.[0-9]{0,20})?")
# OpenAI writes durations as Go does: 6m0s, 1.5s, 120ms.
_GO_DURATION = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9}(?:\.[0-9]{0,9})?)s)?(?:([0-9]{1,9})ms)?")
_UNITS = (3600.0, 60.0, 1.0, 0.001)
# No date of HTTP is longer; nobody has to read more.
_MAX_DATE = 64


def parse_wait(headers: Mapping[str, str], message: str, now_utc: float) -> float | None:
    """Return the seconds that an error asks to wait, None when it does not say.

    A value that cannot be read is as good as none. Names of headers are lower-case; `now_utc` is in seconds since 1970
    UTC, for dates.
    """
    for name, unit in _SECONDS:
        if (value := headers.get(name)) is not None and (number := _to_number(value)) is not None:
            return number * unit
    for wait in (_until_date(headers.get("retry-after", ""), now_utc), parse_reset(headers), _in_text(message)):
        if wait is not None:
            return wait
    return None


def is_spent(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says that no request or no token is left."""
    return headers.get("x-ratelimit-remaining-requests") == "0" or headers.get("x-ratelimit-remaining-tokens") == "0"


def parse_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until there is room again: of the limits that are spent, or of all when none says so."""
    spent = [limit for limit in _LIMITS if headers.get(f"x-ratelimit-remaining-{limit}") == "0"]
    waits = [_duration_seconds(headers.get(f"x-ratelimit-reset-{limit}", "")) for limit in spent or _LIMITS]
    return max((wait for wait in waits if wait is not None), default=None)


def _to_number(value: str) -> float | None:
    return float(value) if _LONG_NUMBER.fullmatch(value) else None


def _duration_seconds(value: str) -> float | None:
    if (number := _to_number(value)) is not None:
        return number
    found = _GO_DURATION.fullmatch(value) if value else None
    if found is None:
        return None
    return math.fsum(float(part) * unit for part, unit in zip(found.groups("0"), _UNITS, strict=True))


def _until_date(date: str, now_utc: float) -> float | None:
    parsed = parsedate_tz(date) if len(date) <= _MAX_DATE else None
    if parsed is None:
        return None
    try:
        return max(0.0, mktime_tz(parsed) - now_utc)
    except (ValueError, OverflowError):  # such as month 13, which the parser lets pass
        return None


def _in_text(message: str) -> float | None:
    found = _IN_TEXT.search(message)
    return float(found[1]) if found else None
