"""Errors of a chat with the names that the client of a response knows."""

import pytest

from proxy.errors import AzureRefusal
from tests.unit.translation.responses import FUNCTION, PATCH, call, output, translated, user

BODY = {
    "instructions": "Be brief.",
    "input": [user("Hi"), call("a"), call("b"), output("a"), output("b"), user("And?")],
    "tools": [{"type": "web_search"}, FUNCTION, {"type": "namespace", "name": "n", "tools": [PATCH]}],
}


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("max_tokens", "max_output_tokens"),
        ("max_completion_tokens", "max_output_tokens"),
        ("response_format", "text.format"),
        ("response_format.json_schema.name", "text.format.name"),
        ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
        ("messages", "input"),
        ("messages[0].content", "instructions"),
        ("messages[1].content[0].image_url", "input[0]"),
        ("messages[2].tool_calls[0].id", "input[1]"),
        ("messages.[3].role", "input[1]"),
        ("messages.5.role", "input[5]"),
        ("messages[9]", "input"),
        ("tools[0].function.parameters", "tools[1].parameters"),
        ("tools[1].function.name", "tools[2].tools[0].name"),
        ("tools[7]", "tools"),
        ("temperature", "temperature"),
        (None, None),
    ],
)
def test_an_error_names_the_clients_parameter(named: str | None, expected: str | None) -> None:
    message = f"Invalid value: '{named}' and temperature."
    error = AzureRefusal(message, status=400, type="invalid_request_error", code="invalid_value", param=named)
    found = translated(BODY).reader.error(error)
    assert found.param == expected
    assert found.message == f"Invalid value: '{expected}' and temperature."
    assert (found.status, found.code) == (400, "invalid_value")
