"""Time that one large body, or one event, holds the loop: `python -m tests.bench.bodies`.

Each part of the work is one piece, in which no other request is served. A body should take at most 100 ms for 10 MB.
"""

import base64
import json
import random
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.object_ids import EventTags, Tags, bare_body, tag_answer
from proxy.openai_api.operations import OPERATIONS

ROUNDS = 5
EVENTS = 10_000
_ALONE, _TWO = Tags(("eastus",)), Tags(("eastus", "westus"))
[_RESPONSE] = [operation for operation in OPERATIONS if operation.name == "createResponse"]
_SENTENCE = 'A sentence of a message, with "quotes", a path like C:\\temp and the end of its line.\n'
_ITEM = "68ab3f0011223344556677889900aabbccddeeff0011223344"


@dataclass(frozen=True, kw_only=True)
class Body:
    """A body of a request for a response."""

    name: str
    raw: bytes


def bodies() -> Iterator[Body]:
    """Yield large bodies of all kinds."""
    data = base64.b64encode(random.Random(1).randbytes(7_500_000)).decode()
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{data}"}
    yield _body("three images as base64", [_message("Compare them.", image) for _ in range(3)])
    yield _body("one string", [_message(_SENTENCE * 110_000)])
    yield _body("a conversation of long messages", [_message(_SENTENCE * 40) for _ in range(2700)])
    yield _body("a conversation of short messages", [_message(_SENTENCE) for _ in range(60_000)])
    yield _body("an agent's turns with ids", [item for number in range(8000) for item in _turn(number)])
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {"a": {"type": "string"}}}}
    yield Body(name="tools", raw=json.dumps({"model": "m", "input": "hi", "tools": [tool] * 60_000}).encode())


def main() -> None:
    """Print the milliseconds of each part for 10 MB, and the microseconds of an event."""
    for body in bodies():
        size = len(body.raw) / 1e7
        members = _milliseconds(lambda raw=body.raw: parse_json_body(raw)) / size  # type: ignore[misc]
        alone = _milliseconds(lambda raw=body.raw: bare_body(_ALONE, _RESPONSE, raw)) / size  # type: ignore[misc]
        ids = _milliseconds(lambda raw=body.raw: bare_body(_TWO, _RESPONSE, raw)) / size  # type: ignore[misc]
        _print(f"{body.name}, {size * 10:.0f} MB", f"members {members:.1f}, ids {ids:.1f}, one resource {alone:.1f} ms")
    tag = EventTags(_TWO, _RESPONSE, 1).tag
    event = (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":12,"item_id":'
        b'"msg_%b","output_index":0,"content_index":0,"delta":" hello","logprobs":[],"obfuscation":"abcdefgh"}\n\n'
    ) % _ITEM.encode()
    _print(
        "a delta of several resources",
        f"{_milliseconds(lambda: [tag(event) for _ in range(EVENTS)]) / EVENTS * 1000:.2f} us",
    )
    answer = json.dumps({"id": f"resp_{_ITEM}", "output": list(_turn(1)) * 5, "tools": [], "metadata": {}}).encode()
    many = _milliseconds(lambda: [tag_answer(_TWO, _RESPONSE, answer, 1) for _ in range(1000)])
    _print(f"an answer of {len(answer)} bytes", f"{many:.1f} us")


def _message(text: str, *more: object) -> object:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}, *more]}


def _turn(number: int) -> Iterator[object]:
    call = f"call_{number}"
    yield {"type": "reasoning", "id": f"rs_{_ITEM}", "summary": [], "encrypted_content": "gAAAAAB" + "x" * 600}
    arguments = json.dumps({"command": ["bash", "-lc", _SENTENCE]})
    yield {"type": "function_call", "id": f"fc_{_ITEM}", "call_id": call, "name": "shell", "arguments": arguments}
    yield {"type": "function_call_output", "call_id": call, "output": _SENTENCE * 3}


def _body(name: str, items: list[object]) -> Body:
    return Body(name=name, raw=json.dumps({"model": "m", "input": items, "stream": True}).encode())


def _milliseconds(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent) * 1000


def _print(name: str, figures: str) -> None:
    sys.stdout.write(f"{name:45} {figures}\n")


if __name__ == "__main__":
    main()
