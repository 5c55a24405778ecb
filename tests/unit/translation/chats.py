"""Chats made as responses: requests, answers and streams, and independent readers of what the client gets.

Where OpenAI's document is there, it judges each of them.
"""

import json
import os
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.azure_api.whole_as_stream import to_events
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.operations import StreamFormat
from proxy.translation.chat_on_responses.request import translate
from proxy.translation.chat_on_responses.stream import ChatEvents
from proxy.translation.interface import Reply, TranslatedRequest
from tests import documents
from tests.unit.azure_api.readers import whole

Json = dict[str, Any]
TOKEN = "0123456789abcdef0123456789abcdef"
REPLY = Reply(token=lambda: TOKEN, created=1_700_000_000)
ASK: Json = {"model": "gpt-5-codex", "messages": [{"role": "user", "content": "Hi"}]}
USAGE: Json = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 12,
}
CHAT_USAGE: Json = {
    "prompt_tokens": 7,
    "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 0},
    "completion_tokens": 5,
    "completion_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 12,
}
CITATION: Json = {"type": "url_citation", "start_index": 0, "end_index": 2, "url": "https://x.example", "title": "X"}


def ask(**members: object) -> TranslatedRequest:
    """Translate a request; options of `translate` are in `ask_with`."""
    return ask_with({}, **members)


def ask_with(options: Json, **members: object) -> TranslatedRequest:
    """Translate a request with some options of the proxy."""
    raw = json.dumps({**ASK, **members}).encode()
    return translate(parse_json_body(raw), REPLY, **options)


def faults(schema: str, value: object) -> list[str]:
    """Judge a value, and acquit it where there is no judge."""
    return documents.load(documents.OPENAI).faults_by_name(schema, value) if documents.VARIABLE in os.environ else []


def body(request: TranslatedRequest) -> Json:
    """Return the body that is sent."""
    sent: Json = json.loads(request.body.raw)
    return sent


def items(*messages: Json, **options: object) -> list[Json]:
    """Return the input for some messages."""
    listed: list[Json] = body(ask_with(options, messages=list(messages)))["input"]
    return listed


def said(*texts: str, **members: object) -> Json:
    """Return an output message of some texts."""
    parts = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []} for text in texts]
    return {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": parts, **members}


def refused(text: str) -> Json:
    """Return an output message of a refusal."""
    return said(content=[{"type": "refusal", "refusal": text}])


def called(call_id: str, name: str = "look", arguments: str = '{"at":1}') -> Json:
    """Return a function call of an output."""
    place = {"id": f"fc_{call_id}", "type": "function_call", "status": "completed", "call_id": call_id}
    return {**place, "name": name, "arguments": arguments}


def customly_called(call_id: str, text: str) -> Json:
    """Return a call of a custom tool."""
    place = {"id": f"ctc_{call_id}", "type": "custom_tool_call", "status": "completed", "call_id": call_id}
    return {**place, "name": "patch", "input": text}


def reasoned(number: int = 1, *summary: str, **members: object) -> Json:
    """Return a reasoning item."""
    parts = [{"type": "summary_text", "text": text} for text in summary]
    return {"id": f"rs_{number}", "type": "reasoning", "summary": parts, "encrypted_content": f"g{number}", **members}


def response(*output: Json, **members: object) -> Json:
    """Return a whole response."""
    return {
        "id": "resp_1", "object": "response", "created_at": 1, "status": "completed", "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "model": "gpt-5-codex-deployed",
        "output": list(output), "parallel_tool_calls": True, "temperature": 1.0, "tool_choice": "auto", "tools": [],
        "top_p": 1.0, "usage": USAGE, **members,
    }  # fmt: skip


def answer(given: Json, request: TranslatedRequest | None = None) -> Json:
    """Return the client's answer for a response, after judging it."""
    raw = (request or ask()).reader.answer(json.dumps(given).encode())
    read: Json = json.loads(raw)
    assert faults("CreateChatCompletionResponse", read) == []
    return read


def message(given: Json, request: TranslatedRequest | None = None) -> Json:
    """Return the message of the client's answer."""
    one: Json = answer(given, request)["choices"][0]["message"]
    return one


def events(given: Json) -> bytes:
    """Return the stream of a whole response."""
    written = to_events(StreamFormat.RESPONSE, json.dumps(given).encode())
    assert written is not None
    return written


def event(kind: str, **members: object) -> bytes:
    """Return one event of a response."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def opened(request: TranslatedRequest | None = None, **options: Any) -> ChatEvents:
    """Return the client's stream of a request."""
    upstream = open_stream(StreamFormat.RESPONSE, AzureErrors(model="gpt-5-codex", auth=None), **options)
    stream = (request or ask(stream=True)).reader.open_stream(upstream)
    assert isinstance(stream, ChatEvents)
    return stream


def play(chunks: Iterable[bytes], request: TranslatedRequest | None = None, **options: Any) -> bytes:
    """Return what the client gets of a stream that comes in these pieces."""
    stream = opened(request, **options)
    written = b"".join([stream.feed(chunk) for chunk in chunks]) + stream.end()
    assert stream.ended
    assert stream.end() == stream.feed(b"data: {}\n\n") == b""
    return written


@cache
def chunks(written: bytes) -> Sequence[Json]:
    """Return the chunks of a stream, after judging it as a whole and each of them."""
    read = [json.loads(data) for data in whole(written)]
    for chunk in read:
        found = faults("CreateChatCompletionStreamResponse", chunk) if "error" not in chunk else []
        # OpenAI's document has functions alone, and its API streams custom tools as well.
        assert [fault for fault in found if "'custom' is not one of" not in fault] == []
    return read


def told(read: Sequence[Json]) -> Json:
    """Return what the chunks say in all, as a message with its `finish_reason`."""
    whole_message: Json = {}
    calls: dict[int, Json] = {}
    for choice in (choice for chunk in read for choice in chunk["choices"]):
        _merge(whole_message, {name: value for name, value in choice["delta"].items() if name != "tool_calls"})
        for call in choice["delta"].get("tool_calls", []):
            _merge(calls.setdefault(call["index"], {}), {name: call[name] for name in call if name != "index"})
        if choice["finish_reason"]:
            assert "finish_reason" not in whole_message
            whole_message["finish_reason"] = choice["finish_reason"]
    assert list(calls) == list(range(len(calls)))
    return whole_message | ({"tool_calls": list(calls.values())} if calls else {})


def _merge(target: Json, delta: Json) -> None:
    for name, value in delta.items():
        known = target.get(name)
        if isinstance(value, dict):
            _merge(target.setdefault(name, {}), value)
        elif name in ("type", "role") and known is not None:
            assert known == value
        else:
            target[name] = value if known is None else known if value is None else known + value


def everywhere(raw: bytes) -> Iterable[list[bytes]]:
    """Yield the ways in which a stream may come: whole, byte by byte, and in two pieces cut anywhere."""
    yield [raw]
    yield [raw[n : n + 1] for n in range(len(raw))]
    yield from ([raw[:n], raw[n:]] for n in range(1, len(raw)))
