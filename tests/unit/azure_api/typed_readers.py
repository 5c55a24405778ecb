"""Independent readers of typed event streams: what a client sees, and when an answer is whole."""

import json
import re
from functools import cache

from openai._streaming import SSEDecoder

from proxy.openai_api.operations import StreamFormat

DONE = "[DONE]"
LAST = {
    StreamFormat.RESPONSE: {"response.completed", "response.incomplete", "response.failed"},
    StreamFormat.IMAGE: {"image_generation.completed", "image_edit.completed"},
    StreamFormat.TRANSCRIPT: {"transcript.text.done"},
    StreamFormat.SPEECH: {"speech.audio.done"},
    StreamFormat.RUN: set[str](),
}
_BLOCK = rb"(event: [^\r\n]+\n)?data: [^\r\n]*|:[^\r\n]*(\n:[^\r\n]*)*"


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
    """Return the errors of a stream: flat and numbered events among a response's, in an envelope among all others."""
    found = []
    for name, data in events(stream):
        event = json.loads(data) if data != DONE else {}
        if form is StreamFormat.RESPONSE and name == "error":
            assert list(event) == ["type", "code", "message", "param", "sequence_number"]
            found.append(event)
        elif form is not StreamFormat.RESPONSE and event.get("error"):
            assert name == ""
            assert list(event["error"])[:4] == ["message", "type", "param", "code"]
            found.append(event["error"])
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
