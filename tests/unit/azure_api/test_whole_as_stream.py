"""A whole answer as the stream that was asked for, read by OpenAI's own client."""

import json
from typing import Any

import httpx2 as httpx
import pytest
from openai import OpenAI

from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.stream import open_stream
from proxy.azure_api.whole_as_stream import to_events
from proxy.openai_api.operations import StreamFormat
from tests import documents

CALLS: list[dict[str, Any]] = [
    {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}},
    {"id": "call_2", "type": "function", "function": {"name": "hear", "arguments": "{}"}},
]
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
CHAT: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o",
    "system_fingerprint": "fp_1",
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Grüße \ud83d\ude00",
                "refusal": None,
                "reasoning_content": "Hm.",
            },
            "finish_reason": "stop",
            "logprobs": None,
            "content_filter_results": {"hate": {"filtered": False}},
        }
    ],
    "usage": USAGE,
}
TOOLS = {**CHAT, "choices": [
    {"index": 0, "message": {"role": "assistant", "content": None, "tool_calls": CALLS}, "finish_reason": "tool_calls"}
]}  # fmt: skip
REASONING: dict[str, Any] = {
    "id": "rs_1", "type": "reasoning", "summary": [{"type": "summary_text", "text": "Because."}],
    "encrypted_content": "gAAA",
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
    "content": [
        {"type": "output_text", "text": "Hello", "annotations": [
            {"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://x", "title": "X"}
        ], "logprobs": []},
        {"type": "refusal", "refusal": "No."},
    ],
}  # fmt: skip
FUNCTION: dict[str, Any] = {
    "id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "look",
    "arguments": '{"at":1}',
}  # fmt: skip
RESPONSE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "completed_at": 2,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "metadata": {},
    "model": "gpt-5",
    "output": [REASONING, MESSAGE, FUNCTION],
    "parallel_tool_calls": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "usage": {
        "input_tokens": 1,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 3,
    },
}


def streamed(form: StreamFormat, answer: object, *, with_usage: bool = False) -> bytes:
    """Return the stream as a client gets it."""
    events = to_events(form, json.dumps(answer).encode(), with_usage=with_usage)
    assert events is not None
    choices = answer.get("choices") if isinstance(answer, dict) else None
    stream = open_stream(form, AzureErrors(model=None, auth=None), choices=len(choices or [1]))
    written = stream.feed(events) + stream.end()
    assert stream.failure is None
    return written


def client_of(stream: bytes) -> OpenAI:
    """Return a client whose every call gets a stream."""
    answer = httpx.Response(200, content=stream, headers={"content-type": "text/event-stream"})
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    return OpenAI(base_url="http://127.0.0.1/v1", api_key="x", http_client=http)


def chunks_of(stream: bytes) -> list[dict[str, Any]]:
    assert stream.endswith(b"data: [DONE]\n\n")
    return list(documents.events(stream))


def test_a_chat_is_read_by_the_helper_of_openais_client() -> None:
    client = client_of(streamed(StreamFormat.CHAT, CHAT, with_usage=True))
    with client.chat.completions.stream(
        model="gpt-4o", messages=[{"role": "user", "content": "hi"}], stream_options={"include_usage": True}
    ) as stream:
        said = [event.delta for event in stream if event.type == "content.delta"]
        whole = stream.get_final_completion()
    assert "".join(said) == "Grüße 😀"
    assert (whole.id, whole.choices[0].message.content) == ("chatcmpl-1", "Grüße 😀")
    assert (whole.choices[0].finish_reason, whole.choices[0].message.role) == ("stop", "assistant")
    assert whole.usage is not None
    assert whole.usage.total_tokens == USAGE["total_tokens"]


def test_calls_of_tools_have_their_numbers() -> None:
    client = client_of(streamed(StreamFormat.CHAT, TOOLS))
    with client.chat.completions.stream(model="gpt-4o", messages=[{"role": "user", "content": "hi"}]) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    calls = message.tool_calls or []
    assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
        ("call_1", "look", '{"at":1}'),
        ("call_2", "hear", "{}"),
    ]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks_of(streamed(StreamFormat.CHAT, TOOLS))]
    assert [delta["tool_calls"][0]["index"] for delta in deltas if "tool_calls" in delta] == [0, 1]


def test_the_chunks_of_a_chat_come_in_order() -> None:
    chunks = chunks_of(streamed(StreamFormat.CHAT, CHAT))
    assert [chunk["choices"][0]["delta"] for chunk in chunks] == [
        {"role": "assistant", "content": ""},
        {"reasoning_content": "Hm."},
        {"content": "Grüße 😀"},
        {},
    ]
    assert [chunk["choices"][0]["finish_reason"] for chunk in chunks] == [None, None, None, "stop"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert {chunk["system_fingerprint"] for chunk in chunks} == {"fp_1"}
    assert not any("usage" in chunk for chunk in chunks)


def test_several_choices_are_all_told() -> None:
    choices = [{**CHAT["choices"][0], "index": number} for number in range(3)]
    chunks = chunks_of(streamed(StreamFormat.CHAT, {**CHAT, "choices": choices}))
    finished = [one["choices"][0]["index"] for one in chunks if one["choices"][0]["finish_reason"] == "stop"]
    assert finished == [0, 1, 2]


@pytest.mark.parametrize("reason", [{}, {"finish_reason": None}, {"finish_reason": ""}])
def test_a_choice_that_does_not_say_why_it_ended_has_stopped(reason: dict[str, object]) -> None:
    choice = {"message": {"content": "x"}, **reason}
    chunks = chunks_of(streamed(StreamFormat.CHAT, {**CHAT, "choices": [choice]}))
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_a_completion_is_told_too() -> None:
    answer = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "usage": USAGE,
              "choices": [{"index": 0, "text": "Hello", "finish_reason": "length", "logprobs": None}]}  # fmt: skip
    stream = streamed(StreamFormat.COMPLETION, answer, with_usage=True)
    chunks = chunks_of(stream)
    assert [choice["text"] for chunk in chunks for choice in chunk["choices"]] == ["Hello", ""]
    assert chunks[1]["choices"][0]["finish_reason"] == "length"
    assert chunks[-1] == {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m", "choices": [],
                          "usage": USAGE}  # fmt: skip
    texts = client_of(stream).completions.create(model="m", prompt="x", stream=True)
    assert "".join(chunk.choices[0].text for chunk in texts if chunk.choices) == "Hello"


def test_a_response_is_read_by_the_helper_of_openais_client() -> None:
    client = client_of(streamed(StreamFormat.RESPONSE, RESPONSE))
    with client.responses.stream(model="gpt-5", input="hi") as stream:
        said = [event.delta for event in stream if event.type == "response.output_text.delta"]
        whole = stream.get_final_response()
    assert said == ["Hello"]
    assert (whole.id, whole.status, whole.output_text) == ("resp_1", "completed", "Hello")
    assert [item.type for item in whole.output] == ["reasoning", "message", "function_call"]
    assert whole.usage is not None
    assert whole.usage.total_tokens == RESPONSE["usage"]["total_tokens"]


def test_the_events_of_a_response_come_in_order_with_rising_numbers() -> None:
    events = list(documents.events(streamed(StreamFormat.RESPONSE, RESPONSE)))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    assert [event["type"].removeprefix("response.") for event in events] == [
        "created", "in_progress",
        "output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta",
        "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
        "output_item.added",
        "content_part.added", "output_text.delta", "output_text.annotation.added", "output_text.done",
        "content_part.done",
        "content_part.added", "refusal.delta", "refusal.done", "content_part.done", "output_item.done",
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
        "completed",
    ]  # fmt: skip
    created, completed = events[0]["response"], events[-1]["response"]
    assert (created["status"], created["output"], "usage" in created) == ("in_progress", [], False)
    assert completed == RESPONSE
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    assert added == [
        {**REASONING, "summary": []},
        {**MESSAGE, "status": "in_progress", "content": []},
        {**FUNCTION, "status": "in_progress", "arguments": ""},
    ]
    assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == RESPONSE["output"]
    assert [event["output_index"] for event in events if "output_index" in event] == [0] * 6 + [1] * 11 + [2] * 4


@pytest.mark.parametrize(
    ("item", "kinds"),
    [
        ({"id": "ct_1", "type": "custom_tool_call", "call_id": "c", "name": "n", "input": "x"},
         ["custom_tool_call_input.delta", "custom_tool_call_input.done"]),
        ({"id": "mcp_1", "type": "mcp_call", "server_label": "s", "name": "n", "arguments": "{}"},
         ["mcp_call_arguments.delta", "mcp_call_arguments.done"]),
        ({"id": "rs_1", "type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "x"}]},
         ["content_part.added", "reasoning_text.delta", "reasoning_text.done", "content_part.done"]),
        ({"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "QUJD"}, []),
        ({"id": "new_1", "type": "new_call"}, []),
        ({"id": "msg_1", "type": "message", "content": [{"type": "new_part", "x": 1}]},
         ["content_part.added", "content_part.done"]),
    ],
)  # fmt: skip
def test_items_of_every_kind_begin_and_end(item: dict[str, object], kinds: list[str]) -> None:
    events = list(documents.events(streamed(StreamFormat.RESPONSE, {**RESPONSE, "output": [item]})))
    assert [event["type"].removeprefix("response.") for event in events[2:-1]] == [
        "output_item.added",
        *kinds,
        "output_item.done",
    ]
    assert events[-2]["item"] == item


@pytest.mark.parametrize("status", ["incomplete", "failed"])
def test_a_response_ends_as_its_status_says(status: str) -> None:
    events = list(documents.events(streamed(StreamFormat.RESPONSE, {**RESPONSE, "status": status})))
    assert events[-1]["type"] == f"response.{status}"


@documents.needed
def test_openais_document_has_these_events() -> None:
    openai = documents.load(documents.OPENAI)
    for event in documents.events(streamed(StreamFormat.RESPONSE, RESPONSE)):
        assert not openai.faults_of_answer("POST", "/responses", 200, event, media=documents.EVENTS), event["type"]
    for answer in (CHAT, TOOLS):
        for chunk in chunks_of(streamed(StreamFormat.CHAT, answer, with_usage=True)):
            assert not openai.faults_of_answer("POST", "/chat/completions", 200, chunk, media=documents.EVENTS)


@pytest.mark.parametrize("form", [StreamFormat.CHAT, StreamFormat.COMPLETION, StreamFormat.RESPONSE])
def test_an_error_in_place_of_an_answer_is_the_only_event(form: StreamFormat) -> None:
    events = to_events(form, b'{"error":{"message":"Slow down.","code":"429"}}')
    stream = open_stream(form, AzureErrors(model=None, auth=None))
    stream.feed(events or b"")
    assert stream.failure is not None
    assert (stream.begun, stream.failure.status, stream.failure.message) == (False, 429, "Slow down.")


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b"null", b"<html>", b"data: {}\n\n", b'{"id":"x"}', b'{"choices":1}', b'{"choices":[1]}',
     b'{"choices":[{"message":1}]}', b'{"status":"queued","output":[]}', b'{"status":1,"output":[]}',
     b'{"status":"completed","output":1}', b'{"status":"completed","output":[{"content":"x"}]}'],
)  # fmt: skip
@pytest.mark.parametrize("form", [StreamFormat.CHAT, StreamFormat.RESPONSE])
def test_what_is_no_answer_becomes_no_stream(form: StreamFormat, body: bytes) -> None:
    assert to_events(form, body) is None


def test_a_form_without_such_a_stream_and_an_operation_without_any_become_none() -> None:
    assert to_events(None, b'{"choices":[]}') is None
    assert to_events(StreamFormat.IMAGE, b'{"data":[]}') is None


def test_half_a_surrogate_stays_as_it_came() -> None:
    body = b'{"choices":[{"index":0,"message":{"content":"\\ud83d"},"finish_reason":"stop"}]}'
    assert b'"content":"\\ud83d"' in (to_events(StreamFormat.CHAT, body) or b"")
