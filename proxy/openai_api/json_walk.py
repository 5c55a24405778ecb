"""Strings at known places in JSON, found in its bytes in one pass and without building a value.

A place is written as a path: `input[*].id` is the member `id` of each element of the list `input`, and
`variables{}.file_id` the member `file_id` of each member of `variables`, whatever its name. What is not a string is no
value of a place, and a place that does not fit the JSON is not there.

Python's regular expressions take some nanoseconds for each byte and each Python statement some tens of them, so JSON in
which no place can be is skipped by one pattern, as long as its strings are short. The end of a long string is found
with `bytes.find`, which takes next to nothing.

Bytes that are no JSON do no harm: what was found before they break off counts.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

# Each takes about 1 us while other requests wait; the longest conversations have a few thousand items.
MAX_STEPS = 200_000

# A string with longer pieces between its escapes, or with more of these, is not skipped by a pattern.
_PIECE = rb'[^"\\]{0,256}+'
_SHORT = rb'"' + _PIECE + rb"(?:\\." + _PIECE + rb'){0,64}+"'
_WORD = rb'"[^"\\]{0,64}+"'
_SCALAR = rb'[^\s,:"{}\[\]]++'
_INSIDE = rb'[^"{}\[\]]++|' + _SHORT
_FLAT = rb"[{\[](?:" + _INSIDE + rb")*+[}\]]"
# So many levels are skipped at once, which is what a tool's schema has; a byte is looked at once for each of them.
for _ in range(3):
    _FLAT = rb"[{\[](?:" + _INSIDE + rb"|" + _FLAT + rb")*+[}\]]"
_ANYTHING = rb"(?:" + _SHORT + rb"|" + _SCALAR + rb"|" + _FLAT + rb")"
_NAME = rb'[^"\\]{0,64}+'
_COLON = rb"\s*+:\s*+"
_GAP = rb"[\s,]*+"
_NEVER = rb"(?!)"

_TO_ELEMENT = re.compile(_GAP + rb"(\])?+")
_IS_GAP = re.compile(rb"\s*+")
_IS_COLON = re.compile(_COLON)
_IS_SCALAR = re.compile(_SCALAR)
_TO_NAME = re.compile(rb'[\s{,]*+(?=")')
_TO_BRACKET = re.compile(rb'(?:[^"{}\[\]]++|' + _SHORT + rb"|" + _FLAT + rb')*+(["{}\[\]])', re.DOTALL)
# Escapes that follow each other closely, as in JSON that is a string of JSON.
_ESCAPES = re.compile(rb"(?:" + _PIECE + rb"\\.)*+", re.DOTALL)
_QUOTE, _BACKSLASH = b'"\\'
_PATH = re.compile(r"[^.\[{]+|\[\*\]|\{\}")
_TEXT = msgspec.json.Decoder(str)

Found = list[tuple[T, int, int]]
"""What was asked for at a place, and where the string there starts and ends, quotes included."""


@dataclass(eq=False)
class Places(Generic[T]):
    """Places in JSON, as a tree: what is asked for here, and the places in the members or elements of what is here."""

    value: T | None = None
    members: dict[bytes, "Places[T]"] = field(default_factory=dict)
    any_member: "Places[T] | None" = None
    elements: "Places[T] | None" = None

    @property
    def in_objects(self) -> bool:
        """Tell whether there are places in an object here."""
        return bool(self.members) or self.any_member is not None

    @cached_property
    def asked(self) -> dict[bytes, T]:
        """Return the members that are asked for themselves."""
        return {name: node.value for name, node in self.members.items() if node.value is not None}

    @cached_property
    def to_member(self) -> re.Pattern[bytes]:
        """Skip small members without a place; match a name and perhaps its short string, the end, or a long name."""
        names = b"|".join(map(re.escape, self.members))
        other = rb"(?!(?:" + names + rb')")' if self.any_member is None else _NEVER
        small = rb'"' + other + _NAME + rb'"' + _COLON + rb"(?:" + _WORD + rb"|" + _SCALAR + rb")"
        asked = rb"(" + (b"|".join(map(re.escape, self.asked)) or _NEVER) + rb')"' + _COLON + rb"(" + _SHORT + rb")"
        next_one = rb'"(?:' + asked + rb"|(" + _NAME + rb')"' + _COLON + rb')|(\})|(")'
        return re.compile(_GAP + rb"(?:" + small + _GAP + rb")*+(?:" + next_one + rb")", re.DOTALL)

    @cached_property
    def to_element(self) -> re.Pattern[bytes]:
        """Skip elements without a place; match the end of the list if it is behind them."""
        return re.compile(_GAP + rb"(?:" + self._empty() + _GAP + rb")*+(\])?+", re.DOTALL)

    def _empty(self) -> bytes:
        """Return the pattern of a value without a place in it."""
        kinds = [_SCALAR] if self.value is not None else [_SHORT, _SCALAR]
        if self.in_objects:
            kinds.append(rb"\{" + _GAP + rb"(?:" + self._empty_member() + _GAP + rb")*+\}")
        else:
            kinds.append(rb"\{(?:" + _INSIDE + rb")*+\}")
        if self.elements is not None:
            kinds.append(rb"\[" + _GAP + rb"(?:" + self.elements._empty() + _GAP + rb")*+\]")
        else:
            kinds.append(rb"\[(?:" + _INSIDE + rb")*+\]")
        return rb"(?:" + b"|".join(kinds) + rb")"

    def _empty_member(self) -> bytes:
        if self.any_member is not None:
            return rb'"' + _NAME + rb'"' + _COLON + self.any_member._empty()
        known = [re.escape(name) + rb'"' + _COLON + node._empty() for name, node in self.members.items()]
        names = b"|".join(map(re.escape, self.members))
        other = rb"(?!(?:" + names + rb')")' + _NAME + rb'"' + _COLON + _ANYTHING
        return rb'"(?:' + b"|".join((*known, other)) + rb")"


def places(values: Mapping[str, T]) -> Places[T]:
    """Return the places of some paths, with what is asked for at each."""
    root: Places[T] = Places()
    for path, value in values.items():
        node = root
        for step in _PATH.findall(path):
            if step == "[*]":
                node.elements = node = node.elements or Places()
            elif step == "{}":
                node.any_member = node = node.any_member or Places()
            else:
                node = node.members.setdefault(step.encode(), Places())
        node.value = value
    return root


def walk(raw: bytes, places: Places[T], position: int = 0) -> Found[T]:
    """Return the strings at places in some JSON, in their order."""
    walker: _Walker[T] = _Walker(raw)
    with suppress(_BrokenOffError):
        walker.value(_after(_IS_GAP, raw, position), places)
    return walker.found


def walk_whole(raw: bytes, places: Places[T]) -> Found[T]:
    """Return the strings at places in all of some JSON; raise ValueError where the walk would end before it."""
    walker: _Walker[T] = _Walker(raw)
    try:
        walker.value(_after(_IS_GAP, raw, 0), places)
    except _BrokenOffError:
        raise ValueError("the JSON is not valid, or has too many values") from None
    return walker.found


def members(raw: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each member of valid JSON starts, and where its value starts and ends."""
    position = 0
    while name := _TO_NAME.match(raw, position):
        start = _after(_IS_COLON, raw, string_end(raw, name.end()))
        position = _value_end(raw, start)
        yield name.end(), start, position


def elements(raw: bytes, position: int = 0) -> Iterator[tuple[int, int]]:
    """Yield where each element of the list in valid JSON that starts here starts and ends."""
    position += 1
    while (step := _TO_ELEMENT.match(raw, position)) and step[1] is None:
        position = _value_end(raw, step.end())
        yield step.end(), position


def string_end(raw: bytes, start: int) -> int:
    """Return where the string that starts here ends, behind its quote."""
    position = start + 1
    while (quote := raw.find(b'"', position)) >= 0:
        if raw[quote - 1] != _BACKSLASH or _is_even(raw, position, quote):
            return quote + 1
        position = _after(_ESCAPES, raw, quote + 1)
    raise _BrokenOffError


class _BrokenOffError(Exception):
    """The JSON is not valid, or has too many values."""


class _Walker(Generic[T]):
    """One walk over some JSON."""

    __slots__ = ("found", "left", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.found: Found[T] = []
        self.left = MAX_STEPS

    def value(self, start: int, place: Places[T] | None, *, hard: bool = False) -> int:
        """Look into the value that starts here; return where it ends.

        A hard value has something that no pattern skips, so that it is not tried a second time.
        """
        kind = self.raw[start : start + 1]
        if kind == b'"':
            end = string_end(self.raw, start)
            if place is not None and place.value is not None:
                self.found.append((place.value, start, end))
            return end
        if kind == b"{" and place is not None and place.in_objects:
            return self._object(start + 1, place, hard=hard)
        if kind == b"[" and place is not None and place.elements is not None:
            return self._list(start + 1, place.elements, hard=hard)
        return _value_end(self.raw, start, self)

    def step(self) -> None:
        """Count what takes time; raise `_BrokenOffError` for too much of it."""
        self.left -= 1
        if self.left < 0:
            raise _BrokenOffError

    def _object(self, position: int, place: Places[T], *, hard: bool) -> int:
        raw, match, find, asked = self.raw, place.to_member.match, place.members.get, place.asked
        while step := match(raw, position):
            self.step()
            kind, position = step.lastindex, step.end()
            if kind == 2:
                self.found.append((asked[step[1]], *step.span(2)))
                continue
            if kind == 4:
                return position
            name, position = (step[3], position) if kind == 3 else self._name(position - 1)
            position = self.value(position, find(name, place.any_member), hard=hard)
        raise _BrokenOffError

    def _list(self, position: int, place: Places[T], *, hard: bool) -> int:
        raw, match = self.raw, _TO_ELEMENT.match if hard else place.to_element.match
        while step := match(raw, position):
            self.step()
            position = step.end()
            if step[1] is not None:
                return position
            position, match = self.value(position, place, hard=True), place.to_element.match
        raise _BrokenOffError  # pragma: no cover  the pattern matches nothing too

    def _name(self, start: int) -> tuple[bytes, int]:
        """Return a name with escapes or of any length, and where its value starts."""
        end = string_end(self.raw, start)
        try:
            name = _TEXT.decode(self.raw[start:end]).encode()
        except (msgspec.MsgspecError, UnicodeDecodeError):  # half a surrogate: no name of ours
            name = b""
        return name, _after(_IS_COLON, self.raw, end)


def _value_end(raw: bytes, start: int, walker: _Walker[T] | None = None) -> int:
    """Return where a value ends that nothing is asked of."""
    kind = raw[start : start + 1]
    if kind == b'"':
        return string_end(raw, start)
    if kind not in (b"{", b"["):
        return _after(_IS_SCALAR, raw, start)
    depth, position = 1, start + 1
    while bracket := _TO_BRACKET.match(raw, position):
        if walker is not None:
            walker.step()
        position = bracket.end()
        kind = bracket[1]
        if kind == b'"':
            position = string_end(raw, position - 1)
            continue
        depth += 1 if kind in (b"{", b"[") else -1
        if not depth:
            return position
    raise _BrokenOffError


def _after(pattern: re.Pattern[bytes], raw: bytes, position: int) -> int:
    match = pattern.match(raw, position)
    if match is None:
        raise _BrokenOffError
    return match.end()


def _is_even(raw: bytes, start: int, quote: int) -> bool:
    """Tell whether the backslashes before a quote escape each other, so that it is the end of its string."""
    piece = raw[start:quote]
    return not (len(piece) - len(piece.rstrip(b"\\"))) % 2
