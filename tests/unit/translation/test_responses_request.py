"""The parameters of a response as those of a chat, and what is refused."""

import json

import pytest

from proxy.errors import InvalidRequest
from proxy.openai_api.json_members import MAX_HALVES
from tests.unit.translation.responses import FUNCTION, Json, chat, translated, user


def members(body: Json, **options: bool) -> Json:
    """Return what a chat has beside its model and its messages."""
    return {name: value for name, value in chat(body, **options).items() if name not in ("model", "messages")}


def refused(body: Json) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        translated(body)
    assert caught.value.status == 400
    return caught.value


def test_a_text_becomes_the_message_of_the_user() -> None:
    assert chat({"input": "Grüße"}) == {"model": "m", "messages": [{"role": "user", "content": "Grüße"}]}


def test_what_both_have_goes_over_byte_for_byte() -> None:
    raw = (
        b'{"model":"m","input":"Hi","temperature":0.70,"top_p":1e0,"user":"u","top_k":4.0,"seed":12345678901234567890}'
    )
    sent = translated(raw).body.raw
    for part in (b'"temperature":0.70', b'"top_p":1e0', b'"user":"u"', b'"top_k":4.0', b'"seed":12345678901234567890'):
        assert part in sent


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"safety_identifier": "s", "service_tier": "flex"}, {"safety_identifier": "s", "service_tier": "flex"}),
        (
            {"prompt_cache_key": "k", "prompt_cache_retention": "24h"},
            {"prompt_cache_key": "k", "prompt_cache_retention": "24h"},
        ),
        ({"max_output_tokens": 20}, {"max_tokens": 20}),
        ({"reasoning": {"effort": "high"}}, {"reasoning_effort": "high"}),
        ({"text": {"verbosity": "low"}}, {"verbosity": "low"}),
        ({"text": {"format": {"type": "text"}}}, {}),
        ({"text": {"format": {"type": "json_object"}}}, {"response_format": {"type": "json_object"}}),
        (
            {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": {"type": "object"}}}},
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "n", "strict": True, "schema": {"type": "object"}},
                }
            },
        ),
        (
            {
                "text": {
                    "format": {"type": "json_schema", "name": "n", "strict": None, "description": None, "schema": {}}
                }
            },
            {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}},
        ),
        ({"top_logprobs": 0}, {}),
        (
            {"top_logprobs": 0, "include": ["message.output_text.logprobs"]},
            {"logprobs": True, "top_logprobs": 0},
        ),
        ({"top_logprobs": 2}, {"logprobs": True, "top_logprobs": 2}),
        ({"include": ["message.output_text.logprobs", "reasoning.encrypted_content"]}, {"logprobs": True}),
        ({"stream": True}, {"stream": True, "stream_options": {"include_usage": True}}),
        ({"stream": False, "stream_options": {"include_obfuscation": False}}, {"stream": False}),
        (
            {"stream": True, "stream_options": {"include_obfuscation": False}},
            {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        ),
        ({"temperature": None, "reasoning": None, "tools": None, "previous_response_id": None, "prompt": None}, {}),
        ({"background": False, "store": False, "truncation": "disabled", "metadata": {"a": "b"}}, {}),
    ],
)
def test_a_parameter_is_that_of_a_chat(body: Json, expected: Json) -> None:
    assert members(body) == expected
    assert translated(body).dropped == ()
    assert translated(body).changed == {}


def test_openais_reasoning_models_have_another_limit_and_another_role() -> None:
    body = {"max_output_tokens": 20, "instructions": "Be brief."}
    assert members(body, is_openai=True, reasons=True) == {"max_completion_tokens": 20}
    assert members(body, is_openai=True) == {"max_tokens": 20}
    roles = [chat(body, is_openai=is_openai, reasons=True)["messages"][0]["role"] for is_openai in (True, False)]
    assert roles == ["developer", "system"]


@pytest.mark.parametrize(
    ("body", "dropped"),
    [
        ({"reasoning": {"summary": "auto", "context": "all_turns"}}, ("reasoning.summary", "reasoning.context")),
        ({"text": {"other": 1}}, ("text.other",)),
        ({"truncation": "auto"}, ("truncation",)),
        ({"max_tool_calls": 3}, ("max_tool_calls",)),
        ({"client_metadata": {"a": "b"}}, ("client_metadata",)),
        ({"context_management": [{"type": "compaction"}]}, ("context_management",)),
        ({"include": ["web_search_call.action.sources"]}, ("include",)),
        ({"service_tier": "ultrafast"}, ("service_tier",)),
        ({"stream": True, "stream_options": {"other": 1}}, ("stream_options.other",)),
        ({"parallel_tool_calls": True, "tool_choice": "auto"}, ("parallel_tool_calls", "tool_choice")),
    ],
)
def test_what_only_tunes_is_left_out_and_named(body: Json, dropped: tuple[str, ...]) -> None:
    assert translated(body).dropped == dropped
    chat(body)


def test_an_answer_that_should_be_stored_is_not_and_that_is_named() -> None:
    assert translated({"store": True}).changed == {"store": "false"}
    assert "store" not in chat({"store": True})


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({"previous_response_id": "resp_68ab"}, "previous_response_id", "unsupported_parameter"),
        ({"previous_response_id": f"resp_notstored_{'0' * 32}"}, "previous_response_id", "previous_response_not_found"),
        ({"previous_response_id": 1}, "previous_response_id", "invalid_type"),
        ({"conversation": "conv_1"}, "conversation", "unsupported_parameter"),
        ({"prompt": {"id": "p"}}, "prompt", "unsupported_parameter"),
        ({"background": True}, "background", "unsupported_parameter"),
        ({"text": {"format": {"type": "grammar"}}}, "text.format.type", "invalid_value"),
        ({"text": "short"}, "text", "invalid_type"),
        ({"include": "all"}, "include", "invalid_type"),
        ({"stream": 1}, "stream", "invalid_type"),
        ({"messages": []}, "messages", "unknown_parameter"),
        ({"n": 2}, "n", "unknown_parameter"),
        ({"input": []}, "input", "missing_required_parameter"),
        ({"input": None}, "input", "missing_required_parameter"),
        ({"input": 1}, "input", "invalid_type"),
        ({"instructions": ["a"]}, "instructions", "invalid_type"),
    ],
)
def test_what_a_chat_cannot_do_is_refused_by_its_name(body: Json, param: str, code: str) -> None:
    error = refused(body)
    assert (error.param, error.code) == (param, code)


def test_halves_of_surrogate_pairs_pass() -> None:
    raw = rb'{"model":"m","instructions":"a\ud83d","input":[{"role":"user","content":"b\ude00"}]}'
    assert translated(raw).body.raw.endswith(
        rb'"messages":[{"role":"system","content":"a\ud83d"},{"role":"user","content":"b\ude00"}]}'
    )


def test_halves_in_what_must_be_read_are_refused_where_they_cannot_pass() -> None:
    every_letter = "".join(rf"\u{letter}83d" for letter in "eabcf")
    with pytest.raises(InvalidRequest):
        translated(rb'{"model":"m","input":"\ud83d %s"}' % every_letter.encode())
    with pytest.raises(InvalidRequest):
        translated(rb'{"model":"m","input":"%s"}' % (rb"\ud83d" * (MAX_HALVES + 1)))


def test_a_request_is_not_shown() -> None:
    assert "secret" not in repr(translated({"input": [user("secret")], "tools": [FUNCTION]}))
    assert json.loads(translated({"input": "secret"}).body.raw)


def test_what_a_client_names_is_told_only_as_a_header_may_have_it() -> None:
    tools = [{"type": "odd\r\nx: y"}, {"type": "x" * 200}, *({"type": f"t{number}"} for number in range(99))]
    dropped = translated({"tools": tools, "text": {"a b": 1}}).dropped
    assert len(dropped) == 32
    assert dropped[:3] == ("text.*", "tools.*", "tools.t0")
