"""What a refusal says of the API that a deployment offers."""

import json

import pytest

from proxy.azure_api.api_refusals import (
    ApiRefusal,
    find_api_refusal,
    has_functions_and_reasoning,
    is_missing_there,
    refuses_reasoning,
    refuses_stream,
)
from proxy.openai_api.json_body import parse_json_body


def body(message: str, code: str | None = None, param: str | None = None) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "code": code, "param": param}
    return json.dumps({"error": error}).encode()


NO_CHAT = body("The chatCompletion operation does not work with the specified model, gpt-5-codex. Please choose ...")
NO_OPERATION = body("Something new.", "OperationNotSupported")
UNSUPPORTED = body("The requested operation is unsupported. (tid: 1)", "")
OF_OPENAI = body("This model is only supported in v1/responses and not in v1/chat/completions.", None, "model")
NO_TOOLS = body("Function tools with reasoning_effort are not supported for m in /v1/chat/completions.", None, "x")
NO_SEALING = body("Encrypted content is not supported with this model.", None, "include")
NO_EFFORT = body("Unsupported parameter: 'reasoning.effort'.", "unsupported_parameter", "reasoning.effort")
NO_EFFORT_AT_ALL = body("reasoning is not permitted", None, "reasoning")
NO_PARAMETER = body("Unsupported parameter: 'top_p'.", "unsupported_parameter", "top_p")
FILTERED = body("Filtered.", "content_filter", "reasoning")


@pytest.mark.parametrize("said", [NO_CHAT, NO_OPERATION, UNSUPPORTED, OF_OPENAI])
@pytest.mark.parametrize("on_chat", [True, False])
def test_an_operation_that_is_not_offered_is_told_by_code_or_message(said: bytes, *, on_chat: bool) -> None:
    assert find_api_refusal(400, said, on_chat=on_chat) is ApiRefusal.OPERATION
    assert find_api_refusal(404, said, on_chat=on_chat) is ApiRefusal.OPERATION
    assert find_api_refusal(500, said, on_chat=on_chat) is None
    assert find_api_refusal(None, said, on_chat=on_chat) is None


def test_functions_beside_reasoning_are_refused_on_chat() -> None:
    assert find_api_refusal(400, NO_TOOLS, on_chat=True) is ApiRefusal.TOOLS
    assert find_api_refusal(400, NO_TOOLS, on_chat=False) is None


@pytest.mark.parametrize("said", [NO_SEALING, NO_EFFORT, NO_EFFORT_AT_ALL])
def test_what_other_makers_lack_is_refused_on_responses(said: bytes) -> None:
    assert find_api_refusal(400, said, on_chat=False) is ApiRefusal.OTHER_MAKER
    assert find_api_refusal(400, said, on_chat=True) is None


@pytest.mark.parametrize("said", [NO_PARAMETER, FILTERED, b"", b"<html>", b"{}"])
@pytest.mark.parametrize("on_chat", [True, False])
def test_no_other_refusal_is_about_the_api(said: bytes, *, on_chat: bool) -> None:
    assert find_api_refusal(400, said, on_chat=on_chat) is None


@pytest.mark.parametrize(
    "said",
    [
        body("Item with id 'rs_1' not found. Items are not persisted when `store` is set to false.", None, "input"),
        body("Conflicting authenticated continuation identities.", "invalid_value", "input"),
        body("Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item: 'rs_1'."),
        body("Item 'rs_1' of type 'reasoning' was provided without its required following item."),
        body("The encrypted content gAAA...A= could not be verified. Reason: it could not be parsed."),
        body("New words.", "invalid_encrypted_content"),
    ],
)
def test_reasoning_that_cannot_be_read_is_told(said: bytes) -> None:
    assert refuses_reasoning(400, said)
    assert not refuses_reasoning(429, said)
    assert not refuses_reasoning(None, said)


def test_no_other_refusal_is_about_reasoning() -> None:
    assert not refuses_reasoning(400, NO_EFFORT)


def test_what_is_missing_is_told_by_status_or_code() -> None:
    assert is_missing_there(404, b"")
    assert is_missing_there(405, b"")
    assert is_missing_there(400, body("Unknown model: m", "unknown_model"))
    assert not is_missing_there(400, NO_EFFORT)
    assert not is_missing_there(None, b"")


@pytest.mark.parametrize(
    ("body", "is_so"),
    [
        ({}, False),
        ({"tools": []}, False),
        ({"tools": None}, False),
        ({"tools": [{}]}, True),
        ({"functions": [{}], "reasoning_effort": "low"}, True),
        ({"tools": [{}], "reasoning_effort": "none"}, False),
        ({"reasoning_effort": "low"}, False),
    ],
)
def test_functions_meet_reasoning_unless_the_model_is_not_to_reason(body: dict[str, object], *, is_so: bool) -> None:
    assert has_functions_and_reasoning(parse_json_body(json.dumps(body).encode())) is is_so


NO_STREAM = "Unsupported value: 'stream' does not support true with this model. Supported values are: false."


@pytest.mark.parametrize(
    ("status", "said", "is_so"),
    [
        (400, body(NO_STREAM, "unsupported_value", "stream"), True),
        (400, body("Your organization must be verified to stream this model.", "unsupported_value", "stream"), True),
        (400, body(NO_STREAM), True),
        (500, body(NO_STREAM, "unsupported_value", "stream"), False),
        (400, body(NO_STREAM, "content_filter", "stream"), False),
        (400, body("Unsupported parameter: 'stream_options'.", "unsupported_parameter", "stream_options"), False),
        (None, b"", False),
    ],
)
def test_a_model_that_knows_no_streams_says_so(status: int | None, said: bytes, *, is_so: bool) -> None:
    assert refuses_stream(status, said) is is_so
