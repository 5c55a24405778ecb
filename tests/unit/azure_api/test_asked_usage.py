"""The usage of a stream that the proxy asks for and hides again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.asked_usage import ask_for_usage, hide_usage, is_about_usage, without_usage
from proxy.azure_api.request import Call, parse_call
from proxy.openai_api.operations import OPERATIONS
from proxy.openai_api.router import Route

ROWS = {row.name: row for row in OPERATIONS}
CHAT = {"model": "m", "stream": True}
USAGE = b'{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}'
TEXT = b'{"id":"a","choices":[{"delta":{"content":"x"}}]}'
BARE = b'{"id":"a","choices":[{"index":0}]}'
QUOTED = b'{"choices":[{"delta":{"content":"\\"usage\\""}}]}'


def call(members: dict[str, object], operation: str = "createChatCompletion") -> Call:
    return parse_call(Route(operation=ROWS[operation]), json.dumps(members).encode())


@pytest.mark.parametrize(
    ("members", "asked"),
    [
        (CHAT, {**CHAT, "stream_options": {"include_usage": True}}),
        ({**CHAT, "stream_options": None}, {**CHAT, "stream_options": {"include_usage": True}}),
        ({**CHAT, "stream_options": {"include_usage": False}}, {**CHAT, "stream_options": {"include_usage": True}}),
        (
            {**CHAT, "stream_options": {"include_obfuscation": False}},
            {**CHAT, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        ),
    ],
)
def test_a_stream_is_asked_for_its_usage(members: dict[str, object], asked: dict[str, object]) -> None:
    asking = ask_for_usage(call(members))
    assert asking.hides_usage
    assert json.loads(asking.raw) == asked
    assert asking.document is not None
    assert asking.document.raw == asking.raw


@pytest.mark.parametrize(
    ("members", "operation"),
    [
        ({"model": "m"}, "createChatCompletion"),
        ({**CHAT, "stream_options": {"include_usage": True}}, "createChatCompletion"),
        ({**CHAT, "stream_options": "x"}, "createChatCompletion"),
        (CHAT, "createResponse"),
        (CHAT, "createEmbedding"),
    ],
)
def test_a_call_that_tells_it_anyway_stays_as_it_is(members: dict[str, object], operation: str) -> None:
    same = call(members, operation)
    assert ask_for_usage(same) is same
    unread = Call(route=Route(operation=ROWS["createTranscription"]), streams=True)
    assert ask_for_usage(unread) is unread


@pytest.mark.parametrize(
    ("members", "left"),
    [
        (CHAT, CHAT),
        (
            {**CHAT, "stream_options": {"include_obfuscation": False}},
            {**CHAT, "stream_options": {"include_obfuscation": False}},
        ),
    ],
)
def test_a_deployment_that_refuses_is_asked_no_more(members: dict[str, object], left: dict[str, object]) -> None:
    assert json.loads(without_usage(ask_for_usage(call(members))).raw) == left
    unread = Call(route=Route(operation=ROWS["createTranscription"]))
    assert without_usage(unread) is unread
    same = call(CHAT)
    assert without_usage(same) is same


def test_a_refusal_that_is_about_the_usage_is_told_from_others() -> None:
    assert is_about_usage(b'{"error":{"param":"stream_options"}}')
    assert is_about_usage(b"Unknown parameter: include_usage")
    assert not is_about_usage(b'{"error":{"param":"temperature"}}')


def event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


@pytest.mark.parametrize(
    ("events", "shown"),
    [
        (b"", b""),
        (event(TEXT), event(TEXT)),
        (event(b'{"id":"a","choices":[{"index":0}],"usage":null}'), event(BARE)),
        (event(b'{"id":"a","usage":' + USAGE + b',"choices":[{"index":0}]}'), event(BARE)),
        (event(b'{"id":"a","choices":[],"usage":' + USAGE + b"}"), b""),
        (event(b'{"id":"a","choices":[],"usage":null}'), event(b'{"id":"a","choices":[]}')),
        (event(QUOTED), event(QUOTED)),
        (event(b'{"id": "a", "usage": null, "choices": [{}]}'), event(b'{"id": "a", "choices": [{}]}')),
        (event(b'{"choices": [{}], "usage": null}'), event(b'{"choices": [{}]}')),
        (event(b'{"usage": null}'), event(b'{}')),
        (event(b'{"usage":1,"usage":null,"choices":[{}]}'), event(b'{"usage":1,"usage":null,"choices":[{}]}')),
        (b'data: {"error":{"param":"usage"}}\nretry: 2147483647\n\n',
         b'data: {"error":{"param":"usage"}}\nretry: 2147483647\n\n'),
        (event(b'{"choices":[{"usage":1}]}'), event(b'{"choices":[{"usage":1}]}')),
        (event(b'no JSON "usage"'), event(b'no JSON "usage"')),
        (event(b'{"choices":[{"delta":{"content":"\\ud83d"}}],"usage":null}'),
         event(b'{"choices":[{"delta":{"content":"\\ud83d"}}]}')),
        (b'\n\n: comment\n\n' + event(b'{"choices":[{}],"usage":null}') + b"\n\n" + event(b"[DONE]"),
         b'\n\n: comment\n\n' + event(b'{"choices":[{}]}') + b"\n\n" + event(b"[DONE]")),
    ],
)  # fmt: skip
def test_a_usage_is_taken_out_of_every_chunk_and_the_chunk_of_the_usage_alone_is_left_out(
    events: bytes, shown: bytes
) -> None:
    assert hide_usage(events) == shown


@given(st.lists(st.text(), max_size=5), st.booleans())
def test_everything_else_stays_as_it_was(texts: list[str], told: bool) -> None:
    chunks = [{"choices": [{"delta": {"content": text}}]} for text in texts]
    written = [event(json.dumps(chunk).encode()) for chunk in chunks]
    with_null = [event(json.dumps({**chunk, "usage": None}).encode()) for chunk in chunks]
    shown = hide_usage(b"".join(with_null if told else written))
    assert [json.loads(block[6:]) for block in shown.split(b"\n\n") if block] == chunks
