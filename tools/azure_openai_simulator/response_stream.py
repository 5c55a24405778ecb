"""The events of a response, which tell again what the finished response says: created, in progress, items, end."""

import itertools
from collections.abc import Callable, Iterator

from tools.azure_openai_simulator.answers import Chunk, Json, Mark, event
from tools.azure_openai_simulator.echo import tokens_of
from tools.azure_openai_simulator.metering import TOOLS
from tools.azure_openai_simulator.state import Record

_PADDING = "70NTC3qxfWb5kZtR"

Marked = tuple[Mark, Record]


def events(response: Record, *, after: int = -1) -> Iterator[Chunk]:
    """Stream a response from its beginning, or from behind a sequence number."""
    for number, (mark, body) in zip(itertools.count(), _events(response), strict=False):
        if number > after:
            yield event(mark, {**body, "sequence_number": number})


def _events(response: Record) -> Iterator[Marked]:
    begun = response | {"status": "in_progress", "output": [], "usage": None, "content_filters": None}
    begun |= {"completed_at": None, "incomplete_details": None}
    yield Mark.PREAMBLE, {"type": "response.created", "response": begun}
    yield Mark.PREAMBLE, {"type": "response.in_progress", "response": begun}
    output = response["output"]
    for index, item in enumerate(output if isinstance(output, list) else []):
        yield from _ITEMS[str(item["type"])](item, index)
    yield Mark.FINISH, {"type": f"response.{_end(response)}", "response": response}


def _end(response: Record) -> str:
    status = str(response["status"])
    return status if status in {"completed", "failed", "incomplete"} else "in_progress"


def _message(item: Record, index: int) -> Iterator[Marked]:
    content = item["content"]
    [part] = content if isinstance(content, list) else []
    place: Record = {"item_id": item["id"], "output_index": index, "content_index": 0}
    opening = item | {"status": "in_progress", "content": []}
    yield Mark.OPENING, {"type": "response.output_item.added", "output_index": index, "item": opening}
    yield Mark.OPENING, {"type": "response.content_part.added", **place, "part": part | {"text": ""}}
    for token in tokens_of(part["text"]):
        yield Mark.CONTENT, {"type": "response.output_text.delta", **place, "logprobs": [], **_delta(token)}
    done = {"type": "response.output_text.done", **place, "logprobs": [], "text": part["text"]}
    yield Mark.FINISH, done
    yield Mark.FINISH, {"type": "response.content_part.done", **place, "part": part}
    yield Mark.FINISH, _item_done(item, index)


def _function_call(item: Record, index: int) -> Iterator[Marked]:
    place: Record = {"item_id": item["id"], "output_index": index}
    opening = item | {"status": "in_progress", "arguments": ""}
    yield Mark.OPENING, {"type": "response.output_item.added", "output_index": index, "item": opening}
    for token in tokens_of(str(item["arguments"])):
        yield Mark.CONTENT, {"type": "response.function_call_arguments.delta", **place, **_delta(token)}
    names = {"arguments": item["arguments"], "name": item["name"]}
    yield Mark.FINISH, {"type": "response.function_call_arguments.done", **place, **names}
    yield Mark.FINISH, _item_done(item, index)


def _reasoning(item: Record, index: int) -> Iterator[Marked]:
    place: Record = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    opening = {**item, "summary": []}
    yield Mark.OPENING, {"type": "response.output_item.added", "output_index": index, "item": opening}
    summary = item["summary"]
    for part in summary if isinstance(summary, list) else []:
        yield Mark.OPENING, {"type": "response.reasoning_summary_part.added", **place, "part": part | {"text": ""}}
        for token in tokens_of(part["text"]):
            yield Mark.CONTENT, {"type": "response.reasoning_summary_text.delta", **place, **_delta(token)}
        yield Mark.FINISH, {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
        yield Mark.FINISH, {"type": "response.reasoning_summary_part.done", **place, "part": part}
    yield Mark.OPENING, _item_done(item, index)


def _image_call(item: Record, index: int) -> Iterator[Marked]:
    place: Record = {"item_id": item["id"], "output_index": index}
    kind = "response.image_generation_call"
    opening = item | {"status": "in_progress", "result": None}
    yield Mark.OPENING, {"type": "response.output_item.added", "output_index": index, "item": opening}
    yield Mark.OPENING, {"type": f"{kind}.in_progress", **place}
    yield Mark.OPENING, {"type": f"{kind}.generating", **place}
    picture = {"partial_image_index": 0, "partial_image_b64": item["result"]}
    yield Mark.CONTENT, {"type": f"{kind}.partial_image", **place, **picture}
    yield Mark.FINISH, {"type": f"{kind}.completed", **place}
    yield Mark.FINISH, _item_done(item, index)


def _tool_call(item: Record, index: int) -> Iterator[Marked]:
    place: Record = {"item_id": item["id"], "output_index": index}
    kind = f"response.{item['type']}"
    opening = item | {"status": "in_progress"}
    yield Mark.OPENING, {"type": "response.output_item.added", "output_index": index, "item": opening}
    yield Mark.OPENING, {"type": f"{kind}.in_progress", **place}
    yield Mark.OPENING, {"type": f"{kind}.completed", **place}
    yield Mark.OPENING, _item_done(item, index)


def _item_done(item: Record, index: int) -> Record:
    return {"type": "response.output_item.done", "output_index": index, "item": item}


def _delta(token: str) -> Json:
    return {"delta": token, "obfuscation": _PADDING[len(token) % len(_PADDING) :]}


_ITEMS: dict[str, Callable[[Record, int], Iterator[Marked]]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _function_call,
    "image_generation_call": _image_call,
    **dict.fromkeys(TOOLS.values(), _tool_call),
}
