"""How long to wait before another attempt, as Azure OpenAI and OpenAI write it.

Headers and the texts of errors share one grammar: a number of seconds or milliseconds, a duration as Go writes it
(`6m0s`, `1.5s`, `120ms`), or a date of HTTP. What cannot be read counts as absent, and is not passed on to a client.

OpenAI's SDKs read `retry-after-ms` first, then `retry-after`; OpenAI's limits are reset after a duration, Azure's after
a number of seconds. https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

import math
import re
from collections.abc import Mapping
from email.utils import mktime_tz, parsedate_tz
from functools import lru_cache

_NUMBER = r"[0-9]{1,10}(?:\.[0-9]{1,20})?"
_PLAIN = re.compile(_NUMBER)
_DURATION = re.compile(rf"(?:({_NUMBER})h)?(?:({_NUMBER})m)?(?:({_NUMBER})s)?(?:({_NUMBER})ms)?")
_UNITS = (3600.0, 60.0, 1.0, 0.001)
# "Please retry after 7 seconds", "Try again in 59 seconds", "try again in 6m0s", "wait 2 minutes before", and what API
# Management says: "Quota will be replenished in 01:02:03" or, with days, "4.01:02:03".
_IN_TEXT = re.compile(
    r"\b(?:retry|try again|wait|replenished|resets?)(?: (?:your|the|request|again|at|least|about|after|in|for)){0,4} "
    rf"(?:((?:{_NUMBER}(?:h|ms|m|s))+)\b|({_NUMBER}) ?([a-z]{{1,12}})\b|(?:([0-9]{{1,3}})\.)?(\d\d):(\d\d):(\d\d))",
    re.IGNORECASE | re.ASCII,
)
# Words for a unit, with the seconds that it has.
_WORDS: Mapping[str, float] = {
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), 0.001),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}
# About thirty years; anything above is not a wait.
_MAX_NUMBER = 1e9
# No date of HTTP is longer.
_MAX_DATE = 64
# In the order in which OpenAI's SDKs prefer them; the factor turns the value into seconds.
_HEADERS = (("retry-after-ms", 0.001), ("x-ms-retry-after-ms", 0.001), ("retry-after", 1.0))
_LIMITS = ("requests", "tokens")


def parse_wait(headers: Mapping[str, str], message: str, now_utc: float) -> float | None:
    """Return the seconds that an error asks to wait, None when it does not say.

    Names of headers are in lower case. `now_utc` is in seconds since 1970 UTC, for dates.
    """
    told = _of_headers(headers)
    if told is not None:
        return told
    if (date := _parse_date(headers.get("retry-after", ""))) is not None:
        return max(0.0, date - now_utc)
    reset = parse_reset(headers)
    return parse_text(message) if reset is None else reset


def _of_headers(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the headers give as a number."""
    for name, factor in _HEADERS:
        if (number := _parse_number(headers.get(name, ""))) is not None:
            return number * factor
    return None


def parse_text(message: str) -> float | None:
    """Return the seconds that the text of an error asks to wait."""
    for found in _IN_TEXT.finditer(message):
        if (wait := _of_text(found)) is not None:
            return wait
    return None


def _of_text(found: re.Match[str]) -> float | None:
    duration, number, word, *clock = found.groups()
    if duration is not None:
        return _parse_seconds(duration.lower())
    if number is not None:
        seconds, unit = _parse_number(number), _WORDS.get(word.lower())
        return None if seconds is None or unit is None else seconds * unit
    days, hours, minutes, seconds = (int(part or 0) for part in clock)
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds


def parse_reset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the limits that are used up are reset, or all limits when none is known to be."""
    spent = [limit for limit in _LIMITS if headers.get(f"x-ratelimit-remaining-{limit}") == "0"]
    waits = [_parse_seconds(headers.get(f"x-ratelimit-reset-{limit}", "")) for limit in spent or _LIMITS]
    return max((wait for wait in waits if wait is not None), default=None)


def is_spent(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says that no request or no token is left."""
    return "0" in (headers.get("x-ratelimit-remaining-requests"), headers.get("x-ratelimit-remaining-tokens"))


def delay_to_openai(value: str) -> str | None:
    """Return a `retry-after` if it can be read, else None."""
    return value if _parse_number(value) is not None or _parse_date(value) is not None else None


def milliseconds_to_openai(value: str) -> str | None:
    """Return a `retry-after-ms` if it can be read, else None."""
    return value if _parse_number(value) is not None else None


# The same few values come with every answer.
@lru_cache(maxsize=1024)
def reset_to_openai(value: str) -> str | None:
    """Return Azure's number of seconds as OpenAI's duration, and a duration unchanged; None for anything else."""
    number = _parse_number(value)
    if number is not None:
        return encode_duration(number)
    return value if _parse_seconds(value) is not None else None


def encode_wait(seconds: float) -> dict[str, str]:
    """Return the headers that ask a client to wait; `retry-after` has whole seconds."""
    return {"retry-after": str(math.ceil(seconds)), "retry-after-ms": str(round(seconds * 1000))}


def with_wait(headers: Mapping[str, str], message: str, default: float | None = None) -> dict[str, str]:
    """Return the headers of an error with its wait in both units.

    Azure's own header counts first, then what the message says, then the `default`. A date stays as it is.
    """
    wait = _of_headers(headers)
    if wait is None and "retry-after" not in headers:
        text = parse_text(message)
        wait = default if text is None else text
    return {**({} if wait is None else encode_wait(wait)), **headers}


def with_milliseconds(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers, with `retry-after-ms` added to a `retry-after` in seconds."""
    seconds = _parse_number(headers.get("retry-after", ""))
    if "retry-after-ms" in headers or seconds is None:
        return dict(headers)
    return {**headers, "retry-after-ms": str(round(seconds * 1000))}


def _parse_number(value: str) -> float | None:
    number = float(value) if _PLAIN.fullmatch(value) else math.inf
    return number if number <= _MAX_NUMBER else None


def _parse_seconds(value: str) -> float | None:
    """Return the seconds of a number or of a duration."""
    found = _DURATION.fullmatch(value)
    if not value or found is None:
        return _parse_number(value)
    return math.fsum(float(part) * unit for part, unit in zip(found.groups("0"), _UNITS, strict=True))


def _parse_date(value: str) -> float | None:
    """Return the seconds since 1970 UTC of a date in any of the formats that HTTP allows."""
    parsed = parsedate_tz(value) if len(value) <= _MAX_DATE else None
    if parsed is None:
        return None
    try:
        return mktime_tz(parsed)
    except (ValueError, OverflowError):  # such as month 13, which the parser accepts
        return None


def encode_duration(number: float) -> str:
    """Return seconds as OpenAI writes them: `6m0s`, `1.5s`, `120ms`."""
    thousandths = round(number * 1000)
    if thousandths < 1000:
        return f"{thousandths}ms" if thousandths else "0s"
    minutes, rest = divmod(thousandths, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    return f"{f'{hours}h' if hours else ''}{f'{minutes}m' if hours or minutes else ''}{seconds}s"
