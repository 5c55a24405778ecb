"""The cost in the usage of a stream, for clients that ask for it."""

import json

import pytest

from proxy.openai_api.cost_in_events import add_costs

CHUNK = {"id": "c", "choices": [], "usage": {"prompt_tokens": 1}}
RESPONSE = {"type": "response.completed", "response": {"id": "r", "usage": {"input_tokens": 1}}}


def event(data: object, name: str = "") -> bytes:
    return (f"event: {name}\n" if name else "").encode() + b"data: " + json.dumps(data).encode() + b"\n\n"


def test_the_usage_of_a_chunk_has_the_cost() -> None:
    seen: list[bytes] = []

    def cost_of(answer: bytes) -> str:
        seen.append(answer)
        return "0.000123"

    text = event({"choices": [{"delta": {"content": "hi"}}]})
    changed = add_costs(text + event(CHUNK) + b"data: [DONE]\n\n", cost_of)
    assert changed.startswith(text)
    assert changed.endswith(b"data: [DONE]\n\n")
    found = json.loads(changed[len(text) :].split(b"\n\n")[0].removeprefix(b"data: "))
    assert found == {**CHUNK, "usage": {"prompt_tokens": 1, "cost_usd": "0.000123"}}
    assert json.loads(seen[0]) == CHUNK


def test_the_usage_in_a_response_has_the_cost_and_the_event_keeps_its_name() -> None:
    changed = add_costs(event(RESPONSE, "response.completed"), lambda _: "1.000000")
    head, data = changed.removesuffix(b"\n\n").split(b"\n")
    assert head == b"event: response.completed"
    usage = json.loads(data.removeprefix(b"data: "))["response"]["usage"]
    assert usage == {"input_tokens": 1, "cost_usd": "1.000000"}


@pytest.mark.parametrize(
    "events",
    [
        b"data: {}\n\n",
        b'data: {"usage":null}\n\n',
        b'data: {"text":"\\"usage\\""}\n\n',
        b'data: {"response":{"usage":null}}\n\n',
        b'data: "usage"\n\n',
        event(CHUNK)[:-1],
    ],
)
def test_events_without_a_usage_stay_as_they_came(events: bytes) -> None:
    assert add_costs(events, lambda _: "1.000000") == events


def test_what_has_no_cost_stays_as_it_came() -> None:
    assert add_costs(event(CHUNK), lambda _: None) == event(CHUNK)
