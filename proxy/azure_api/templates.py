"""What most events of a stream have in common, learnt from two of them: the next ones are compared and not parsed.

A template is an event with holes for a text, its padding and its number, and the translation of that event with the
same holes. It is made by translating the event with marks in its holes. So another event with the same bytes around its
holes, and plain JSON in them, is translated by putting them into the translation. That gives the very
bytes that translating it would give, because no translation looks at what is in a hole.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

# Two choices may take turns.
KEPT = 2
# A longer event is not worth learning; in a longer read might be one that is larger than events may be.
MAX_LEARNT = 16 * 1024
MAX_TAKEN = 1024 * 1024
MAX_HOLES = 4
_EVENT_END = b"\n\n"
_HOLE = re.compile(
    rb'"(?:content|text|delta|obfuscation)": ?"(?P<text>(?:[^"\\]|\\.)*)(?=")|"sequence_number": ?(?P<number>\d+)'
)
# What JSON allows in a string, surrogate pairs aside, and the numbers that events have.
_TEXT = re.compile(rb'(?:[^"\\\x00-\x1f]++|\\["\\/bfnrt]|\\u(?![dD][89a-fA-F])[0-9a-fA-F]{4})*+(?=")').match
_NUMBER = re.compile(rb"0|[1-9][0-9]{0,14}").match
_MARKS = tuple(b"907050301020%d" % index for index in range(MAX_HOLES))


Translate = Callable[[bytes], bytes]
Match = Callable[[bytes, int], re.Match[bytes] | None]


class Counter(Protocol):
    """Knows the `sequence_number` of the last event, in digits."""

    number: bytes


class _Hole(NamedTuple):
    """What may be in a hole, and the bytes behind it: in the event and in its translation."""

    match: Match
    behind: bytes
    size: int
    written: bytes


@dataclass(frozen=True, slots=True)
class _Template:
    """An event up to its first hole, what is written for that, and the holes.

    `number` is the place of the number among what is written, counted from the end, 0 when there is none.
    """

    around: list[bytes]
    head: bytes
    size: int
    written: bytes
    holes: tuple[_Hole, ...]
    number: int


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
        if template := self._made(
            around, [_NUMBER if hole.lastgroup == "number" else _TEXT for hole in holes], translate
        ):
            self._known = [template, *self._known][: self._kept]

    def forget(self) -> None:
        """Drop all, because something has changed on which translations depend."""
        self._known, self._seen = [], []

    def _fill(self, template: _Template, chunk: bytes, at: int, written: list[bytes]) -> int:
        """Append a template with its holes filled; return where the event ends, 0 when something does not fit."""
        before = len(written)
        written.append(template.written)
        at += template.size
        for match, behind, size, after in template.holes:
            found = match(chunk, at)
            if found is None:
                break
            value = found[0]
            at += len(value)
            if not chunk.startswith(behind, at):
                break
            written.append(value)
            written.append(after)
            at += size
        else:
            if template.number:
                self._counter.number = written[template.number]
            return at
        del written[before:]
        return 0

    def _made(self, around: list[bytes], matches: list[Match], translate: Translate) -> _Template | None:
        """Return the template of an event, None where its translation leaves out a hole."""
        marks = _MARKS[: len(matches)]
        if any(odd in part for odd in (*marks, b"\\u") for part in around):
            return None
        before = self._counter.number
        rest = translate(_interleaved(around, marks))
        counted, self._counter.number = self._counter.number, before
        pieces: list[bytes] = []
        for mark in marks:
            piece, found, rest = rest.partition(mark)
            if not found:
                return None
            pieces.append(piece)
        head, *behind = [*around[:-1], around[-1] + _EVENT_END]
        holes = zip(matches, behind, map(len, behind), [*pieces[1:], rest], strict=True)
        number = 2 * (marks.index(counted) - len(marks)) if counted in marks else 0
        return _Template(around, head, len(head), pieces[0], tuple(map(_Hole._make, holes)), number)


def _around(block: bytes, holes: list[re.Match[bytes]]) -> list[bytes]:
    """Return the bytes before, between and behind the holes of an event."""
    borders = [0, *(border for hole in holes for border in hole.span(hole.lastgroup or 0)), len(block)]
    return [block[start:end] for start, end in zip(borders[::2], borders[1::2], strict=True)]


def _interleaved(around: list[bytes], marks: Sequence[bytes]) -> bytes:
    return b"".join(part + mark for part, mark in zip(around, (*marks, b""), strict=True))
