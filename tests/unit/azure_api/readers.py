"""Independent readers of an event stream: what a client sees, and what it may rely on."""

import json
import re
from collections.abc import Iterator
from functools import cache

from openai._streaming import SSEDecoder

DONE = "[DONE]"
# Behind the data of an error: no reader connects again by itself when the connection breaks off.
RETRY = b"\nretry: 2147483647"


def official(stream: bytes) -> list[str]:
    """Return the data of every event as the official SDK reads it."""
    return [event.data for event in SSEDecoder().iter_bytes(iter([stream]))]


def raw(stream: bytes) -> list[str]:
    """Return the data of every event to a plain reader, for which only a blank line ends an event."""
    blocks = stream.split(b"\n\n")
    assert blocks.pop() == b"", "the stream does not end with a whole event"
    for block in blocks:
        assert re.fullmatch(rb"data: [^\r\n]*(%s)?|" % RETRY, block), block
    return [block[6:].removesuffix(RETRY).decode() for block in blocks if block.startswith(b"data: ")]


@cache
def whole(stream: bytes) -> tuple[str, ...]:
    """Return the data of the events before `[DONE]`, after checking that the stream is one that every client can read.

    Both readers agree, every event but `[DONE]` is a JSON object, and the last is `[DONE]` or else the only error.
    """
    events = raw(stream)
    assert official(stream) == events
    is_broken = stream.endswith(RETRY + b"\n\n")
    assert is_broken or events.pop() == DONE
    assert stream.count(RETRY) == is_broken
    documents = [json.loads(event) for event in events]
    assert all(isinstance(document, dict) for document in documents)
    assert [bool(document.get("error")) for document in documents].count(True) == is_broken
    assert not is_broken or documents[-1]["error"]
    return tuple(events)


def errors(stream: bytes) -> list[dict[str, object]]:
    """Return the errors that the official SDK would raise from a stream."""
    return [event["error"] for event in map(json.loads, whole(stream)) if event.get("error")]


@cache
def complete(received: bytes) -> bool:
    """Tell whether every choice that began in Azure's bytes had its finish_reason, before there was an error.

    A line without its end counts when it is whole JSON: the most that can be made of the bytes.
    """
    begun: set[int] = set()
    finished: set[int] = set()
    for event in _events_before_an_error(received):
        if not isinstance(event, dict):
            return False
        for choice in event["choices"]:
            if choice["finish_reason"]:
                finished.add(choice["index"])
            elif "delta" in choice or "text" in choice:
                begun.add(choice["index"])
    return bool(finished) and begun <= finished


def _events_before_an_error(received: bytes) -> Iterator[object]:
    for line in re.split(rb"\r\n|\n|\r", received.removeprefix(b"\xef\xbb\xbf")):
        text = line.removeprefix(b"data:").strip()
        if text == b"[DONE]":
            return
        if line.startswith(b"data:") and _is_json(text):
            event = json.loads(text)
            if isinstance(event, dict) and event.get("error"):
                return
            yield event


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
