"""Independent readers of typed event streams: what a client sees, and when an answer is whole."""

import json
import re
from functools import cache

from openai._streaming import SSEDecoder

from proxy.openai_api.operations import StreamFormat
from tests.unit.azure_api.readers import RETRY

DONE = "[DONE]"
LAST = {
    StreamFormat.RESPONSE: {"response.completed", "response.incomplete", "response.failed"},
    StreamFormat.IMAGE: {"image_generation.completed", "image_edit.completed"},
    StreamFormat.TRANSCRIPT: {"transcript.text.done"},
    StreamFormat.SPEECH: {"speech.audio.done"},
    StreamFormat.RUN: set[str](),
}
_BLOCK = rb"(event: [^\r\n]+\n)?data: [^\r\n]*(%s)?|" % RETRY


@cache
def events(stream: bytes) -> tuple[tuple[str, str], ...]:
    """Return name and data of every event, after checking that each is one that any client can read."""
    blocks = stream.split(b"\n\n")
    assert blocks.pop() == b"", "the stream does not end with a whole event"
    for block in blocks:
        assert re.fullmatch(_BLOCK, block), block
    read = [(event.event or "", event.data) for event in SSEDecoder().iter_bytes(iter([stream]))]
    assert all(data == DONE or isinstance(json.loads(data), dict) for _, data in read)
    return tuple((name, data) for name, data in read if data)


def errors(form: StreamFormat, stream: bytes) -> list[dict[str, object]]:
    """Return the errors of a stream: numbered events among a response's, in an envelope among all others.

    Each keeps the client from connecting again. It is the last event, but that of a response has `response.failed`
    behind it, with the next number.
    """
    found, documents = [], [(name, json.loads(data) if data != DONE else {}) for name, data in events(stream)]
    for name, event in documents:
        if form is StreamFormat.RESPONSE and name == "error":
            assert list(event) == ["type", "sequence_number", "code", "message", "param", "error"]
            assert list(event["error"]) == ["type", "code", "message", "param"]
            assert all(event[member] == event["error"][member] for member in ("code", "message", "param"))
            assert documents[-2] == (name, event)
            last_name, last = documents[-1]
            assert (last_name or last["type"]) == "response.failed"
            assert last["sequence_number"] == event["sequence_number"] + 1
            found.append(event)
        elif form is not StreamFormat.RESPONSE and event.get("error"):
            assert name == ""
            assert list(event["error"])[:4] == ["message", "type", "param", "code"]
            assert documents[-1] == (name, event)
            found.append(event["error"])
    assert stream.count(RETRY) == len(found)
    return found


@cache
def complete(form: StreamFormat, received: bytes) -> bool:
    """Tell whether Azure's bytes hold the last event of their kind; a line without its end counts when it is JSON."""
    name = ""
    for line in re.split(rb"\r\n|\n|\r", received.removeprefix(b"\xef\xbb\xbf")):
        field, _, value = line.partition(b":")
        text = value.removeprefix(b" ").decode("utf-8", "replace")
        if field == b"event":
            name = text
        elif field == b"data":
            if text == DONE and form is StreamFormat.RUN and name == "done":
                return True
            if _type(text) in LAST[form]:
                return True
        elif not line:
            name = ""
    return False


def _type(text: str) -> str:
    try:
        event = json.loads(text)
    except ValueError:
        return ""
    return str(event.get("type")) if isinstance(event, dict) else ""
