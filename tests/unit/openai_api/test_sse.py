"""Server-sent events: bytes cut anywhere into blocks, and blocks into events."""

import pytest

from proxy.errors import UpstreamError
from proxy.openai_api.sse import MAX_EVENT_BYTES, Event, EventSplitter, encode_event, parse_event


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


@pytest.mark.parametrize(
    ("received", "between"),
    [
        ([], False),
        ([b""], False),
        ([b"\xef"], False),
        ([b"data: a\n"], False),
        ([b"data: a\n\n"], True),
        ([b"data: a\r\n\r"], False),
        ([b"data: a\r\n\r", b"\n"], True),
        ([b"data: a\n\ndata"], False),
        ([b"data: a\n\ndata", b": b\n\n"], True),
        ([b"data: a\n\n", b"\n"], False),
    ],
)
def test_it_is_told_whether_the_next_byte_begins_a_block(received: list[bytes], between: bool) -> None:
    splitter = EventSplitter()
    for chunk in received:
        splitter.feed(chunk)
    assert splitter.between is between


def test_a_block_may_be_as_large_as_the_bound_and_no_larger() -> None:
    splitter = EventSplitter()
    assert splitter.feed(b"x" * MAX_EVENT_BYTES) == []
    (block,) = splitter.feed(b"x")
    with pytest.raises(UpstreamError, match="too large"):
        parse_event(block)
    assert parse_event(block[1:]).data is None


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
