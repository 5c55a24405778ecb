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


MESSAGE: Json = {"type": "string", "description": "A task.", "encrypted": True}
SPAWN: Json = {
    "type": "namespace",
    "name": "collaboration",
    "description": "Agents.",
    "tools": [
        {
            "type": "function",
            "name": "spawn_agent",
            "parameters": {"type": "object", "properties": {"message": MESSAGE}},
        },
        {
            "type": "function",
            "name": "wait_agent",
            "parameters": {"type": "object", "properties": {"encrypted": MESSAGE}},
        },
        {"type": "function", "name": "list_agents", "parameters": {"type": "object", "properties": {"encrypted": {}}}},
        {
            "type": "function",
            "name": "odd",
            "parameters": {"properties": ["encrypted"]},
        },
    ],
}


def agent_message(*content: Json) -> Json:
    return {"type": "agent_message", "author": "/root", "recipient": "/root/list", "content": list(content)}


def test_a_message_of_another_agent_is_one_of_the_user() -> None:
    task = {"type": "input_text", "text": "Message Type: NEW_TASK\nSender: /root\nPayload:\n"}
    sealed = {"type": "encrypted_content", "encrypted_content": "gAAAAABqPQ=="}
    plain = {"type": "encrypted_content", "encrypted_content": "List the files."}
    body = {"input": [agent_message(task, plain), agent_message(task, sealed), agent_message(sealed)]}
    assert chat(body)["messages"] == [
        {"role": "user", "content": f"{task['text']}\n\nList the files."},
        {"role": "user", "content": task["text"]},
    ]
    assert set(translated(body).dropped) == {
        *("input[].author", "input[].recipient"),
        "input[].content[].encrypted_content",
    }


@pytest.mark.parametrize(("content", "messages"), [(None, []), ("Done.", [{"role": "user", "content": "Done."}])])
def test_a_message_of_another_agent_may_have_no_parts(content: object, messages: list[Json]) -> None:
    item = {"type": "agent_message", "content": content}
    first = {"role": "user", "content": "Hi"}
    assert chat({"input": [first, item]})["messages"] == [first, *messages]


@pytest.mark.parametrize(
    ("name", "is_plain"), [("spawn_agent", True), ("wait_agent", True), ("list_agents", False), ("odd", False)]
)
def test_codex_reads_that_a_message_to_an_agent_is_not_sealed(name: str, is_plain: bool) -> None:
    begun = chunk(piece(0, '{"message":"List."}', "call_9", f"collaboration__{name}"))
    found = events([begun, *END], {"stream": True, "tools": [SPAWN]})
    items = [event["item"] for event in found if "item" in event] + found[-1]["response"]["output"]
    assert [item.get("encrypted_function_args") for item in items] == [[] if is_plain else None] * 3
