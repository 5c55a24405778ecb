"""Responses in which any one member is of another shape: the client reads a whole answer or an error, never a crash."""

import json
from collections.abc import Iterator

import pytest

from proxy.errors import ProxyError
from tests.unit.azure_api.readers import whole
from tests.unit.exhaustive import EXHAUSTIVE
from tests.unit.translation.chats import (
    CITATION,
    Json,
    ask,
    ask_with,
    called,
    customly_called,
    events,
    play,
    reasoned,
    refused,
    response,
    said,
)

VALUES: list[object] = [None, 5, True, "", "x", [], {}, [5], [{}], {"a": 1}]
OPTIONS: Json = {"with_details": True, "keep_filters": True}
ASKS: dict[str, Json] = {
    "plain": {},
    "stop": {"stop": ["END"], "stream_options": {"include_usage": True}},
    "functions": {"functions": [{"name": "look"}], "reasoning": {"summary": "auto"}, "logprobs": True},
}


def sample() -> Json:
    one = said("Hello")
    one["content"][0]["annotations"] = [CITATION]
    one["content"][0]["logprobs"] = [
        {"token": "Hello", "logprob": -1.0, "top_logprobs": [{"token": "a", "logprob": 0}]}
    ]
    filters = [{"source_type": "prompt", "content_filter_results": {"hate": {}}}]
    output = [reasoned(1, "Why."), one, refused("No."), said("a END b"), called("a"), customly_called("b", "x")]
    return response(*output, content_filters=filters, service_tier="default")


def variants(value: object) -> Iterator[object]:
    """Yield a value with each of its members in turn left out and of each other shape."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield {other: kept for other, kept in value.items() if other != name}
            yield from ({**value, name: odd} for odd in VALUES)
            yield from ({**value, name: odd} for odd in variants(member))
    elif isinstance(value, list):
        for n, member in enumerate(value):
            yield from ([*value[:n], odd, *value[n + 1 :]] for odd in (5, *variants(member)))


@pytest.mark.parametrize("asked", ASKS)
def test_an_answer_of_any_shape_is_an_answer_or_an_error(asked: str) -> None:
    reader = ask_with(OPTIONS, **ASKS[asked]).reader
    for odd in variants(sample()):
        try:
            read = json.loads(reader.answer(json.dumps(odd).encode()))
        except ProxyError:
            continue
        assert read["choices"][0]["finish_reason"]


@EXHAUSTIVE
@pytest.mark.parametrize("asked", ASKS)
def test_a_stream_with_an_event_of_any_shape_ends_as_a_stream_does(asked: str) -> None:
    request = ask_with(OPTIONS, stream=True, **ASKS[asked])
    blocks = events(sample()).split(b"\n\n")[:-1]
    for n, block in enumerate(blocks):
        head, mark, data = block.partition(b"data: ")
        for odd in variants(json.loads(data)):
            if isinstance(odd, dict) and odd.get("type") == json.loads(data)["type"]:
                changed = head + mark + json.dumps(odd).encode()
                whole(play([b"\n\n".join([*blocks[:n], changed, *blocks[n + 1 :], b""])], request, keep_filters=True))


def test_a_text_that_is_null_is_an_empty_one() -> None:
    one = said("a")
    one["content"][0]["text"] = None
    raw = ask().reader.answer(json.dumps(response(one, said("b"))).encode())
    assert json.loads(raw)["choices"][0]["message"]["content"] == "b"
