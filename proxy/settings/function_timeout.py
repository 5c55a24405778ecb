"""The platform's functionTimeout, from the environment or from host.json."""

import re

import msgspec

from proxy.settings.reader import Reader, SettingError

_VARIABLE = "AzureFunctionsJobHost__functionTimeout"
_DEFAULT = "00:30:00"
_UNBOUNDED = ("-1", "-1.00:00:00")
_TIME_SPAN = re.compile(r"(?:(\d{1,4})\.)?([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.\d{1,7})?)?", re.ASCII)


def function_timeout(read: Reader, host_json: bytes) -> float | None:
    """Return functionTimeout in whole seconds, None when it is unbounded; the variable goes before the file.

    Raises `SettingError` for a value that cannot be read: the platform kills the worker when it is passed.
    https://learn.microsoft.com/azure/azure-functions/functions-host-json#functiontimeout
    """
    if read.has(_VARIABLE):
        return read.required(_VARIABLE, _time_span)
    try:
        document = msgspec.json.decode(host_json.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise SettingError("host.json", "must be a JSON object without comments: its functionTimeout counts") from None
    written = document.get("functionTimeout")
    try:
        return _time_span(_DEFAULT if written in (None, "") else written)
    except ValueError as error:
        raise SettingError("functionTimeout", f"in host.json {error}") from None


def _time_span(text: object) -> float | None:
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
