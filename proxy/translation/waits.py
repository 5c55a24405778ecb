"""How long a client should wait, in the spellings of Azure and of OpenAI.

OpenAI's SDKs read `retry-after-ms` first, then `retry-after`; its limits are reset after a duration as Go writes it.
https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
"""

import re
from collections.abc import Mapping
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
