"""The rows of a table of usage: what instances insert, and the row of a day that takes them up.

An instance inserts a row and never changes it. It numbers its rows of each day from 1 and inserts the next one only
when the one before is there. So the row of a day needs to know only the last number that it has taken up of each
instance: a row that is still there, or is inserted once more by a repeated request, counts only if its number is
higher. Numbers are taken up without gaps, because a reader may see a later row and not yet an earlier one.

Within a day the rows of instances stand before that of the day, so that whoever reads in this order sees each count at
least once while rows are taken up, and by the numbers not twice.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain

import msgspec

from proxy.usage.counts import DAY, HOUR, Key, Line, Lines, add_all, decode_lines, encode_lines, folded

DAY_ROW = "1"
_INSERTED = "0"
# Bytes of a row that an instance inserts; Azure's limit of a property is 64 KiB.
MAX_ROW_BYTES = 48 * 1024
# Bytes of the row of a day above which its hours are given up; Azure's limit of an entity is 1 MiB.
MAX_DAY_BYTES = 512 * 1024


class Inserted(msgspec.Struct, frozen=True, kw_only=True):
    """A row of an instance: the counts of one minute, or some of them, as `pack` makes them."""

    instance: str
    number: int
    start: int
    lines: bytes = b""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """The row of a day: counts by hour, and the last number of each instance that is in them."""

    lines: Lines = msgspec.field(default_factory=dict)
    marks: Mapping[str, int] = {}


def day_of(time: float) -> str:
    """Return the day of a time, as 2026-11-28."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d")


def start_of(day: str) -> int:
    """Return the begin of a day, in seconds since 1970 UTC."""
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp())


def row_key(row: Inserted) -> str:
    """Return the name of a row within its day."""
    return f"{_INSERTED}-{row.start % DAY:05d}-{row.instance}-{row.number:06d}"


def parse_row_key(day: str, name: str) -> Inserted | None:
    """Return the row of a name without its counts, None for the row of a day."""
    if name == DAY_ROW:
        return None
    _, seconds, instance, number = name.split("-")
    return Inserted(instance=instance, number=int(number), start=start_of(day) + int(seconds))


def pack(lines: Iterable[Line]) -> bytes:
    """Return counts as a row has them: names repeat in every line, so they take a tenth of their JSON."""
    return zlib.compress(encode_lines(lines), 1)


def unpack(content: bytes) -> Iterator[Line]:
    """Return the counts of a row; raise ValueError for what is none."""
    return decode_lines(_decompress(content))


def _decompress(content: bytes) -> bytes:
    try:
        return zlib.decompress(content)
    except zlib.error as error:
        raise ValueError("is no row of usage") from error


def first_part(lines: Iterable[Line]) -> tuple[bytes, list[Key]]:
    """Return as many counts as fit into a row, at least one, and their keys."""
    size, part = 0, list[Line]()
    for line in lines:
        size += len(encode_lines([line]))
        if part and size > MAX_ROW_BYTES:
            break
        part.append(line)
    return pack(part), [key for key, _ in part]


def take_up(day: Day, rows: Iterable[Inserted]) -> Day:
    """Return a day with the rows that follow those it has."""
    marks, lines = dict(day.marks), add_all({}, day.lines.items())
    for row in sorted(rows, key=lambda row: row.number):
        if row.number == marks.get(row.instance, 0) + 1:
            marks[row.instance] = row.number
            add_all(lines, folded(unpack(row.lines), HOUR).items())
    return Day(lines=lines, marks=marks)


def is_taken_up(day: Day, row: Inserted) -> bool:
    """Tell whether the row of a day has the counts of a row."""
    return row.number <= day.marks.get(row.instance, 0)


def parts_of(day: Day, rows: Iterable[Inserted]) -> Iterator[Iterable[Line]]:
    """Yield the counts of a day row by row, each count once."""
    yield day.lines.items()
    yield from (unpack(row.lines) for row in rows if not is_taken_up(day, row))


def lines_of(day: Day, rows: Iterable[Inserted]) -> Iterator[Line]:
    """Yield all counts of a day, each once."""
    return chain.from_iterable(parts_of(day, rows))


def encode_day(day: Day, most: int = MAX_DAY_BYTES) -> bytes:
    """Return the row of a day; one of more than `most` bytes gives its hours up and has the sums of the day."""
    content = _encode(day)
    return content if len(content) <= most else _encode(Day(lines=folded(day.lines.items(), DAY), marks=day.marks))


def decode_day(content: bytes) -> Day:
    """Return the row of a day; raise ValueError for what is none."""
    parts = _PARTS(_decompress(content))
    return Day(lines=dict(decode_lines(parts.lines)), marks=parts.marks)


class _Parts(msgspec.Struct):
    marks: dict[str, int]
    lines: msgspec.Raw


_PARTS = msgspec.json.Decoder(_Parts).decode


def _encode(day: Day) -> bytes:
    parts = _Parts(marks=dict(day.marks), lines=msgspec.Raw(encode_lines(day.lines.items())))
    return zlib.compress(msgspec.json.encode(parts), 6)
