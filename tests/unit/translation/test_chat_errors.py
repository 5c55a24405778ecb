"""Errors that name the client's parameter."""

import pytest

from proxy.errors import AzureRefusal, UpstreamError
from tests.unit.translation.chats import Json, ask

LOOK: Json = {"name": "look", "parameters": {}}
CALL: Json = {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
CUSTOM: Json = {"id": "b", "type": "custom", "custom": {"name": "say", "input": "x"}}
MESSAGES: list[Json] = [
    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]},
    {"role": "assistant", "content": "I look.", "tool_calls": [CALL, CUSTOM]},
    {"role": "tool", "tool_call_id": "a", "content": "x"},
    {"role": "assistant", "function_call": {"name": "look", "arguments": "{}"}},
]
ASKED: Json = {
    "messages": MESSAGES,
    "max_tokens": 5,
    "tools": [
        {"type": "function", "function": LOOK},
        {
            "type": "custom",
            "custom": {"name": "say", "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}},
        },
    ],
    "functions": [LOOK],
    "function_call": "auto",
}


def refusal(message: str, param: str | None = None, code: str | None = "invalid_value") -> AzureRefusal:
    return AzureRefusal(message, status=400, type="invalid_request_error", code=code, param=param)


def param(name: str | None, **members: object) -> str | None:
    """Return the client's parameter for Azure's, twice translated."""
    reader = ask(**{**ASKED, **members}).reader
    return reader.error(reader.error(refusal("No.", name))).param


def test_an_error_about_the_effort_names_the_member_that_had_it() -> None:
    assert param("reasoning.effort", reasoning={"effort": "max"}) == "reasoning.effort"
    assert param("reasoning.effort", reasoning={"effort": "max"}, reasoning_effort="low") == "reasoning_effort"
    assert param("reasoning.effort", reasoning={"summary": "auto"}) == "reasoning_effort"


def test_an_error_about_probabilities_names_them() -> None:
    assert param("include", logprobs=True) == "logprobs"
    assert param("include", logprobs=False) is None
    assert param("top_logprobs", logprobs=True) == "top_logprobs"


@pytest.mark.parametrize(
    ("azure", "client"),
    [
        (None, None),
        ("model", "model"),
        ("temperature", "temperature"),
        ("max_output_tokens", "max_tokens"),
        ("tool_choice", "function_call"),
        ("reasoning.effort", "reasoning_effort"),
        ("reasoning.summary", "reasoning.summary"),
        ("text", "response_format"),
        ("text.verbosity", "verbosity"),
        ("text.format", "response_format"),
        ("text.format.schema", "response_format.json_schema.schema"),
        ("include", None),
        ("store", None),
        ("input", "messages"),
        ("input[0]", "messages[0]"),
        ("input[0].content[0].image_url", "messages[0].content[0].image_url"),
        ("input[1].content", "messages[1].content"),
        ("input[2].name", "messages[1].tool_calls[0].function.name"),
        ("input[2].arguments", "messages[1].tool_calls[0].function.arguments"),
        ("input[2].call_id", "messages[1].tool_calls[0].id"),
        ("input[2].type", "messages[1].tool_calls[0]"),
        ("input[3].input", "messages[1].tool_calls[1].custom.input"),
        ("input[4].output", "messages[2].content"),
        ("input[4].output[0]", "messages[2]"),
        ("input[4].call_id", "messages[2].tool_call_id"),
        ("input[5].arguments", "messages[3].function_call.arguments"),
        ("input[9].content", "messages"),
        ("tools", "tools"),
        ("tools[0]", "tools[0]"),
        ("tools[0].type", "tools[0].type"),
        ("tools[0].parameters", "tools[0].function.parameters"),
        ("tools[1].name", "tools[1].custom.name"),
        ("tools[1].format.definition", "tools[1].custom.format.grammar.definition"),
        ("tools[1].format", "tools[1].custom.format"),
        ("tools[2].name", "functions[0].name"),
    ],
)
def test_an_error_names_the_parameter_that_the_client_sent(azure: str | None, client: str | None) -> None:
    assert param(azure) == client


def test_a_choice_among_tools_keeps_its_name() -> None:
    assert param("tool_choice", function_call=None, tool_choice="auto") == "tool_choice"
    assert param("max_output_tokens", max_completion_tokens=9) == "max_completion_tokens"


@pytest.mark.parametrize(
    ("azure", "client"),
    [
        ("Invalid 'max_output_tokens': integer below minimum.", "Invalid 'max_tokens': integer below minimum."),
        ("Invalid 'input[1].content': too long.", "Invalid 'messages[1].content': too long."),
        ("See input[0]. Then input[9].", "See messages[0]. Then messages."),
        ("Missing 'input' or `input`, no input.", "Missing 'messages' or `messages`, no input."),
        ("Invalid schema for text.format.schema.", "Invalid schema for response_format.json_schema.schema."),
        ("Unsupported value: 'reasoning.effort'.", "Unsupported value: 'reasoning_effort'."),
        ("Invalid 'tools[0].name'.", "Invalid 'tools[0].function.name'."),
    ],
)
def test_so_does_its_message(azure: str, client: str) -> None:
    assert ask(**ASKED).reader.error(refusal(azure)).message == client


def test_a_blocked_prompt_looks_as_it_does_in_a_chat() -> None:
    error = ask().reader.error(refusal("The response was filtered.", code="content_filter"))
    assert (error.param, error.code) == ("prompt", "content_filter")


def test_errors_that_are_not_azures_stay_as_they_are() -> None:
    error = UpstreamError("No input[0].", param="input")
    assert ask().reader.error(error) is error
    assert (error.message, error.param) == ("No input[0].", "input")
