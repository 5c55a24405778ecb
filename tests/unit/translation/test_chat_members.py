"""The members of a chat completion request as those of a response."""

import pytest

from proxy.errors import InvalidRequest
from proxy.translation.chat_on_responses.members import MEMBERS, Fate
from tests.unit.translation.chats import ASK, Json, ask, ask_with, body

PLAIN: Json = {"type": "message", "role": "user", "content": "Hi"}
LOOK: Json = {"name": "look", "description": "Looks.", "parameters": {"type": "object", "properties": {}}}
FLAT: Json = {"type": "function", "strict": False, **LOOK}
FUNCTION: Json = {"type": "function", "function": LOOK}
SCHEMA: Json = {"name": "s", "description": "d", "schema": {"type": "object"}}


def sent(**members: object) -> Json:
    """Return what is sent for some members, without what every request has."""
    found = body(ask(**members))
    assert found.pop("input") == [PLAIN]
    assert found.pop("model") == ASK["model"]
    assert found.pop("store") is False
    return found


def test_a_plain_request_is_never_stored() -> None:
    assert body(ask()) == {"model": "gpt-5-codex", "input": [PLAIN], "store": False}


SAME = {name for name, row in MEMBERS.items() if row.fate is Fate.SENT and name != "model"}


@pytest.mark.parametrize("name", sorted(SAME | {"someone_elses", "truncation", "max_tool_calls"}))
def test_members_that_mean_the_same_are_sent_as_they_came(name: str) -> None:
    request = ask(**{name: {"any": [1.50, None]}})
    assert sent(**{name: {"any": [1.50, None]}}) == {name: {"any": [1.5, None]}}
    assert (request.dropped, request.changed) == ((), {})
    assert sent(**{name: None}) == ({} if name in MEMBERS else {name: None})


@pytest.mark.parametrize("name", sorted(name for name, row in MEMBERS.items() if row.fate is Fate.REFUSED))
def test_what_responses_cannot_do_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(**{name: {"any": 1}})
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, name, "unsupported_parameter")
    assert sent(**{name: None}) == {}


@pytest.mark.parametrize(
    "name", sorted(name for name, row in MEMBERS.items() if row.fate is Fate.DROPPED and name != "store")
)
def test_what_only_tunes_is_left_out_and_named(name: str) -> None:
    assert sent(**{name: 1}) == {}
    assert ask(**{name: 1}).dropped == (name,)
    assert ask(**{name: None}).dropped == ()


@pytest.mark.parametrize(("store", "dropped"), [(True, ("store",)), (False, ()), (None, ())])
def test_a_wish_to_store_is_named(store: object, dropped: tuple[str, ...]) -> None:
    assert sent(store=store) == {}
    assert ask(store=store).dropped == dropped


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
@pytest.mark.parametrize(
    ("value", "bound", "changed"),
    [(16, 16, None), (4000, 4000, None), (1, 16, "16"), (15, 16, "16"), (0, 0, None), (-1, -1, None), ("x", "x", None)],
)
def test_a_bound_is_raised_to_what_azure_takes(name: str, value: object, bound: object, changed: str | None) -> None:
    assert sent(**{name: value}) == {"max_output_tokens": bound}
    assert ask(**{name: value}).changed == ({name: changed} if changed else {})


def test_the_newer_bound_counts_and_the_older_one_is_named() -> None:
    request = ask(max_tokens=100, max_completion_tokens=200)
    assert body(request)["max_output_tokens"] == 200
    assert request.dropped == ("max_tokens",)
    assert sent(max_tokens=100, max_completion_tokens=None) == {"max_output_tokens": 100}


def test_effort_and_verbosity_go_into_their_objects() -> None:
    assert sent(reasoning_effort="low", verbosity="high") == {
        "reasoning": {"effort": "low"},
        "text": {"verbosity": "high"},
    }


@pytest.mark.parametrize("order", [("reasoning_effort", "reasoning"), ("reasoning", "reasoning_effort")])
def test_a_summary_can_be_asked_for_beside_the_effort(order: tuple[str, str]) -> None:
    given = {"reasoning": {"summary": "auto", "effort": "high"}, "reasoning_effort": "low"}
    assert sent(**{name: given[name] for name in order}) == {"reasoning": {"summary": "auto", "effort": "low"}}


def test_a_model_that_reasons_is_asked_for_its_encrypted_reasoning() -> None:
    assert body(ask_with({"reasons": True}))["include"] == ["reasoning.encrypted_content"]
    both = body(ask_with({"reasons": True}, logprobs=True, top_logprobs=2))
    assert both["include"] == ["message.output_text.logprobs", "reasoning.encrypted_content"]
    assert both["top_logprobs"] == 2


def test_probabilities_that_are_not_wanted_are_not_asked_for() -> None:
    assert sent(logprobs=False) == {}


@pytest.mark.parametrize(
    ("form", "flat"),
    [
        ({"type": "text"}, {"type": "text"}),
        ({"type": "json_object"}, {"type": "json_object"}),
        ({"type": "json_schema", "json_schema": SCHEMA}, {"type": "json_schema", "strict": False, **SCHEMA}),
        (
            {"type": "json_schema", "json_schema": {"name": "s", "strict": True, "description": None}},
            {"type": "json_schema", "name": "s", "strict": True, "schema": {}},
        ),
        (
            {"type": "json_schema", "json_schema": {**SCHEMA, "more": 1}},
            {"type": "json_schema", "strict": False, **SCHEMA, "more": 1},
        ),
    ],
)
def test_a_form_of_the_answer_is_one_level_higher(form: Json, flat: Json) -> None:
    # https://github.com/BerriAI/litellm/pull/16844
    assert sent(response_format=form) == {"text": {"format": flat}}


@pytest.mark.parametrize(
    ("tool", "flat"),
    [
        (FUNCTION, FLAT),
        ({"type": "function", "function": {**LOOK, "strict": True}}, {**FLAT, "strict": True}),
        ({"type": "function", "function": {**LOOK, "strict": None}}, FLAT),
        (
            {"type": "function", "function": {"name": "now", "parameters": None}},
            {"type": "function", "name": "now", "strict": False, "parameters": {"type": "object", "properties": {}}},
        ),
        ({"type": "custom", "custom": {"name": "say"}}, {"type": "custom", "name": "say"}),
        ({"type": "custom", "custom": {"name": "say", "format": None}}, {"type": "custom", "name": "say"}),
        (
            {"type": "custom", "custom": {"name": "say", "format": {"type": "text"}}},
            {"type": "custom", "name": "say", "format": {"type": "text"}},
        ),
        (
            {
                "type": "custom",
                "custom": {
                    "name": "say",
                    "description": "d",
                    "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: A"}},
                },
            },
            {
                "type": "custom",
                "name": "say",
                "description": "d",
                "format": {"type": "grammar", "syntax": "lark", "definition": "start: A"},
            },
        ),
    ],
)
def test_tools_are_flat_and_say_whether_they_are_strict(tool: Json, flat: Json) -> None:
    assert sent(tools=[tool]) == {"tools": [flat]}


def test_an_empty_list_of_tools_is_none() -> None:
    assert sent(tools=[]) == {}


def test_what_only_one_client_adds_to_a_tool_is_named() -> None:
    assert ask(tools=[{**FUNCTION, "cache_control": {}}]).dropped == ("tools[].cache_control",)


@pytest.mark.parametrize(
    ("choice", "flat"),
    [
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "function": {"name": "look"}}, {"type": "function", "name": "look"}),
        ({"type": "custom", "custom": {"name": "say"}}, {"type": "custom", "name": "say"}),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "look"}}]},
            },
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "look"}]},
        ),
    ],
)
def test_the_choice_among_tools_is_flat(choice: object, flat: object) -> None:
    assert sent(tool_choice=choice) == {"tool_choice": flat}


def test_what_a_choice_has_beside_its_name_is_named() -> None:
    odd = {"type": "function", "function": {"name": "look", "why": 1}, "more": 1}
    assert ask(tool_choice=odd).dropped == ("tool_choice.more", "tool_choice.function.why")
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}, "more": 1}
    assert ask(tool_choice=allowed).dropped == ("tool_choice.more",)


def test_functions_of_before_there_were_tools_are_called_one_at_a_time() -> None:
    assert sent(functions=[LOOK], function_call={"name": "look"}) == {
        "tools": [FLAT],
        "tool_choice": {"type": "function", "name": "look"},
        "parallel_tool_calls": False,
    }
    assert sent(functions=[LOOK], function_call="auto")["tool_choice"] == "auto"
    assert sent(functions=[LOOK], tools=[FUNCTION], parallel_tool_calls=True) == {
        "tools": [FLAT, FLAT],
        "parallel_tool_calls": True,
    }


def test_the_newer_choice_counts_and_the_older_one_is_named() -> None:
    request = ask(functions=[LOOK], function_call="auto", tool_choice="none")
    assert body(request)["tool_choice"] == "none"
    assert request.dropped == ("function_call",)


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"include_usage": True}, {}),
        ({"include_usage": True, "include_obfuscation": False}, {"stream_options": {"include_obfuscation": False}}),
    ],
)
def test_the_wish_for_usage_is_answered_by_the_proxy(options: Json, left: Json) -> None:
    assert sent(stream=True, stream_options=options) == {"stream": True, **left}


@pytest.mark.parametrize(
    ("name", "value", "param"),
    [
        ("n", 2, "n"),
        ("modalities", ["text", "audio"], "modalities"),
        ("modalities", "audio", "modalities"),
        ("stop", 1, "stop"),
        ("stop", ["a", "b", "c", "d", "e"], "stop"),
        ("stop", "x" * 1025, "stop"),
        ("response_format", "json", "response_format"),
        ("response_format", {"type": "json_schema"}, "response_format.json_schema"),
        ("stream_options", [], "stream_options"),
        ("reasoning", "high", "reasoning"),
        ("tools", {}, "tools"),
        ("tools", [1], "tools"),
        ("tools", [{"type": "web_search"}], "tools[0].type"),
        ("tools", [FUNCTION, {"type": "function"}], "tools[1].function"),
        ("tools", [{"type": "custom", "custom": {"name": "x", "format": 1}}], "tools[0].custom.format"),
        (
            "tools",
            [{"type": "custom", "custom": {"name": "x", "format": {"type": "grammar"}}}],
            "tools[0].custom.format.grammar",
        ),
        ("tool_choice", {"type": "mcp"}, "tool_choice.type"),
        ("tool_choice", {"type": "function"}, "tool_choice.function"),
        ("tool_choice", {"type": "allowed_tools"}, "tool_choice.allowed_tools"),
        ("tool_choice", {"type": "allowed_tools", "allowed_tools": {}}, "tool_choice.allowed_tools.tools"),
        ("functions", {}, "functions"),
    ],
)
def test_a_value_that_means_nothing_there_is_refused_by_its_name(name: str, value: object, param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        ask(**{name: value})
    assert refused.value.param == param


@pytest.mark.parametrize(("name", "value"), [("n", 1), ("modalities", ["text"]), ("stop", ""), ("stop", ["a", ""])])
def test_a_value_that_says_what_holds_anyway_is_not_sent(name: str, value: object) -> None:
    assert sent(**{name: value}) == {}
    assert ask(**{name: value}).dropped == ()
