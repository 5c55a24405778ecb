"""What most events of a stream have in common, learnt from two of them: the next ones are compared and not parsed.

A template is an event with holes for a text, its padding and its number, and the translation of that event with the
same holes. It is made by translating the event with marks in its holes. So another event with the same bytes around its
holes, and nothing in them that JSON escapes, is translated by putting them into the translation. That gives the very
bytes that translating it would give, because no translation looks at what is in a hole.
"""

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

# Two choices may take turns.
KEPT = 2
# A longer event is not worth learning; in a longer read might be one that is larger than events may be.
MAX_LEARNT = 16 * 1024
MAX_TAKEN = 1024 * 1024
MAX_HOLES = 4
MAX_DIGITS = 15
_EVENT_END = b"\n\n"
_HOLE = re.compile(
    rb'"(?:content|text|delta|obfuscation)": ?"(?P<text>(?:[^"\\]|\\.)*)(?=")|"sequence_number": ?(?P<number>\d+)'
)
_MARKS = tuple(b"907050301020%d" % index for index in range(MAX_HOLES))


Translate = Callable[[bytes], bytes]


class Counter(Protocol):
    """Knows the `sequence_number` of the last event."""

    number: int


class _Hole(NamedTuple):
    """A hole, for a number or a text, and the bytes behind it: in the event and in its translation."""

    numeric: bool
    behind: bytes
    size: int
    written: bytes


class _Template(NamedTuple):
    """An event up to its first hole, what is written for that, and the holes."""

    head: bytes
    size: int
    written: bytes
    holes: tuple[_Hole, ...]
    around: list[bytes]


class Templates:
    """The last templates of one stream; with `kept` 0 nothing is learnt."""

    def __init__(self, counter: Counter, *, kept: int = KEPT) -> None:
        self._counter = counter
        self._kept = kept
        self._known: list[_Template] = []
        self._seen: list[list[bytes]] = []

    def take(self, chunk: bytes) -> tuple[bytes, int]:
        """Translate the events that a read begins with and that are known; return that and where the rest begins."""
        written: list[bytes] = []
        at, size = 0, len(chunk)
        while at < size <= MAX_TAKEN:
            for template in self._known:
                if chunk.startswith(template.head, at) and (end := self._fill(template, chunk, at, written)):
                    at = end
                    break
            else:
                break
        return b"".join(written), at

    def learn(self, block: bytes, translate: Translate) -> None:
        """Look at an event whose translation changed nothing for later ones; the second of a kind is learnt."""
        if not self._kept or len(block) > MAX_LEARNT:
            return
        holes = list(_HOLE.finditer(block))
        around = _around(block, holes)
        if not 0 < len(holes) <= MAX_HOLES or any(template.around == around for template in self._known):
            return
        if around not in self._seen:
            self._seen = [around, *self._seen][: self._kept]
            return
        self._seen.remove(around)
        if template := self._made(around, [hole.lastgroup == "number" for hole in holes], translate):
            self._known = [template, *self._known][: self._kept]

    def forget(self) -> None:
        """Drop all, because something has changed on which translations depend."""
        self._known, self._seen = [], []

    def _fill(self, template: _Template, chunk: bytes, at: int, written: list[bytes]) -> int:
        """Append a template with its holes filled; return where the event ends, 0 when something does not fit."""
        _, size, head, holes, _ = template
        filled, number = [head], b""
        at += size
        for numeric, behind, size, after in holes:
            end = chunk.find(behind, at, at + MAX_DIGITS + size) if numeric else chunk.find(b'"', at)
            if end < 0 or not chunk.startswith(behind, end):
                return 0
            value = chunk[at:end]
            if not (_is_number(value) if numeric else _is_plain(value)):
                return 0
            number = value if numeric else number
            filled += (value, after)
            at = end + size
        if number:
            self._counter.number = int(number)
        written += filled
        return at

    def _made(self, around: list[bytes], numeric: list[bool], translate: Translate) -> _Template | None:
        """Return the template of an event, None where its translation leaves out a hole."""
        marks = _MARKS[: len(numeric)]
        if any(mark in part for mark in marks for part in around):
            return None
        number = self._counter.number
        rest = translate(_interleaved(around, marks))
        self._counter.number = number
        pieces: list[bytes] = []
        for mark in marks:
            before, found, rest = rest.partition(mark)
            if not found:
                return None
            pieces.append(before)
        head, *behind = [*around[:-1], around[-1] + _EVENT_END]
        holes = zip(numeric, behind, map(len, behind), [*pieces[1:], rest], strict=True)
        return _Template(head, len(head), pieces[0], tuple(map(_Hole._make, holes)), around)


def _around(block: bytes, holes: list[re.Match[bytes]]) -> list[bytes]:
    """Return the bytes before, between and behind the holes of an event."""
    borders = [0, *(border for hole in holes for border in hole.span(hole.lastgroup or 0)), len(block)]
    return [block[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]


def _interleaved(around: list[bytes], marks: Sequence[bytes]) -> bytes:
    return b"".join(part + mark for part, mark in zip(around, (*marks, b""), strict=True))


def _is_plain(value: bytes) -> bool:
    """Tell whether a text stands in JSON as it is; of odd characters some are taken for others, and parsed."""
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return False
    return text.isprintable() and "\\" not in text


def _is_number(value: bytes) -> bool:
    return value.isdigit() and (value == b"0" or not value.startswith(b"0"))
