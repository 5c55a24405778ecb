"""The events that a response is streamed in: each item, and each part of one, from its beginning to its end.

Values are not built: they go over as the JSON that they came as.
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
from msgspec import Raw

from proxy.openai_api.json_members import ENCODE, Members
from proxy.openai_api.sse import encode_event

_NULL, _EMPTY_TEXT, _EMPTY_LIST = Raw(b"null"), Raw(b'""'), Raw(b"[]")
_IN_PROGRESS = Raw(b'"in_progress"')
_LIST = msgspec.json.Decoder(list[Members]).decode
_TEXT = msgspec.json.Decoder(str).decode
# What a response has only at its end.
_AT_THE_END: Members = {
    "output": _EMPTY_LIST,
    "error": _NULL,
    "incomplete_details": _NULL,
    "completed_at": _NULL,
}
LAST = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}
# Items that are a call with an input: the member that has it, and the kind of its events.
INPUTS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
# Parts of a message or of reasoning: the member that has the text, and the kind of its events.
PARTS = {
    "output_text": ("text", "response.output_text"),
    "refusal": ("refusal", "response.refusal"),
    "reasoning_text": ("text", "response.reasoning_text"),
}
SUMMARY = "response.reasoning_summary_text"
# What an item, and a part, has not said at its beginning.
_UNSAID: Mapping[str, Raw] = {
    "content": _EMPTY_LIST,
    "summary": _EMPTY_LIST,
    "arguments": _EMPTY_TEXT,
    "input": _EMPTY_TEXT,
    "result": _NULL,
    "status": _IN_PROGRESS,
}
_UNSAID_OF_PART = {"text": _EMPTY_TEXT, "refusal": _EMPTY_TEXT, "annotations": _EMPTY_LIST, "logprobs": _EMPTY_LIST}

Event = Callable[..., bytes]
"""Encodes an event of a kind with its members."""


class Numbered:
    """Encodes the events of one response with rising numbers; `number` is the next one."""

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, kind: str, **members: object) -> bytes:
        """Return the next event."""
        data = ENCODE({"type": kind, "sequence_number": self.number, **members})
        self.number += 1
        return encode_event(data, kind.encode())


def begin_response(event: Event, response: Members) -> bytes:
    """Return the events that announce a response, as it is before it has said anything."""
    begun = {**response, **{name: value for name, value in _AT_THE_END.items() if name in response}}
    begun["status"] = _IN_PROGRESS
    begun.pop("usage", None)
    return event("response.created", response=begun) + event("response.in_progress", response=begun)


def item_events(event: Event, item: Members) -> Iterator[bytes]:
    """Yield the events of one whole item."""
    kind = _TEXT(item.get("type", _EMPTY_TEXT))
    yield event("response.output_item.added", item=_begun(item))
    inside = partial(event, item_id=item.get("id", _EMPTY_TEXT))
    if kind in INPUTS:
        member, name = INPUTS[kind]
        yield inside(f"{name}.delta", delta=item.get(member, _EMPTY_TEXT))
        yield end_input(inside, item, kind)
    for number, part in enumerate(_parts(item, "summary")):
        yield from _summary(partial(inside, summary_index=number), part)
    for number, part in enumerate(_parts(item, "content")):
        yield from _part(partial(inside, content_index=number), part)
    yield event("response.output_item.done", item=item)


def end_input(event: Event, item: Members, kind: str) -> bytes:
    """Return the event that ends the input of a call."""
    member, name = INPUTS[kind]
    named = {"name": item["name"]} if member == "arguments" and "name" in item else {}
    return event(f"{name}.done", **{member: item.get(member, _EMPTY_TEXT)}, **named)


def begin_summary(event: Event, part: Members) -> bytes:
    """Return the event that begins a part of a summary."""
    return event("response.reasoning_summary_part.added", part={**part, "text": _EMPTY_TEXT})


def end_summary(event: Event, part: Members) -> bytes:
    """Return the events that end a part of a summary."""
    text = part.get("text", _EMPTY_TEXT)
    return event(f"{SUMMARY}.done", text=text) + event("response.reasoning_summary_part.done", part=part)


def begin_part(event: Event, part: Members) -> bytes:
    """Return the event that begins a part."""
    unsaid = {name: nothing for name, nothing in _UNSAID_OF_PART.items() if name in part}
    return event("response.content_part.added", part={**part, **unsaid})


def end_part(event: Event, part: Members) -> bytes:
    """Return the events that end a part, behind those of its text: its annotations and the whole."""
    kind = _TEXT(part.get("type", _EMPTY_TEXT))
    written = b""
    if kind in PARTS:
        member, name = PARTS[kind]
        for number, annotation in enumerate(_parts(part, "annotations")):
            written += event(f"{name}.annotation.added", annotation_index=number, annotation=annotation)
        written += event(f"{name}.done", **{member: part.get(member, _EMPTY_TEXT)}, **_logprobs(part, kind))
    return written + event("response.content_part.done", part=part)


def _begun(item: Members) -> Members:
    return {**item, **{name: nothing for name, nothing in _UNSAID.items() if _is(item, name)}}


def _summary(event: Event, part: Members) -> Iterator[bytes]:
    yield begin_summary(event, part)
    yield event(f"{SUMMARY}.delta", delta=part.get("text", _EMPTY_TEXT))
    yield end_summary(event, part)


def _part(event: Event, part: Members) -> Iterator[bytes]:
    kind = _TEXT(part.get("type", _EMPTY_TEXT))
    yield begin_part(event, part)
    if kind in PARTS:
        member, name = PARTS[kind]
        yield event(f"{name}.delta", delta=part.get(member, _EMPTY_TEXT), **_logprobs(part, kind))
    yield end_part(event, part)


def _logprobs(part: Members, kind: str) -> Members:
    return {"logprobs": part.get("logprobs", _EMPTY_LIST)} if kind == "output_text" else {}


def _is(members: Members, name: str) -> bool:
    """Tell whether a member is there and not null."""
    return members.get(name, _NULL) != _NULL


def _parts(item: Members, name: str) -> list[Members]:
    return _LIST(item[name]) if _is(item, name) else []
