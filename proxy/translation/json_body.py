"""Read a few fields of a large JSON body without building it, and replace one without re-encoding the rest.

A body of 10 MB can become 250 MB of Python objects. msgspec checks the whole document and hands out each top-level
value as a view of the bytes it came in; a walk over the top-level members finds where each value lies.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from proxy.errors import InvalidRequest

T = TypeVar("T")

_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NAME = msgspec.json.Decoder(str)
_TEXT = msgspec.json.Decoder(str | None)
_FLAG = msgspec.json.Decoder(bool | None)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_MEMBER = re.compile(rb'[\s{,]*("(?:[^"\\]|\\.)*+")\s*:\s*', re.DOTALL)
_AFTER = re.compile(rb"\s*[,}]")
# JavaScript writes half of a cut emoji as a lone surrogate, which JSON allows and msgspec does not. In a copy of the
# same length they are replaced, and everything is found where it was.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonBody:
    """A JSON object as it came, and where the value of each of its members lies: from start to end, in bytes."""

    raw: bytes
    spans: Mapping[str, tuple[int, int]]

    def replace(self, name: str, value: bytes) -> bytes:
        """Return the body with one value replaced and every other byte as it came."""
        start, end = self.spans[name]
        return b"".join((memoryview(self.raw)[:start], value, memoryview(self.raw)[end:]))

    def text(self, name: str) -> str | None:
        """Return a member that is a text, None when it is absent or null; raise `InvalidRequest` for another type."""
        return self._read(name, _TEXT, "a string")

    def flag(self, name: str) -> bool:
        """Return a member that is true or false, False when it is absent or null."""
        return self._read(name, _FLAG, "a boolean") or False

    def _read(self, name: str, decoder: msgspec.json.Decoder[T], expected: str) -> T | None:
        start, end = self.spans.get(name, (0, 0))
        if start == end:
            return None
        try:
            return decoder.decode(self.raw[start:end])
        except (msgspec.MsgspecError, UnicodeDecodeError):
            message = f"Invalid type for '{name}': expected {expected}."
            raise InvalidRequest(message, param=name, code="invalid_type") from None


def parse_json_body(raw: bytes) -> JsonBody:
    """Check that a body is one JSON object and find its members.

    Raises `InvalidRequest` for anything else, and for a name that stands twice at the top: readers of such a body
    disagree about which of the two counts.
    """
    try:
        return JsonBody(raw=raw, spans=_spans(raw, _MEMBERS.decode(raw)))
    except _UNREADABLE:
        scanned = _SURROGATE.sub(rb"\\ufffd", raw)
    try:
        return JsonBody(raw=raw, spans=_spans(scanned, _MEMBERS.decode(scanned)))
    except msgspec.ValidationError:
        raise InvalidRequest("The body of your request must be a JSON object.") from None
    except _UNREADABLE:
        raise InvalidRequest("The body of your request is not valid JSON, or is nested too deeply.") from None


def _spans(raw: bytes, members: Mapping[str, msgspec.Raw]) -> dict[str, tuple[int, int]]:
    """Walk over the top-level members; the length of each value is known, so that nothing inside is looked at.

    Of a repeated name only the last value is known. No JSON value is the beginning of another one and then followed
    by `,` or `}`, so that a repeated name is always noticed.
    """
    spans: dict[str, tuple[int, int]] = {}
    position = 0
    while match := _MEMBER.match(raw, position):
        name, start = _NAME.decode(match[1]), match.end()
        value = bytes(members[name])
        position = start + len(value)
        if name in spans or not raw.startswith(value, start) or not _AFTER.match(raw, position):
            raise InvalidRequest(f"The body of your request has more than one member with the name '{name[:64]}'.")
        spans[name] = (start, position)
    return spans
