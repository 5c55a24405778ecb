"""What Codex CLI 0.171 sends in its second turn, with its words replaced: three models, three sets of tools."""

import json

import pytest

from tests.unit.translation.responses import END, SAMPLES, Json, chat, chunk, events, piece, translated

NAMES = ("namespaces", "freeform", "unknown_model")


def sample(name: str) -> Json:
    found: Json = json.loads((SAMPLES / f"codex_{name}.json").read_text())
    return found


@pytest.mark.parametrize("name", NAMES)
def test_what_codex_sends_becomes_a_chat(name: str) -> None:
    body = chat(sample(name))
    assert [message["role"] for message in body["messages"]] == ["system", "user", "user", "assistant", "tool", "tool"]
    assert [one["function"]["name"] for one in body["messages"][3]["tool_calls"]] == ["exec_command", "apply_patch"]
    assert [message["content"] for message in body["messages"][4:]] == ["one", "two"]
    assert body["messages"][3]["reasoning_content"] == "think"
    assert body["stream_options"] == {"include_usage": True}
    assert body["tool_choice"] == "auto"


@pytest.mark.parametrize(
    ("name", "dropped", "tools"),
    [
        (
            "namespaces",
            {"reasoning.context", "client_metadata", "input[].encrypted_content"},
            ["functions__exec", "functions__wait", "functions__request_user_input"],
        ),
        (
            "freeform",
            {"client_metadata", "tools.web_search", "input[].encrypted_content"},
            ["exec_command", "write_stdin", "request_user_input", "apply_patch"],
        ),
        (
            "unknown_model",
            {"reasoning.summary", "client_metadata", "tools.web_search", "input[].encrypted_content"},
            ["exec_command", "write_stdin", "request_user_input", "view_image", "multi_agent_v1__close_agent"],
        ),
    ],
)
def test_what_a_chat_has_not_is_named(name: str, dropped: set[str], tools: list[str]) -> None:
    assert set(translated(sample(name)).dropped) == dropped
    assert [one["function"]["name"] for one in chat(sample(name))["tools"]][: len(tools)] == tools


def test_codex_gets_back_the_tool_that_it_named() -> None:
    begun = chunk(piece(0, '{"input":"text(1)"}', "call_9", "functions__exec"))
    items = events([begun, *END], sample("namespaces"))[-1]["response"]["output"]
    assert [(one["type"], one["namespace"], one["name"], one["input"]) for one in items] == [
        ("custom_tool_call", "functions", "exec", "text(1)")
    ]
