"""The tools of a response, and the choice among them, as functions of a chat."""

import re

import pytest

from proxy.errors import InvalidRequest
from tests.unit.translation.responses import FUNCTION, PATCH, Json, answer, call, chat, translated, user

SEARCH: Json = {"type": "tool_search", "execution": "client", "description": "Finds.", "parameters": {"type": "object"}}
AGENTS: Json = {
    "type": "namespace",
    "name": "agents",
    "description": "Of agents.",
    "tools": [{**FUNCTION, "description": "Looks."}, {**PATCH, "name": "write"}, {"type": "function", "name": "stop"}],
}
WEB: Json = {"type": "web_search", "external_web_access": True}


def functions(*tools: object, **members: object) -> list[Json]:
    found: list[Json] = chat({"tools": tools, **members})["tools"]
    assert all(one["type"] == "function" for one in found)
    return [one["function"] for one in found]


def names(*tools: object, **members: object) -> list[str]:
    return [one["name"] for one in functions(*tools, **members)]


def test_a_description_that_is_too_long_for_a_chat_goes_on_in_the_instructions() -> None:
    long, fits = "d" * 1025, "é" * 1024
    tools: list[Json] = [{**FUNCTION, "description": long}, {**FUNCTION, "name": "fits", "description": fits}]
    body: Json = {"tools": tools, "instructions": "Be brief."}
    sent = chat(body, is_openai=True)
    short = sent["tools"][0]["function"]["description"]
    assert len(short) == 1024
    assert short.startswith("ddd")
    assert short.endswith("… (the whole description is in the instructions)")
    assert sent["tools"][1]["function"]["description"] == fits
    told = f"Description of the function look:\n\n{long}"
    assert sent["messages"][0] == {"role": "system", "content": f"Be brief.\n\n{told}"}
    assert chat({"tools": tools}, is_openai=True)["messages"] == [
        {"role": "system", "content": told},
        {"role": "user", "content": "Hi"},
    ]
    assert chat(body)["tools"][0]["function"]["description"] == long
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "fits"}]}
    assert chat({**body, "tool_choice": allowed}, is_openai=True)["messages"][0]["content"] == "Be brief."
    with pytest.raises(InvalidRequest):
        chat({"tools": tools, "input": []}, is_openai=True)


def test_a_custom_tool_with_a_long_grammar_keeps_it() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: " + "x" * 1100}
    sent = chat({"tools": [{**PATCH, "format": grammar}], "input": [user("Hi")]}, is_openai=True)
    assert len(sent["tools"][0]["function"]["description"]) == 1024
    assert grammar["definition"] in sent["messages"][0]["content"]


def test_the_last_of_two_tools_with_one_name_is_described() -> None:
    tools = [{**FUNCTION, "description": "d" * 2000}, {**FUNCTION, "description": "short"}]
    sent = chat({"tools": tools}, is_openai=True)
    assert (sent["tools"][0]["function"]["description"], len(sent["messages"])) == ("short", 1)


def test_a_function_keeps_what_it_is_and_is_strict_only_where_it_says_so() -> None:
    parameters = {"type": "object", "properties": {"at": {"type": "number", "maximum": 1.50}}}
    strict = {**FUNCTION, "description": "Looks.", "parameters": parameters, "strict": True}
    assert functions(strict) == [{"name": "look", "parameters": parameters, "description": "Looks.", "strict": True}]
    assert functions({**FUNCTION, "strict": False}) == [{"name": "look", "parameters": FUNCTION["parameters"]}]


@pytest.mark.parametrize(
    "tool", [{"type": "function", "name": "f"}, {"type": "function", "name": "f", "parameters": None}]
)
def test_a_function_without_parameters_takes_an_empty_object(tool: Json) -> None:
    assert functions(tool) == [{"name": "f", "parameters": {"type": "object", "properties": {}}}]


def test_a_custom_tool_is_a_function_with_its_grammar_in_the_description() -> None:
    parameters = {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }
    how = "Write the text, as it is and whole, into `input`, the only member of the arguments."
    assert functions(PATCH, {"type": "custom", "name": "run", "format": {"type": "text"}}) == [
        {
            "name": "apply_patch",
            "parameters": parameters,
            "description": f"Edits files.\n\nThe text must match this lark grammar:\nstart: /.+/\n\n{how}",
        },
        {"name": "run", "parameters": parameters, "description": how},
    ]


def test_the_tools_of_a_namespace_have_its_name_in_front_and_come_back_with_it() -> None:
    found = functions(AGENTS)
    assert [one["name"] for one in found] == ["agents__look", "agents__write", "agents__stop"]
    assert found[0]["description"] == "Of agents.\n\nLooks."
    called = ("agents__look", "agents__write", "look")
    calls = [
        {"id": name, "type": "function", "function": {"name": name, "arguments": '{"input":"x"}'}} for name in called
    ]
    items = answer({"content": None, "tool_calls": calls}, "tool_calls", {"tools": [AGENTS]})["output"]
    assert [(one["type"], one["name"], one.get("namespace")) for one in items] == [
        ("function_call", "look", "agents"),
        ("custom_tool_call", "write", "agents"),
        ("function_call", "look", None),
    ]
    assert items[1]["input"] == "x"


def test_a_namespace_whose_first_tool_says_nothing_says_it_for_it() -> None:
    assert functions({**AGENTS, "tools": [FUNCTION]})[0]["description"] == "Of agents."


def test_names_that_a_chat_refuses_are_replaced_and_come_back() -> None:
    long, dotted = "n" * 100, {"type": "function", "name": "a.b"}
    found = names(
        {"type": "function", "name": long}, dotted, {"type": "function", "name": "a_b"}, {**PATCH, "name": "a_b"}
    )
    assert len(set(found)) == 4
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", name) for name in found)
    assert found[2] == "a_b"
    tool_calls = [{"id": "c", "type": "function", "function": {"name": found[0], "arguments": "{}"}}]
    item = answer({"tool_calls": tool_calls}, "tool_calls", {"tools": [{"type": "function", "name": long}]})["output"][
        0
    ]
    assert item["name"] == long


def test_a_past_call_names_the_same_function_as_its_tool() -> None:
    body = {"tools": [AGENTS], "input": [user("Hi"), call("a", "look", namespace="agents"), call("b", "other")]}
    calls = chat(body)["messages"][1]["tool_calls"]
    assert [one["function"]["name"] for one in calls] == ["agents__look", "other"]


def test_additional_tools_join_the_others_and_the_last_of_a_name_counts() -> None:
    items = [{"type": "additional_tools", "role": "developer", "tools": [AGENTS, {**FUNCTION, "description": "New."}]}]
    found = functions(FUNCTION, input=[*items, user("Hi")])
    assert [one["name"] for one in found] == ["look", "agents__look", "agents__write", "agents__stop"]
    assert found[0]["description"] == "New."


def test_a_search_for_tools_that_the_client_runs_is_a_function() -> None:
    assert functions(SEARCH) == [{"name": "tool_search", "parameters": {"type": "object"}, "description": "Finds."}]
    assert names({**SEARCH, "parameters": None}, {**FUNCTION, "name": "tool_search"})[0] == "tool_search"
    tool_calls = [{"id": "c", "type": "function", "function": {"name": "tool_search", "arguments": '{"query":"x"}'}}]
    item = answer({"tool_calls": tool_calls}, "tool_calls", {"tools": [SEARCH]})["output"][0]
    assert item == {
        "id": item["id"],
        "type": "tool_search_call",
        "status": "completed",
        "call_id": "c",
        "execution": "client",
        "arguments": {"query": "x"},
    }
    tool_calls[0]["function"] = {"name": "tool_search", "arguments": "no JSON"}
    assert answer({"tool_calls": tool_calls}, "tool_calls", {"tools": [SEARCH]})["output"][0]["arguments"] == {}


def test_hosted_tools_that_are_only_offered_are_left_out_and_named() -> None:
    hosted = [WEB, {"type": "local_shell"}, {"type": "tool_search"}, {"type": "code_interpreter", "container": "c"}]
    request = translated({"tools": [FUNCTION, *hosted], "parallel_tool_calls": True})
    assert request.dropped == ("tools.web_search", "tools.local_shell", "tools.tool_search", "tools.code_interpreter")
    body = chat({"tools": hosted, "tool_choice": "auto", "parallel_tool_calls": True})
    assert not {"tools", "tool_choice", "parallel_tool_calls"} & body.keys()
    assert chat({"tools": [FUNCTION], "parallel_tool_calls": False})["parallel_tool_calls"] is False


def test_other_members_of_a_tool_are_named() -> None:
    tool = {**FUNCTION, "output_schema": {"type": "object"}, "defer_loading": False, "allowed_callers": None}
    assert translated({"tools": [tool]}).dropped == ("tools[].output_schema",)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", "auto"),
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "name": "look"}, {"type": "function", "function": {"name": "look"}}),
        ({"type": "custom", "name": "apply_patch"}, {"type": "function", "function": {"name": "apply_patch"}}),
        ({"type": "tool_search"}, {"type": "function", "function": {"name": "tool_search"}}),
        (
            {"type": "function", "name": "stop", "namespace": "agents"},
            {"type": "function", "function": {"name": "agents__stop"}},
        ),
    ],
)
def test_a_choice_names_the_function(choice: object, expected: object) -> None:
    assert chat({"tools": [FUNCTION, PATCH, AGENTS, SEARCH], "tool_choice": choice})["tool_choice"] == expected


def test_of_tools_only_the_allowed_ones_are_offered() -> None:
    allowed = [{"type": "function", "name": "look"}, {"type": "custom", "name": "apply_patch"}, {"type": "web_search"}]
    body = {
        "tools": [FUNCTION, PATCH, AGENTS, WEB],
        "tool_choice": {"type": "allowed_tools", "mode": "required", "tools": allowed},
    }
    assert [one["function"]["name"] for one in chat(body)["tools"]] == ["look", "apply_patch"]
    assert chat(body)["tool_choice"] == "required"
    assert translated(body).dropped == ("tools.web_search", "tool_choice.web_search")


@pytest.mark.parametrize(
    ("tools", "choice"),
    [
        ([FUNCTION, WEB], {"type": "web_search"}),
        ([FUNCTION], {"type": "function", "name": "other"}),
        ([FUNCTION], {"type": "mcp", "server_label": "s"}),
        ([FUNCTION], {"type": "shell"}),
        ([FUNCTION], "sometimes"),
        ([WEB], "required"),
        ([FUNCTION, WEB], {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}]}),
    ],
)
def test_a_choice_of_what_a_chat_has_not_is_refused(tools: list[Json], choice: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        translated({"tools": tools, "tool_choice": choice})
    assert (caught.value.param, caught.value.code) == ("tool_choice", "invalid_value")


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ({}, "tools"),
        ([1], "tools[0]"),
        ([{"name": "f"}], "tools[0].type"),
        ([{"type": "function", "function": {"name": "f"}}], "tools[0].name"),
        (
            [FUNCTION, {"type": "namespace", "name": "n", "tools": [FUNCTION, {"type": "custom"}]}],
            "tools[1].tools[1].name",
        ),
    ],
)
def test_a_tool_that_is_none_is_refused_by_its_place(tools: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        translated({"tools": tools})
    assert caught.value.param == param
