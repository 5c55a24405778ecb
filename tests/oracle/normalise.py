"""What differs from run to run, taken out of what was seen."""

import base64
import hashlib
import re
import time
from collections.abc import Iterable

LONG = 8 * 1024
# What takes so long to search that the steps of other cases would come late.
HUGE = 1024 * 1024
_COMMENT = b": keep-alive\n\n"
_KEEP_ALIVE = re.compile(rb"(?:: keep-alive\n\n)+")
# The same in a later version: an empty block at the start or between events.
_BLANKS = re.compile(rb"(?:\A|(?<=\n\n))(?:\n\n)+")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SECONDS = re.compile(rb"(?<![\w.])(1[7-9]\d{8})(?![\w.])")
_LOCAL = re.compile(r"127\.0\.0\.1:(\d+)")
DAY = 86_400
# Lines of tracebacks, and what the host says of its own connections when it ends.
_NOT_THE_APPS = (
    *(" ", "Traceback", "Unclosed ", "connections: [", "connector: <", "client_session: <"),
    *("Exception ignored when trying to write to the signal wakeup fd", "OSError: [Errno 9]"),
)


class Addresses:
    """The names of the upstreams by their ports, which change with each run."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def add(self, port: int, name: str) -> None:
        """Learn a port."""
        self._names[str(port)] = name

    def text(self, value: str) -> str:
        """Return a text with the names in place of the addresses."""
        return _LOCAL.sub(lambda found: f"<{self._names[found[1]]}>" if found[1] in self._names else found[0], value)


def body(data: bytes, addresses: Addresses) -> object:
    """Return the bytes of a body as text where they are, the hash of those that are long."""
    if len(data) < HUGE:
        data = _without_moments(data)
    if len(data) > LONG:
        digest = hashlib.sha256(data).hexdigest()
        return {"length": len(data), "sha256": digest, "begins": repr(data[:80]), "ends": repr(data[-80:])}
    try:
        return addresses.text(_UUID.sub("<uuid>", data.decode()))
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _without_moments(data: bytes) -> bytes:
    data = _SECONDS.sub(_now, _KEEP_ALIVE.sub(_COMMENT, _BLANKS.sub(_COMMENT, data)))
    if data == _COMMENT:
        return data
    return data.removesuffix(_COMMENT)  # One may just have been due when the stream ended.


def _now(found: re.Match[bytes]) -> bytes:
    return b"<now>" if abs(int(found[1]) - time.time()) < DAY else found[0]


def headers(pairs: Iterable[tuple[bytes, bytes]], addresses: Addresses) -> list[str]:
    """Return headers in the order of their names, without what is of the moment."""
    return sorted(_header(name.decode("latin-1").lower(), value.decode("latin-1"), addresses) for name, value in pairs)


def _header(name: str, value: str, addresses: Addresses) -> str:
    if name == "date":
        value = "<date>"
    return f"{name}: {addresses.text(_UUID.sub('<uuid>', value))}"


def line(fields: dict[str, object], answered: Iterable[str]) -> dict[str, object]:
    """Return a log line without its times, and whether its request id is that of an answer."""
    request_id = fields.get("request_id")
    if request_id in set(answered):
        shown: object = "that of the answer"
    else:
        shown = _UUID.sub("<uuid>", request_id) if isinstance(request_id, str) else request_id
    times = {"first_byte_ms", "duration_ms"}
    left = {name: value for name, value in fields.items() if name not in times and value is not None}
    return {**left, "request_id": shown, "times": _times(fields)}


def _times(fields: dict[str, object]) -> str:
    first, whole = fields.get("first_byte_ms"), fields.get("duration_ms")
    if not isinstance(first, (int, float)) or not isinstance(whole, (int, float)):
        return f"{type(first).__name__}, {type(whole).__name__}"
    return "in order" if 0 <= first <= whole else "out of order"


def printed(lines: Iterable[str], addresses: Addresses) -> list[str]:
    """Return the other lines of standard output, without places in the code: of a traceback its message alone."""
    kept = {line for line in lines if not line.startswith(_NOT_THE_APPS)}
    return sorted({_printed(line, addresses) for line in kept})


def _printed(text: str, addresses: Addresses) -> str:
    text = re.sub(r"^[a-z_]+\.[\w.]+: ", "", re.sub(r"(unexpected \w+) in .*", r"\1", text))
    return addresses.text(_UUID.sub("<uuid>", re.sub(r"worker process \d+", "worker process", text)))
