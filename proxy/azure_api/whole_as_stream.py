"""A whole answer as the stream of events that was asked for: some gateways and models know no streams.

The events have Azure's form and pass the same translation as a real stream. Values are not built: they go over as the
JSON that they came as.
https://platform.openai.com/docs/api-reference/chat-streaming
https://platform.openai.com/docs/api-reference/responses-streaming
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
from msgspec import Raw

from proxy.openai_api import json_members
from proxy.openai_api.json_members import DECODE, ENCODE, Members
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import DONE, encode_event

_NULL, _EMPTY_TEXT, _EMPTY_LIST, _EMPTY_OBJECT = Raw(b"null"), Raw(b'""'), Raw(b"[]"), Raw(b"{}")
_IN_PROGRESS, _STOP = Raw(b'"in_progress"'), Raw(b'"stop"')
_LIST = msgspec.json.Decoder(list[Members]).decode
_TEXT = msgspec.json.Decoder(str).decode
# Members of an answer that are not in each of its chunks.
_NOT_IN_CHUNKS = frozenset({"choices", "usage", "object", "prompt_filter_results", "prompt_annotations"})
# Members of a message that have a chunk of their own.
_OF_FIRST_CHUNK, _TOOL_CALLS = "role", "tool_calls"
# What a response has only at its end.
_AT_THE_END: Members = {
    "output": _EMPTY_LIST,
    "error": _NULL,
    "incomplete_details": _NULL,
    "completed_at": _NULL,
}
_LAST = {"completed": "response.completed", "incomplete": "response.incomplete", "failed": "response.failed"}


def to_events(form: StreamFormat | None, body: bytes, *, with_usage: bool = False) -> bytes | None:
    """Return the events of a stream that says what a whole answer says; None if there is no such stream.

    `with_usage` tells that the client asked for the usage at the end of a chat; a response always has it.
    """
    encode = _FORMS.get(form) if form is not None else None
    if encode is None:
        return None
    try:
        return json_members.rewrite(body, lambda masked: b"".join(encode(DECODE(masked), with_usage))) or None
    except json_members.UNREADABLE:
        return None


def _chunks(answer: Members, with_usage: bool, *, kind: bytes, pieces: "_Pieces") -> Iterator[bytes]:
    """Yield the chunks of a chat or of a completion, nothing if it is neither."""
    if _is(answer, "error") and not _is(answer, "choices"):
        yield encode_event(ENCODE(answer))
    if not _is(answer, "choices"):
        return
    common = {**{name: value for name, value in answer.items() if name not in _NOT_IN_CHUNKS}, "object": Raw(kind)}

    def chunk(choices: list[Members], **members: Raw) -> bytes:
        return encode_event(ENCODE({**common, "choices": choices, **members}))

    about_prompt = {name: answer[name] for name in ("prompt_filter_results", "prompt_annotations") if name in answer}
    if about_prompt:
        yield chunk([], **about_prompt)
    for number, choice in enumerate(_LIST(answer["choices"])):
        index = choice.get("index", Raw(b"%d" % number))
        yield from (chunk([{"index": index, "finish_reason": _NULL, **piece}]) for piece in pieces(choice))
        yield chunk([_last_piece(choice, index)])
    if with_usage and _is(answer, "usage"):
        yield chunk([], usage=answer["usage"])
    yield encode_event(DONE)


_Pieces = Callable[[Members], Iterator[Members]]


def _pieces_of_chat(choice: Members) -> Iterator[Members]:
    message = _members(choice, "message")
    yield {"delta": _raw({"role": message.get("role", Raw(b'"assistant"')), "content": _EMPTY_TEXT})}
    said = {name: value for name, value in message.items() if name not in (_OF_FIRST_CHUNK, _TOOL_CALLS)}
    # A model thinks before it speaks.
    for name in sorted(said, key=lambda name: "reasoning" not in name):
        if _is(said, name):
            logprobs = {"logprobs": choice["logprobs"]} if name == "content" and _is(choice, "logprobs") else {}
            yield {"delta": _raw({name: said[name]}), **logprobs}
    if _is(message, _TOOL_CALLS):
        for number, call in enumerate(_LIST(message[_TOOL_CALLS])):
            indexed = {"index": Raw(b"%d" % number), **call}
            yield {"delta": _raw({_TOOL_CALLS: _raw([indexed])})}


def _pieces_of_completion(choice: Members) -> Iterator[Members]:
    yield {name: choice[name] for name in ("text", "logprobs") if name in choice}


def _last_piece(choice: Members, index: Raw) -> Members:
    """Return how a choice ends, with what else Azure says of it."""
    left = {name: value for name, value in choice.items() if name not in ("message", "text", "logprobs")}
    nothing = {"delta": _EMPTY_OBJECT} if "message" in choice else {"text": _EMPTY_TEXT}
    reason = choice["finish_reason"] if choice.get("finish_reason", _NULL) not in (_NULL, _EMPTY_TEXT) else _STOP
    return {**left, "finish_reason": reason, "index": index, **nothing}


class _Numbered:
    """Encodes the events of one response with rising numbers."""

    def __init__(self) -> None:
        self._number = -1

    def __call__(self, kind: str, **members: object) -> bytes:
        self._number += 1
        data = ENCODE({"type": kind, "sequence_number": self._number, **members})
        return encode_event(data, kind.encode())


def _events(response: Members, _with_usage: bool) -> Iterator[bytes]:
    """Yield the events of a response, nothing if it is none or has not ended."""
    if _is(response, "error") and not _is(response, "status"):
        yield encode_event(ENCODE(response))
    last = _LAST.get(_TEXT(response.get("status", _EMPTY_TEXT)))
    if last is None or not _is(response, "output"):
        return
    event = _Numbered()
    begun = {**response, **{name: value for name, value in _AT_THE_END.items() if name in response}}
    begun["status"] = _IN_PROGRESS
    begun.pop("usage", None)
    yield event("response.created", response=begun)
    yield event("response.in_progress", response=begun)
    for index, item in enumerate(_LIST(response["output"])):
        yield from _item(partial(event, output_index=index), item)
    yield event(last, response=response)


_Event = Callable[..., bytes]


def _item(event: _Event, item: Members) -> Iterator[bytes]:
    """Yield the events of one item, from its beginning to its end."""
    kind = _TEXT(item.get("type", _EMPTY_TEXT))
    yield event("response.output_item.added", item=_begun(item))
    inside = partial(event, item_id=item.get("id", _EMPTY_TEXT))
    if kind in _INPUTS:
        yield from _input(inside, item, *_INPUTS[kind])
    for number, part in enumerate(_parts(item, "summary")):
        yield from _summary(partial(inside, summary_index=number), part)
    for number, part in enumerate(_parts(item, "content")):
        yield from _part(partial(inside, content_index=number), part)
    yield event("response.output_item.done", item=item)


# Items that are a call with an input: the member that has it, and the kind of its events.
_INPUTS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "mcp_call": ("arguments", "response.mcp_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}
# What an item has not said at its beginning.
_UNSAID: Mapping[str, Raw] = {
    "content": _EMPTY_LIST,
    "summary": _EMPTY_LIST,
    "arguments": _EMPTY_TEXT,
    "input": _EMPTY_TEXT,
    "result": _NULL,
    "status": _IN_PROGRESS,
}


def _begun(item: Members) -> Members:
    return {**item, **{name: nothing for name, nothing in _UNSAID.items() if _is(item, name)}}


def _input(event: _Event, item: Members, member: str, kind: str) -> Iterator[bytes]:
    value = item.get(member, _EMPTY_TEXT)
    named = {"name": item["name"]} if member == "arguments" and "name" in item else {}
    yield event(f"{kind}.delta", delta=value)
    yield event(f"{kind}.done", **{member: value}, **named)


def _summary(event: _Event, part: Members) -> Iterator[bytes]:
    text = part.get("text", _EMPTY_TEXT)
    yield event("response.reasoning_summary_part.added", part={**part, "text": _EMPTY_TEXT})
    yield event("response.reasoning_summary_text.delta", delta=text)
    yield event("response.reasoning_summary_text.done", text=text)
    yield event("response.reasoning_summary_part.done", part=part)


def _part(event: _Event, part: Members) -> Iterator[bytes]:
    kind = _TEXT(part.get("type", _EMPTY_TEXT))
    member, name = _PARTS.get(kind, ("", ""))
    unsaid = {name: nothing for name, nothing in _UNSAID_OF_PART.items() if name in part}
    yield event("response.content_part.added", part={**part, **unsaid})
    if name:
        value = part.get(member, _EMPTY_TEXT)
        logprobs = {"logprobs": part.get("logprobs", _EMPTY_LIST)} if kind == "output_text" else {}
        yield event(f"{name}.delta", delta=value, **logprobs)
        for number, annotation in enumerate(_parts(part, "annotations")):
            yield event(f"{name}.annotation.added", annotation_index=number, annotation=annotation)
        yield event(f"{name}.done", **{member: value}, **logprobs)
    yield event("response.content_part.done", part=part)


# Parts of a message or of reasoning: the member that has the text, and the kind of its events.
_PARTS = {
    "output_text": ("text", "response.output_text"),
    "refusal": ("refusal", "response.refusal"),
    "reasoning_text": ("text", "response.reasoning_text"),
}
_UNSAID_OF_PART = {"text": _EMPTY_TEXT, "refusal": _EMPTY_TEXT, "annotations": _EMPTY_LIST, "logprobs": _EMPTY_LIST}


def _is(members: Members, name: str) -> bool:
    """Tell whether a member is there and not null."""
    return members.get(name, _NULL) != _NULL


def _members(holder: Members, name: str) -> Members:
    return DECODE(holder[name]) if _is(holder, name) else {}


def _parts(item: Members, name: str) -> list[Members]:
    return _LIST(item[name]) if _is(item, name) else []


def _raw(value: object) -> Raw:
    return Raw(ENCODE(value))


_FORMS: Mapping[StreamFormat, Callable[[Members, bool], Iterator[bytes]]] = {
    StreamFormat.CHAT: partial(_chunks, kind=b'"chat.completion.chunk"', pieces=_pieces_of_chat),
    StreamFormat.COMPLETION: partial(_chunks, kind=b'"text_completion"', pieces=_pieces_of_completion),
    StreamFormat.RESPONSE: _events,
}
