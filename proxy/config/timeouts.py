"""How long things may take, within the two limits of the platform.

It cuts a response that has sent nothing for 230 s, and kills the whole worker when a function passes functionTimeout
before it returned: our own limits end first.
https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from proxy.config.environment import Environment, Setting, SettingError

PLATFORM_SILENCE = 230.0
FUNCTION_TIMEOUT_MARGIN = 10.0
UNBOUNDED_TOTAL = 3600.0
_DEFAULT_FUNCTION_TIMEOUT = "00:30:00"
_UNBOUNDED = ("-1", "-1.00:00:00")
_TIME_SPAN = re.compile(r"(?:(\d{1,4})\.)?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,7})?)?", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long Azure OpenAI may take, in seconds.

    `connect` is for a new connection, `pool` the wait for a free one; `first_byte` is the wait for the headers of an
    answer, for an answer that is not streamed the wait for all of it; `idle` is the silence within an answer after its
    first content, `reasoning_idle` that of reasoning models; `total` bounds a whole request, upload and stream
    included. A stream that has sent nothing for `head` seconds gets its head all the same, and after each
    `keep_alive` seconds of silence a comment.
    """

    connect: float
    first_byte: float
    idle: float
    total: float
    pool: float = 2.0
    reasoning_idle: float = 180.0
    head: float = 30.0
    keep_alive: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _UpperBound:
    """What a timeout must not be above, in seconds, and why."""

    seconds: float
    reason: str


_SILENCE = _UpperBound(seconds=PLATFORM_SILENCE, reason="the platform ends what is silent for longer")


def _parse_time_span(text: object) -> float | None:
    """Return the seconds of `hh:mm:ss`, of which `d.hh:mm:ss.fff` and `hh:mm` are other forms.

    https://learn.microsoft.com/dotnet/api/system.timespan.parse
    """
    if text in _UNBOUNDED:
        return None
    span = _TIME_SPAN.fullmatch(text) if isinstance(text, str) else None
    if span is None:
        raise ValueError("must be hh:mm:ss, or -1 for no limit")
    days, hours, minutes, seconds = (int(part or 0) for part in span.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


FUNCTION_TIMEOUT = Setting(
    "AzureFunctionsJobHost__functionTimeout", _parse_time_span, _DEFAULT_FUNCTION_TIMEOUT, "Set by the platform."
)


def read_function_timeout(environment: Environment, host_json: bytes) -> float | None:
    """Return functionTimeout in whole seconds, None when it is unbounded; the variable overrides the file.

    Raises `SettingError` for a value that cannot be read: the platform kills the worker when it is passed.
    https://learn.microsoft.com/azure/azure-functions/functions-host-json#functiontimeout
    """
    if environment.is_set(FUNCTION_TIMEOUT):
        return environment.read(FUNCTION_TIMEOUT)
    try:
        document = msgspec.json.decode(host_json.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SettingError("host.json", "must be a JSON object without comments: its functionTimeout counts") from None
    value = document.get("functionTimeout")
    try:
        return _parse_time_span(_DEFAULT_FUNCTION_TIMEOUT if value in (None, "") else value)
    except ValueError as error:
        raise SettingError("functionTimeout", f"in host.json {error}") from None


def read_timeouts(
    environment: Environment, settings: Mapping[str, Setting[float]], function_timeout: float | None
) -> Timeouts:
    """Read the setting of each field of `Timeouts`; `function_timeout` is the platform's in seconds, None for none.

    A default is lowered to what the platform allows; a variable above that raises `SettingError`.
    """
    function = _function_bound(function_timeout)
    silence = min(_SILENCE, function, key=lambda bound: bound.seconds)
    seconds = {
        field: _read_bounded(environment, setting, function if field == "total" else silence)
        for field, setting in settings.items()
    }
    # A model that thinks between its words is silent at least as long as one that does not.
    return Timeouts(**seconds | {"reasoning_idle": max(seconds["idle"], seconds["reasoning_idle"])})


def _function_bound(function_timeout: float | None) -> _UpperBound:
    seconds = math.inf if function_timeout is None else function_timeout - FUNCTION_TIMEOUT_MARGIN
    if seconds <= 0:
        raise SettingError("functionTimeout", f"must be longer than {FUNCTION_TIMEOUT_MARGIN:g} seconds")
    return _UpperBound(seconds=seconds, reason=f"functionTimeout less a margin of {FUNCTION_TIMEOUT_MARGIN:g} seconds")


def _read_bounded(environment: Environment, setting: Setting[float], bound: _UpperBound) -> float:
    seconds = environment.read_optional(setting)
    if seconds is None:
        default = float(setting.default) if setting.default else bound.seconds
        return UNBOUNDED_TOTAL if math.isinf(default) else min(default, bound.seconds)
    if seconds > bound.seconds:
        raise SettingError(setting.name, f"must not be above {bound.seconds:g} seconds: {bound.reason}")
    return seconds
