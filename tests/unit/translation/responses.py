"""Requests for a response that are made as chat completions, and what comes back, for the tests of both."""

import itertools
import json
import os
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import BLANK
from proxy.translation.interface import EventStream, Reply, TranslatedRequest
from proxy.translation.responses_on_chat import translate
from tests import documents

Json = dict[str, Any]
SAMPLES = Path(__file__).parent / "samples"
_HAS_DOCUMENTS = bool(os.environ.get(documents.VARIABLE))
CREATED = 1772304649
FUNCTION: Json = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
PATCH: Json = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edits files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/"},
}


def encode(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def translated(
    body: object,
    *,
    is_openai: bool = False,
    reasons: bool = False,
    is_mistral: bool = False,
    keep_filters: bool = False,
) -> TranslatedRequest:
    """Return a request as a chat completion; a body that is no bytes gets a model and an input if it has none."""
    raw = body if isinstance(body, bytes) else encode({"model": "m", "input": "Hi", **json.loads(encode(body))})
    numbers = itertools.count()
    reply = Reply(token=lambda: f"{next(numbers):032x}", created=CREATED)
    document = parse_json_body(raw)
    return translate(
        document, reply, is_openai=is_openai, reasons=reasons, is_mistral=is_mistral, keep_filters=keep_filters
    )


def chat(body: object, *, judges: bool = True, **options: bool) -> Json:
    """Return the body of the chat, after the document has judged it, which only knows what OpenAI's models take."""
    found: Json = json.loads(translated(body, **options).body.raw)
    faults = faults_of_chat(found) if judges else []
    assert not faults, faults
    return found


def messages(*items: object, **options: bool) -> list[Json]:
    """Return the messages that some items become."""
    found: list[Json] = chat({"input": items}, **options)["messages"]
    return found


def faults_of_chat(body: Json) -> list[str]:
    """Judge a chat by OpenAI's document, as the functions below do, where the documents are there."""
    return (
        []
        if not _HAS_DOCUMENTS
        else documents.load(documents.OPENAI).faults_of_request("POST", "/chat/completions", body)
    )


def faults_of_response(response: Json) -> list[str]:
    return [] if not _HAS_DOCUMENTS else documents.load(documents.OPENAI).faults_by_name("Response", response)


@cache
def _faults_of_event(event: str) -> tuple[str, ...]:
    return tuple(documents.load(documents.OPENAI).faults_by_name("ResponseStreamEvent", json.loads(event)))


def faults_of_events(events: Iterable[Json]) -> list[str]:
    if not _HAS_DOCUMENTS:
        return []
    return [fault for event in events for fault in _faults_of_event(json.dumps(event))]


def user(text: str) -> Json:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}


def assistant(text: str) -> Json:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": content}


def call(call_id: str, name: str = "look", arguments: str = "{}", **members: object) -> Json:
    return {"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments, **members}


def output(call_id: str, said: object = "Seen.") -> Json:
    return {"type": "function_call_output", "call_id": call_id, "output": said}


def tool_call(identifier: str, name: str = "look", arguments: str = "{}") -> Json:
    return {"id": identifier, "type": "function", "function": {"name": name, "arguments": arguments}}


def tool(identifier: str, said: object = "Seen.") -> Json:
    return {"role": "tool", "tool_call_id": identifier, "content": said}


def chunk(delta: Json | None, finish: str | None = None, **members: object) -> bytes:
    """Return a chunk as Azure sends it; without a delta, one without choices."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish, **members.pop("choice", {})}  # type: ignore[dict-item]
    choices = [] if delta is None else [choice]
    frame = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "deepseek-v3"}
    return b"data: " + json.dumps({**frame, "choices": choices, **members}).encode() + b"\n\n"


def piece(index: int | None, arguments: object, identifier: str | None = None, name: str | None = None) -> Json:
    """Return the delta of a call."""
    function = {"name": name, "arguments": arguments}
    found: Json = {"index": index, "function": {key: value for key, value in function.items() if value is not None}}
    return {"tool_calls": [found if identifier is None else {**found, "id": identifier, "type": "function"}]}


DONE = b"data: [DONE]\n\n"
USAGE: Json = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}
END = (chunk({}, "stop"), chunk(None, usage=USAGE), DONE)


def begin(request: TranslatedRequest, *, keep_filters: bool = False, keep_alive: bytes = BLANK) -> EventStream:
    """Begin the stream of a request."""
    errors = AzureErrors(model="m", auth=None)
    upstream = open_stream(StreamFormat.CHAT, errors, keep_filters=keep_filters, keep_alive=keep_alive)
    return request.reader.open_stream(upstream)


def read(reads: Iterable[bytes], body: object = None, **options: bool) -> bytes:
    """Return all that a client reads of a stream that comes in these reads."""
    stream = begin(translated(body or {"stream": True}, **options), keep_filters=options.get("keep_filters", False))
    return b"".join([*map(stream.feed, reads), stream.end()])


def events(reads: Iterable[bytes], body: object = None, **options: bool) -> list[Json]:
    """Return the events of a stream, after it has been judged: by the document, and by what holds for each."""
    raw = read(reads, body, **options)
    found = list(documents.events(raw))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert not (faults := faults_of_events(found)), faults
    check_sequence(found)
    return found


def check_sequence(found: list[Json]) -> None:
    """Check what clients rely on: each item is announced, ended and repeated at the end, in its order."""
    added = [event for event in found if event["type"] == "response.output_item.added"]
    done = {event["output_index"]: event["item"] for event in found if event["type"] == "response.output_item.done"}
    assert [event["output_index"] for event in added] == list(range(len(added)))
    known: set[str] = set()
    parts: set[tuple[str, object]] = set()
    for event in found:
        if event["type"] == "response.output_item.added":
            known.add(event["item"]["id"])
        if "item_id" in event:
            assert event["item_id"] in known
        if event["type"] in ("response.content_part.added", "response.reasoning_summary_part.added"):
            parts.add((event["item_id"], event.get("content_index", event.get("summary_index"))))
        if event["type"].endswith(("output_text.delta", "refusal.delta", "summary_text.delta")):
            assert (event["item_id"], event.get("content_index", event.get("summary_index"))) in parts
    last = found[-1]
    if last["type"] in ("response.completed", "response.incomplete"):
        assert last["response"]["output"] == [done[index] for index in range(len(added))]


def kinds(found: Iterable[Json]) -> list[str]:
    """Return the types of events, without the word that nearly all begin with."""
    return [event["type"].removeprefix("response.") for event in found]


def response(reads: Iterable[bytes], body: object = None, **options: bool) -> Json:
    """Return the response that a stream ends with."""
    found: Json = events(reads, body, **options)[-1]["response"]
    return found


def answer(message: Json, finish: str = "stop", body: object = None, **options: bool) -> Json:
    """Return the response for a whole chat completion with one message."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish, "logprobs": None}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "deepseek-v3"}
    return read_answer({**whole, "choices": [choice], "usage": USAGE}, body, **options)


def read_answer(whole: object, body: object = None, **options: bool) -> Json:
    """Return the response for a whole chat completion, after the document has judged it."""
    raw = whole if isinstance(whole, bytes) else encode(whole)
    found: Json = json.loads(translated(body or {}, **options).reader.answer(raw))
    assert not faults_of_response(found), faults_of_response(found)
    return found
