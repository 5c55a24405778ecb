"""A large JSON body, of which a few members are read and replaced while every other byte stays as it came.

A body of 10 MB can become 250 MB of Python objects. So msgspec validates the document without building any, and a scan
of the top level finds where each value is.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

import msgspec

from proxy.errors import InvalidRequest
from proxy.openai_api import json_walk
from proxy.openai_api.json_members import Members, check_utf8, mask

T = TypeVar("T")

# No operation has a tenth of these; each costs the memory of a few small objects.
MAX_MEMBERS = 1000
# Each takes up to 0.5 us while other requests wait; the longest conversations have a few thousand.
MAX_BRACKETS = 250_000

# Each takes time to check; no program writes more by accident.
MAX_SURROGATES = 200_000

_TEXT = msgspec.json.Decoder(str | None)
_TEXTS = msgspec.json.Decoder(list[str | list[int]])
_FLAG = msgspec.json.Decoder(bool | None)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_MEMBER = re.compile(rb"[\s{,]*+(" + _STRING + rb")\s*+:\s*+", re.DOTALL)
_END = re.compile(rb"\s*+{?\s*+}\s*+")
_COMMA = re.compile(rb"\s*,\s*")
_NOT_JSON = "The body of your request is not valid JSON, or is nested too deeply."


class _Document(msgspec.Struct):
    """Any JSON object: every member is validated, none is kept."""


_CHECK = msgspec.json.Decoder(_Document)
_MEMBERS = msgspec.json.Decoder(Members)
# The members of a document are made into objects only if they are no more than these, or one for so many bytes of it:
# an object takes some 140 bytes.
MAX_COLONS = 20_000
BYTES_FOR_A_COLON = 64


class JsonBody(msgspec.Struct, frozen=True, kw_only=True):
    """A JSON object as it came, and the positions of its members.

    `spans` has where each value starts and ends, `names` where its name starts, in bytes.
    """

    __repr__ = object.__repr__  # without what is in it

    raw: bytes
    spans: Mapping[str, tuple[int, int]]
    names: Mapping[str, int]

    def replace(self, name: str, value: bytes) -> bytes:
        """Return the body with one value replaced."""
        start, end = self.spans[name]
        return self._spliced(start, value, end)

    def with_member(self, name: str, value: bytes) -> bytes:
        """Return the body with one value replaced, or with a new first member."""
        if name in self.spans:
            return self.replace(name, value)
        start = self.raw.index(b"{") + 1
        return self._spliced(start, b'"%s":%s%s' % (name.encode(), value, b"," if self.spans else b""), start)

    def without(self, name: str) -> bytes:
        """Return the body without one member and its comma."""
        return self.dropped(name).raw

    def dropped(self, name: str) -> "JsonBody":
        """Return the body without one member and its comma, as a `JsonBody`."""
        if name not in self.spans:
            return self
        start, (_, end) = self.names[name], self.spans[name]
        comma = _COMMA.match(self.raw, end)
        if comma is not None:
            end = comma.end()
        elif len(self.spans) > 1:
            start = self.raw.rindex(b",", 0, start)
        names = {other: other for other in self.names if other != name}
        return self._moved(start, b"", end, names)

    def renamed(self, name: str, other: str) -> "JsonBody":
        """Return the body with one member renamed to a name that is not in use."""
        start = self.names[name]
        end = json_walk.string_end(self.raw, start)
        names = {known: other if known == name else known for known in self.names}
        return self._moved(start, b'"%s"' % other.encode(), end, names)

    def replaced(self, name: str, value: bytes) -> "JsonBody":
        """Return the body with one value replaced, as a `JsonBody`."""
        start, end = self.spans[name]
        return self._moved(start, value, end, {known: known for known in self.names})

    def member(self, name: str) -> bytes | None:
        """Return the JSON of one member, None if it is absent or null."""
        start, end = self.spans.get(name, (0, 0))
        value = self.raw[start:end]
        return value if value and value != b"null" else None

    def _moved(self, start: int, value: bytes, end: int, names: Mapping[str, str]) -> "JsonBody":
        """Return the body with some bytes replaced; `names` maps the members that stay to their new names.

        Positions are shifted, because to scan a body of 1 MB again would take some 5 ms.
        """
        shift = len(value) - (end - start)

        def moved(position: int) -> int:
            return position if position < end else position + shift

        return JsonBody(
            raw=self._spliced(start, value, end),
            spans={after: (moved(self.spans[name][0]), moved(self.spans[name][1])) for name, after in names.items()},
            names={after: moved(self.names[name]) for name, after in names.items()},
        )

    def _spliced(self, start: int, value: bytes, end: int) -> bytes:
        return b"".join((memoryview(self.raw)[:start], value, memoryview(self.raw)[end:]))

    def text(self, name: str) -> str | None:
        """Return a member that is a string, None if it is absent or null; raise `InvalidRequest` for another type."""
        return self._read(name, _TEXT, "a string")

    def flag(self, name: str) -> bool:
        """Return a member that is a boolean, False if it is absent or null; raise `InvalidRequest` for another type."""
        return self._read(name, _FLAG, "a boolean") or False

    def count(self, name: str) -> int:
        """Return a member that is a positive integer, 1 for anything else, which is left for Azure to refuse."""
        start, end = self.spans.get(name, (0, 0))
        digits = self.raw[start:end]
        return int(digits) if digits.isdigit() and len(digits) < 4 and int(digits) else 1

    def length(self, name: str) -> int:
        """Return the length of a member that is a list of strings or of lists, 1 for anything else."""
        value = self.member(name) or b""
        try:
            return max(1, len(_TEXTS.decode(value)))
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return 1

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
    """Validate that a body is one JSON object and find its members.

    Raises `InvalidRequest` for anything else, for a name that occurs twice at the top level, because parsers disagree
    about which of the two counts, and for one with half of a surrogate pair, which UTF-8 cannot write.
    """
    if raw.count(b"{") + raw.count(b"[") > MAX_BRACKETS:
        raise InvalidRequest("The body of your request has too many objects and lists.")
    try:
        if not raw.isascii():
            check_utf8(raw)
        return _locate(raw) or _scan(raw)
    except msgspec.ValidationError:
        raise InvalidRequest("The body of your request must be a JSON object.") from None
    except _UNREADABLE:
        raise InvalidRequest(_NOT_JSON) from None


def _locate(raw: bytes) -> JsonBody | None:
    """Find the members of a plain document by the lengths of their values; None where they must be looked for.

    A name that stands twice has the length of its last value at the place of its first. What follows then does not fit:
    the end of the document is further away than that length, whatever stands between.
    """
    if raw.count(b":") > max(MAX_COLONS, len(raw) // BYTES_FOR_A_COLON) or b"\\ud" in raw or b"\\uD" in raw:
        return None
    spans: dict[str, tuple[int, int]] = {}
    names: dict[str, int] = {}
    position = 0
    for name, value in _MEMBERS.decode(raw).items():
        member = _MEMBER.match(raw, position)
        if member is None or member[1][1:-1] != name.encode() or len(spans) == MAX_MEMBERS:
            return None
        start = member.end()
        position = start + len(value)
        spans[name], names[name] = (start, position), member.start(1)
    return JsonBody(raw=raw, spans=spans, names=names) if _END.fullmatch(raw, position) else None


def _check(raw: bytes) -> None:
    try:
        _CHECK.decode(raw)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        if not 0 < raw.count(b"\\ud") + raw.count(b"\\uD") <= MAX_SURROGATES:
            raise
        _CHECK.decode(mask(raw))


def _scan(raw: bytes) -> JsonBody:
    _check(raw)
    spans: dict[str, tuple[int, int]] = {}
    names: dict[str, int] = {}
    for name, name_start, start, end in _members(raw):
        if not _is_unicode(name):
            raise InvalidRequest("The name of a member in the body of your request has half of a surrogate pair.")
        if name in spans:
            raise InvalidRequest(f"The body of your request has more than one member with the name '{name[:64]}'.")
        if len(spans) == MAX_MEMBERS:
            raise InvalidRequest("The body of your request has too many members.")
        spans[name], names[name] = (start, end), name_start
    return JsonBody(raw=raw, spans=spans, names=names)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _members(raw: bytes) -> Iterator[tuple[str, int, int, int]]:
    for name_start, start, end in json_walk.members(raw):
        written = raw[name_start : json_walk.string_end(raw, name_start)]
        # json accepts halves of surrogate pairs, msgspec does not.
        name = json.loads(written) if b"\\" in written else written[1:-1].decode()
        yield name, name_start, start, end
