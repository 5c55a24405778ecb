"""Rows of usage: whatever is read and taken up in whatever order, each count is there once."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.usage import rows
from proxy.usage.counts import DAY, HOUR, Counts, Key, Line, Lines, add_all, decode_lines, encode_lines, folded
from proxy.usage.rows import (
    DAY_ROW,
    Day,
    Inserted,
    day_of,
    decode_day,
    encode_day,
    first_part,
    is_taken_up,
    lines_of,
    pack,
    parse_row_key,
    row_key,
    start_of,
    take_up,
)

START = 1_790_000_000 - 1_790_000_000 % DAY


def line(start: int = START, client: str = "alice", **counts: int) -> Line:
    return Key(start, client, "gpt-5", "completions"), Counts(**(counts or {"requests": 1}))


def row(number: int, instance: str = "a", start: int = START) -> Inserted:
    return Inserted(instance=instance, number=number, start=start, lines=pack([line(start)]))


def requests(lines: Iterable[Line]) -> int:
    return sum(counts.requests for _, counts in lines)


def test_counts_are_written_and_read() -> None:
    lines = [line(requests=1, input=2, cached=3, output=4, reasoning=5, cost=6, errors=7, cancelled=8, units=9)]
    assert list(decode_lines(encode_lines(lines))) == lines
    assert folded([*lines, *lines], HOUR)[lines[0][0]].cached == 6


def test_a_row_has_a_name_that_says_what_it_is() -> None:
    one = row(7, start=START + 3 * HOUR)
    name = row_key(one)
    assert name < DAY_ROW
    assert parse_row_key(day_of(one.start), name) == Inserted(instance="a", number=7, start=START + 3 * HOUR)
    assert parse_row_key("2026-11-28", DAY_ROW) is None
    assert start_of(day_of(START + 5)) == START


def test_what_is_taken_up_is_read_from_the_day_and_the_rest_from_its_rows() -> None:
    day = take_up(Day(), [row(1)])
    assert requests(lines_of(day, [row(1), row(2), row(1, "b")])) == 3


def test_rows_are_taken_up_in_their_order_and_without_gaps() -> None:
    day = take_up(Day(), [row(2), row(1), row(4), row(1, "b")])
    assert day.marks == {"a": 2, "b": 1}
    assert requests(day.lines.items()) == 3
    assert [is_taken_up(day, row(number)) for number in (2, 3)] == [True, False]
    again = take_up(day, [row(1), row(3), row(4)])
    assert (again.marks["a"], requests(again.lines.items())) == (4, 5)


@given(st.lists(st.tuples(st.sets(st.integers(0, 11)), st.booleans()), max_size=8))
def test_whatever_is_seen_and_taken_up_nothing_counts_twice_or_is_lost(steps: list[tuple[set[int], bool]]) -> None:
    every = [row(number, instance) for instance in ("a", "b") for number in range(1, 7)]
    day, there = Day(), set(range(12))
    for seen, deletes in steps:
        day = decode_day(encode_day(take_up(day, [every[place] for place in seen & there])))
        if deletes:
            there -= {place for place in there if is_taken_up(day, every[place])}
    assert requests(lines_of(day, [every[place] for place in there])) == 12
    assert requests(lines_of(day, every)) == 12


def test_a_row_has_as_many_counts_as_fit() -> None:
    lines = [line(client=f"client-{number}" + "x" * 200) for number in range(1000)]
    left, total = lines, 0
    while left:
        content, keys = first_part(left)
        assert len(content) <= rows.MAX_ROW_BYTES + 2
        total, left = total + len(keys), left[len(keys) :]
    assert total == 1000


def test_a_day_that_is_too_large_gives_its_hours_up() -> None:
    lines: Lines = add_all({}, (line(START + hour * HOUR, f"{n}") for n in range(20) for hour in (0, 5)))
    day = Day(lines=lines, marks={"a": 1})
    assert {key.start for key in decode_day(encode_day(day)).lines} == {START, START + 5 * HOUR}
    read = decode_day(encode_day(day, 100))
    assert {key.start for key in read.lines} == {START}
    assert (requests(read.lines.items()), read.marks) == (40, {"a": 1})


def test_what_is_no_row_of_a_day_is_refused() -> None:
    with pytest.raises(ValueError, match="is no row of usage"):
        decode_day(b"no")
