"""The most tokens of an answer, read from a call and written into it as its operation has it."""

import json

import pytest

from proxy.azure_api.output_limit import output_bound, with_output_limit
from proxy.azure_api.request import Call, parse_call
from proxy.openai_api.operations import OPERATIONS
from proxy.openai_api.router import Route

ROWS = {row.name: row for row in OPERATIONS}
CHAT, COMPLETION, RESPONSE = "createChatCompletion", "createCompletion", "createResponse"
SECRET, SESSION, RUN = "create-realtime-client-secret", "create-realtime-session", "createRun"


def call(operation: str, **members: object) -> Call:
    parameters = ("thread_x",) if operation == RUN else ()
    return parse_call(Route(operation=ROWS[operation], parameters=parameters), json.dumps(members).encode())


def limited(operation: str, limit: int, **members: object) -> dict[str, object]:
    """Return the members of a limited call."""
    found = with_output_limit(call(operation, **members), limit)
    assert found.document is not None
    assert found.raw == found.document.raw
    read = json.loads(found.raw)
    assert isinstance(read, dict)
    return read


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        (CHAT, {"model": "m"}, {"model": "m", "max_completion_tokens": 100}),
        (CHAT, {"model": "m", "max_tokens": 500}, {"model": "m", "max_tokens": 100}),
        (CHAT, {"model": "m", "max_tokens": 50}, {"model": "m", "max_tokens": 50}),
        (CHAT, {"model": "m", "max_tokens": None}, {"model": "m", "max_tokens": None, "max_completion_tokens": 100}),
        (CHAT, {"model": "m", "max_tokens": 500, "max_completion_tokens": 50},
         {"model": "m", "max_tokens": 100, "max_completion_tokens": 50}),
        (CHAT, {"model": "m", "max_tokens": 1e9}, {"model": "m", "max_tokens": 100}),
        (CHAT, {"model": "m", "max_tokens": 10**20}, {"model": "m", "max_tokens": 100}),
        (COMPLETION, {"model": "m"}, {"model": "m"}),
        (COMPLETION, {"model": "m", "max_tokens": 500}, {"model": "m", "max_tokens": 100}),
        (RESPONSE, {"model": "m"}, {"model": "m", "max_output_tokens": 100}),
        (RESPONSE, {"model": "m", "max_output_tokens": 500}, {"model": "m", "max_output_tokens": 100}),
        (RUN, {"model": "m"}, {"model": "m", "max_completion_tokens": 100}),
        (SESSION, {"model": "m", "max_response_output_tokens": "inf"},
         {"model": "m", "max_response_output_tokens": 100}),
        (SECRET, {"session": {"type": "realtime"}}, {"session": {"type": "realtime", "max_output_tokens": 100}}),
        (SECRET, {}, {"session": {"max_output_tokens": 100}}),
        (SECRET, {"session": {"type": "transcription"}}, {"session": {"type": "transcription"}}),
        ("createEmbedding", {"model": "m"}, {"model": "m"}),
    ],
)  # fmt: skip
def test_a_bound_above_the_limit_is_lowered_and_a_missing_one_is_written(
    operation: str, members: dict[str, object], expected: dict[str, object]
) -> None:
    assert limited(operation, 100, **members) == expected


def test_a_limit_below_what_azure_takes_by_default_is_written() -> None:
    assert limited(COMPLETION, 10, model="m") == {"model": "m", "max_tokens": 10}


def test_a_call_that_needs_no_change_is_the_same() -> None:
    bounded = call(CHAT, model="m", max_tokens=5)
    assert with_output_limit(bounded, 100) is bounded
    unread = Call(route=Route(operation=ROWS["createTranscription"]))
    assert with_output_limit(unread, 100) is unread


@pytest.mark.parametrize(
    ("operation", "members", "bound"),
    [
        (CHAT, {"model": "m"}, None),
        (CHAT, {"model": "m", "max_tokens": 50}, 50),
        (CHAT, {"model": "m", "max_tokens": 50, "n": 3}, 150),
        (CHAT, {"model": "m", "max_tokens": 50, "max_completion_tokens": 40}, 50),
        (CHAT, {"model": "m", "max_tokens": "many"}, None),
        (COMPLETION, {"model": "m", "prompt": ["a", "b"]}, 32),
        (RESPONSE, {"model": "m", "max_output_tokens": 7}, 7),
        (SECRET, {"session": {"type": "transcription"}}, None),
        ("createEmbedding", {"model": "m"}, None),
    ],
)
def test_the_bound_of_a_call_is_that_of_all_its_answers(
    operation: str, members: dict[str, object], bound: int | None
) -> None:
    assert output_bound(call(operation, **members)) == bound
