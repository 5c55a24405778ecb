"""Server-sent events: bytes cut anywhere into blocks, and blocks into events."""

import re
import sys
from collections.abc import Callable
from itertools import pairwise
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import UpstreamError
from proxy.openai_api.sse import (
    MAX_EVENT_BYTES,
    Event,
    EventSplitter,
    encode_event,
    encode_last_event,
    parse_event,
)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
def test_every_kind_of_line_end_cuts_the_same_blocks(end: bytes) -> None:
    received = b"data: a\ndata: b\n\n\n\n: c\n\nevent: d\ndata: e\n\n".replace(b"\n", end)
    expected = [b"data: a\ndata: b", b": c", b"event: d\ndata: e"]
    for size in range(1, len(received) + 1):
        splitter = EventSplitter()
        blocks = [block for at in range(0, len(received), size) for block in splitter.feed(received[at : at + size])]
        assert [*blocks, *filter(None, [splitter.end()])] == expected


@pytest.mark.parametrize(
    "received", [b"", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf", b"\n", b"\r\n\r\n", b"\xef\xbb\xbf\n\n"]
)
def test_a_stream_of_nothing_has_no_data(received: bytes) -> None:
    splitter = EventSplitter()
    assert splitter.feed(received) == []
    assert parse_event(splitter.end()).data is None


def test_a_byte_order_mark_counts_at_the_beginning_only() -> None:
    splitter = EventSplitter()
    blocks = [
        block for byte in b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n" for block in splitter.feed(bytes([byte]))
    ]
    assert blocks == [b"data: a", b"\xef\xbb\xbfdata: b"]


def test_a_block_without_its_blank_line_is_left_at_the_end() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"data: a\r\n\r\ndata: b\r") == [b"data: a"]
    assert (splitter.end(), splitter.end()) == (b"data: b", b"")


@given(st.lists(st.sampled_from([b"\n", b"\r", b"a", b"data: b", b"\xef", b"\xbb", b"\xbf"]), max_size=24), st.data())
def test_the_blocks_are_those_between_blank_lines_whatever_the_reads(parts: list[bytes], data: st.DataObject) -> None:
    received = b"".join(parts)
    lines = re.sub(rb"\r\n|\r", b"\n", received.removeprefix(b"\xef\xbb\xbf"))
    if b"\xef\xbb\xbf".startswith(received):
        lines = b""
    expected = [block.strip(b"\n") for block in re.split(rb"\n\n+", lines)]
    places = sorted({0, len(received), *data.draw(st.lists(st.integers(0, len(received))))})
    splitter = EventSplitter()
    blocks = [block for start, end in pairwise(places) for block in splitter.feed(received[start:end])]
    assert [*blocks, *filter(None, [splitter.end()])] == [block for block in expected if block]


def test_a_block_comes_with_the_read_that_its_blank_line_ends_in() -> None:
    splitter = EventSplitter()
    reads = [b"data: a", b"\n", b"\ndata", b": b\r\n\r", b"\n: c\n", b"\n\n", b"\n\ndata: d\n\ndata: e\n\n"]
    assert [splitter.feed(read) for read in reads] == [
        [], [], [b"data: a"], [b"data: b"], [], [b": c"], [b"data: d", b"data: e"],
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("received", "size"),
    [
        (b"data: " + b"x" * 200_000, 1),
        (b"data: " + b"x" * 200_000, 64),
        (b"data: " + b"x" * 2_000_000, 1_000),
        (b"data: xxxxxxxx\n" * 10_000, 1),
        (b"data: xxxxxxxx\n" * 10_000, 8),
        (b":\r\n" * 10_000, 1),
        (b"\n" * 10_000 + b"x", 1),
    ],
)
def test_every_byte_is_looked_at_a_few_times_however_many_reads_an_event_takes(received: bytes, size: int) -> None:
    splitter = EventSplitter()
    reads = [received[start : start + size] for start in range(0, len(received), size)]
    assert bytes_looked_at(lambda: [splitter.feed(read) for read in reads]) < 8 * len(received)
    assert splitter.end()


def bytes_looked_at(run: Callable[[], object]) -> int:
    """Return the size of all bytes whose methods are called, but for those that look at one end only."""
    total = 0

    def count(frame: FrameType, event: str, called: object) -> None:
        nonlocal total
        owner = getattr(called, "__self__", None)
        if event == "c_call" and isinstance(owner, bytes | bytearray):
            total += 1 if getattr(called, "__name__", "") in {"startswith", "endswith"} else len(owner)

    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return total


def test_a_block_may_be_as_large_as_the_bound_and_no_larger() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"x" * MAX_EVENT_BYTES) == []
    (block,) = splitter.feed(b"x")
    with pytest.raises(UpstreamError, match="too large"):
        parse_event(block)
    assert parse_event(block[1:]).data is None


def test_the_line_end_behind_a_block_is_none_of_its_bytes() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"x" * MAX_EVENT_BYTES) == splitter.feed(b"\n") == []
    assert [len(block) for block in splitter.feed(b"\n")] == [MAX_EVENT_BYTES]


@pytest.mark.parametrize(
    ("block", "data", "name"),
    [
        (b"data: a", b"a", b""),
        (b"data:a", b"a", b""),
        (b"data:  a", b" a", b""),
        (b"data", b"", b""),
        (b"data: ", b"", b""),
        (b"data: a\ndata\ndata:b", b"a\n\nb", b""),
        (b"event: e\ndata:  a", b" a", b"e"),
        (b"event: error\ndata: a", b"a", b"error"),
        (b"data: a\nevent:x\nevent: y", b"a", b"y"),
        (b": comment", None, b""),
        (b"event: ping", None, b"ping"),
        (b"id: 1\nretry: 5\nDATA: a\ndata : a", None, b""),
        (b"data: a: b", b"a: b", b""),
        (b"", None, b""),
    ],
)
def test_a_block_is_read_as_the_standard_says(block: bytes, data: bytes | None, name: bytes) -> None:
    event = parse_event(block)
    assert (event.data, event.name) == (data, name)


def test_what_is_encoded_is_read_back() -> None:
    assert encode_event(b'{"a":1}') == b'data: {"a":1}\n\n'
    splitter = EventSplitter()
    assert [parse_event(block) for block in splitter.feed(encode_event(b"{}"))] == [Event(data=b"{}")]


def test_a_last_event_keeps_the_client_from_connecting_again_in_the_block_of_its_data() -> None:
    assert encode_last_event(b"{}") == b"data: {}\nretry: 2147483647\n\n"
    assert encode_last_event(b"{\n}", b"error") == b"event: error\ndata: { }\nretry: 2147483647\n\n"
