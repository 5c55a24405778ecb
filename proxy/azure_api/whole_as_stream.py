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
from proxy.openai_api.response_events import LAST, Numbered, begin_response, item_events
from proxy.openai_api.sse import DONE, encode_event

_NULL, _EMPTY_TEXT, _EMPTY_OBJECT = Raw(b"null"), Raw(b'""'), Raw(b"{}")
_STOP = Raw(b'"stop"')
_LIST = msgspec.json.Decoder(list[Members]).decode
_TEXT = msgspec.json.Decoder(str).decode
# Members of an answer that are not in each of its chunks.
_NOT_IN_CHUNKS = frozenset({"choices", "usage", "object", "prompt_filter_results", "prompt_annotations"})
# Members of a message that have a chunk of their own.
_OF_FIRST_CHUNK, _TOOL_CALLS = "role", "tool_calls"


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


def _events(response: Members, _with_usage: bool) -> Iterator[bytes]:
    """Yield the events of a response, nothing if it is none or has not ended."""
    if _is(response, "error") and not _is(response, "status"):
        yield encode_event(ENCODE(response))
    last = LAST.get(_TEXT(response.get("status", _EMPTY_TEXT)))
    if last is None or not _is(response, "output"):
        return
    event = Numbered()
    yield begin_response(event, response)
    for index, item in enumerate(_LIST(response["output"])):
        yield from item_events(partial(event, output_index=index), item)
    yield event(last, response=response)


def _is(members: Members, name: str) -> bool:
    """Tell whether a member is there and not null."""
    return members.get(name, _NULL) != _NULL


def _members(holder: Members, name: str) -> Members:
    return DECODE(holder[name]) if _is(holder, name) else {}


def _raw(value: object) -> Raw:
    return Raw(ENCODE(value))


_FORMS: Mapping[StreamFormat, Callable[[Members, bool], Iterator[bytes]]] = {
    StreamFormat.CHAT: partial(_chunks, kind=b'"chat.completion.chunk"', pieces=_pieces_of_chat),
    StreamFormat.COMPLETION: partial(_chunks, kind=b'"text_completion"', pieces=_pieces_of_completion),
    StreamFormat.RESPONSE: _events,
}
