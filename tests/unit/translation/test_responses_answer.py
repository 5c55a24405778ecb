"""A whole chat completion as a response."""

from typing import Any

import httpx2 as httpx
import pytest
from openai import OpenAI

from proxy.errors import UpstreamError
from tests.unit.translation.responses import (
    CREATED,
    FUNCTION,
    PATCH,
    USAGE,
    Json,
    answer,
    chat,
    encode,
    read_answer,
    translated,
)

CALL: Json = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": '{"at": 1}'}}
IDS = [f"{0:031x}{number}" for number in range(10)]


def items(message: Json, finish: str = "stop", body: object = None, **options: bool) -> list[Json]:
    found: list[Json] = answer(message, finish, body, **options)["output"]
    return found


def texts(output: list[Json]) -> list[str]:
    return [part["text"] for item in output for part in item.get("content") or item["summary"]]


def test_a_response_has_every_member_and_repeats_the_request() -> None:
    body = {"instructions": "Be brief.", "metadata": {"a": "b"}, "tools": [FUNCTION], "temperature": 0.5, "store": True}
    assert answer({"content": "Hello"}, body=body) == {
        "id": f"resp_notstored_{IDS[0]}",
        "object": "response",
        "created_at": CREATED,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "deepseek-v3",
        "output": [
            {
                "id": f"msg_notstored_{IDS[1]}",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}],
            }
        ],
        "previous_response_id": None,
        "store": False,
        "background": False,
        "instructions": "Be brief.",
        "max_output_tokens": None,
        "max_tool_calls": None,
        "metadata": {"a": "b"},
        "parallel_tool_calls": True,
        "reasoning": {"effort": None, "summary": None},
        "temperature": 0.5,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [
            {"parameters": {"type": "object", "properties": {}}, "strict": False, "type": "function", "name": "look"}
        ],
        "top_p": None,
        "truncation": "disabled",
        "usage": {
            "input_tokens": 5,
            "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "output_tokens": 7,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 12,
        },
    }


def test_a_response_repeats_what_only_some_send() -> None:
    body = {"user": "u", "prompt_cache_key": "k", "top_logprobs": 1, "text": {"verbosity": "low"}, "tools": [PATCH]}
    found = answer({"content": "Hello"}, body=body)
    assert {name: found[name] for name in body} == {
        **body,
        "text": {"verbosity": "low", "format": {"type": "text"}},
    }
    form = {"format": {"type": "json_object"}}
    assert answer({"content": "{}"}, body={"text": form})["text"] == form


def test_reasoning_text_and_calls_are_items_in_this_order() -> None:
    message = {"content": "Looking.", "reasoning_content": "Hm. 🙂", "tool_calls": [CALL, {**CALL, "id": "call_2"}]}
    found = items(message, "tool_calls", {"include": ["reasoning.encrypted_content"]})
    assert [item["type"] for item in found] == ["reasoning", "message", "function_call", "function_call"]
    assert found[0] == {
        "id": f"rs_notstored_{IDS[1]}",
        "type": "reasoning",
        "status": "completed",
        "summary": [{"type": "summary_text", "text": "Hm. 🙂"}],
        "encrypted_content": "notstored.1.SG0uIPCfmYI=",
    }
    assert found[2] == {
        "id": f"fc_notstored_{IDS[3]}",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_1",
        "name": "look",
        "arguments": '{"at": 1}',
    }
    assert "encrypted_content" not in items({"content": "A", "reasoning": "B"})[0]


def test_reasoning_goes_round() -> None:
    assert translated({}).reader.reasoning == {}
    message = {"content": None, "reasoning_content": "Hm.", "tool_calls": [CALL]}
    found = items(message, "tool_calls", {"include": ["reasoning.encrypted_content"]})
    again = translated({"input": [{"role": "user", "content": "Hi"}, *found]}).body
    assert b'"reasoning_content":"Hm."' in again.raw


def test_thoughts_in_tags_are_read_at_the_very_start_and_never_of_openais_models() -> None:
    assert texts(items({"content": "\n<think>\nHm.</think>\n\nHello <think>x</think>"})) == [
        "\nHm.",
        "Hello <think>x</think>",
    ]
    whole = "<think>Hm.</think>Hello"
    assert texts(items({"content": whole}, is_openai=True)) == [whole]
    assert texts(items({"content": f"So: {whole}"})) == [f"So: {whole}"]
    assert texts(items({"content": whole, "reasoning_content": "Before."})) == ["Before.", whole]
    assert texts(items({"content": "<think>Cut", "tool_calls": None}, "length")) == ["Cut"]
    assert texts(items({"content": "<thin"})) == ["<thin"]


@pytest.mark.parametrize(
    ("finish", "status", "reason"),
    [
        ("stop", "completed", None),
        ("tool_calls", "completed", None),
        ("length", "incomplete", "max_output_tokens"),
        ("content_filter", "incomplete", "content_filter"),
    ],
)
def test_an_answer_that_was_cut_is_incomplete(finish: str, status: str, reason: str | None) -> None:
    found = answer({"content": "Hello"}, finish)
    assert (found["status"], found["output"][0]["status"]) == (status, status)
    assert (found["incomplete_details"] or {}).get("reason") == reason


def test_a_refusal_is_a_part_of_its_own() -> None:
    assert items({"content": None, "refusal": "No."})[0]["content"] == [{"type": "refusal", "refusal": "No."}]
    both = items({"content": "A", "refusal": "No."})[0]["content"]
    assert [part["type"] for part in both] == ["output_text", "refusal"]


def test_an_answer_without_anything_is_an_empty_text() -> None:
    assert texts(items({"content": None})) == [""]
    assert texts(items({"content": ""})) == [""]


def test_an_answer_of_the_old_form_calls_its_function() -> None:
    found = items({"content": None, "function_call": CALL["function"]}, "function_call")
    assert (found[0]["name"], found[0]["arguments"]) == ("look", '{"at": 1}')
    assert found[0]["call_id"].startswith("call_")


def test_a_custom_tool_gets_its_input() -> None:
    def input_of(arguments: object) -> str:
        function = {"name": "apply_patch", "arguments": arguments}
        found = items({"tool_calls": [{"id": "c", "type": "function", "function": function}]}, body={"tools": [PATCH]})
        assert found[0]["type"] == "custom_tool_call"
        return str(found[0]["input"])

    assert input_of('{"input": "1\\n\\"2\\" \\ud83d\\ude00"}') == '1\n"2" 😀'
    assert input_of({"input": "an object"}) == "an object"
    assert input_of('*** Begin Patch\n"x"') == '*** Begin Patch\n"x"'
    assert input_of('{"patch": "x"}') == '{"patch": "x"}'
    assert input_of("") == ""


def test_arguments_that_are_an_object_or_nothing_become_a_string() -> None:
    calls = [
        {"id": "a", "function": {"name": "look", "arguments": {"at": 1}}},
        {"id": "b", "function": {"name": "look"}},
    ]
    assert [item["arguments"] for item in items({"tool_calls": calls})] == ['{"at":1}', "{}"]


def thinking(*texts: str) -> Json:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text} for text in texts], "closed": True}


def test_reasoning_in_a_content_of_parts_goes_back_as_it_came() -> None:
    # https://docs.mistral.ai/capabilities/reasoning/
    body: Json = {"tools": [FUNCTION], "include": ["reasoning.encrypted_content"]}
    parts = [thinking("Hm", "…"), {"type": "text", "text": "A"}, {"type": "reference", "reference_ids": [1]}]
    found = items({"content": parts, "tool_calls": [CALL]}, "tool_calls", body)
    assert [item["type"] for item in found] == ["reasoning", "message", "function_call"]
    assert found[0]["summary"] == [{"type": "summary_text", "text": "Hm…"}]
    assert texts(found[1:2]) == ["A"]
    sent = chat({**body, "input": [{"role": "user", "content": "Hi"}, *found]}, judges=False)["messages"][1]
    assert sent["content"] == [thinking("Hm…"), {"type": "text", "text": "A"}]
    assert "reasoning_content" not in sent
    assert [call["id"] for call in sent["tool_calls"]] == [found[2]["call_id"]]
    again = chat({**body, "input": [{"role": "user", "content": "Hi"}, *found]}, is_openai=True)["messages"][1]
    assert (again["content"], "reasoning_content" in again) == ("A", False)


def test_what_is_no_reasoning_is_passed_over() -> None:
    assert [item["type"] for item in items({"content": "A", "reasoning": {"x": 1}, "reasoning_content": []})] == [
        "message"
    ]
    plain = [
        {"type": "thinking", "thinking": "Hm"},
        {"type": "thinking", "thinking": []},
        {"type": "text", "text": "A"},
    ]
    assert [item["type"] for item in items({"content": plain})] == ["reasoning", "message"]


def test_citations_are_flat() -> None:
    cited = {"start_index": 0, "end_index": 1, "url": "https://x", "title": "X"}
    message = {"content": "A", "annotations": [{"type": "url_citation", "url_citation": cited}]}
    assert items(message)[0]["content"][0]["annotations"] == [{"type": "url_citation", **cited}]
    flat = {"type": "url_citation", **cited}
    assert items({"content": "A", "annotations": [flat]})[0]["content"][0]["annotations"] == [flat]
    assert items({"content": None, "annotations": [flat]})[0]["content"][0]["annotations"] == [flat]


def test_probabilities_have_bytes() -> None:
    tokens = [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": None,
            "top_logprobs": [
                {"token": "e", "logprob": -1, "bytes": None},
                {"token": "f", "logprob": -2, "bytes": [102]},
            ],
        },
        {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": None},
    ]
    whole = {"choices": [{"message": {"content": "éa"}, "finish_reason": "stop", "logprobs": {"content": tokens}}]}
    found = read_answer(whole)["output"][0]["content"][0]["logprobs"]
    assert found == [
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [
                {"token": "e", "logprob": -1, "bytes": [101]},
                {"token": "f", "logprob": -2, "bytes": [102]},
            ],
        },
        {"token": "a", "logprob": -1, "bytes": [97], "top_logprobs": []},
    ]
    tokens = [{"token": None, "logprob": 0}]
    odd = {"choices": [{"message": {"content": ""}, "finish_reason": "stop", "logprobs": {"content": tokens}}]}
    raw = translated({}, is_openai=True).reader.answer(encode(odd))
    assert b'"bytes":[]' in raw


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                **USAGE,
                "prompt_tokens_details": {"cached_tokens": 3},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
            (5, 3, 7, 2),
        ),
        ({**USAGE, "prompt_cache_hit_tokens": 4, "prompt_tokens_details": None}, (5, 4, 7, 0)),
        ({"prompt_tokens": None}, (0, 0, 0, 0)),
    ],
)
def test_the_usage_always_has_its_details(usage: Json, expected: tuple[int, ...]) -> None:
    found = read_answer({"choices": [{"message": {"content": "A"}, "finish_reason": "stop"}], "usage": usage})["usage"]
    details = found["input_tokens_details"]["cached_tokens"], found["output_tokens_details"]["reasoning_tokens"]
    assert (found["input_tokens"], details[0], found["output_tokens"], details[1]) == expected
    assert found["total_tokens"] == expected[0] + expected[2]


def test_a_usage_that_does_not_come_is_estimated() -> None:
    found = read_answer({"choices": [{"message": {"content": "A" * 40}, "finish_reason": "stop"}]})
    assert found["usage"]["output_tokens"] == 10
    assert found["usage"]["input_tokens"] > 0


def test_the_tier_that_answered_is_told() -> None:
    whole = {"choices": [{"message": {"content": "A"}, "finish_reason": None}], "service_tier": "default"}
    assert read_answer(whole)["service_tier"] == "default"
    assert "service_tier" not in answer({"content": "A"}, body={"service_tier": "flex"})


def test_results_of_the_filter_cross_with_the_switch() -> None:
    prompt, completion = {"hate": {"filtered": False}}, {"violence": {"filtered": True}}
    whole = {
        "choices": [
            {"message": {"content": "A"}, "finish_reason": "content_filter", "content_filter_results": completion}
        ],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": prompt}],
    }
    assert "content_filters" not in read_answer(whole)
    assert read_answer(whole, keep_filters=True)["content_filters"] == [
        {"blocked": False, "source_type": "prompt", "content_filter_results": prompt},
        {"blocked": True, "source_type": "completion", "content_filter_results": completion},
    ]


def test_halves_of_surrogate_pairs_pass() -> None:
    raw = rb'{"choices":[{"message":{"content":"a\ud83d","reasoning_content":"b\ud83d"},"finish_reason":"stop"}]}'
    found = translated({}, is_openai=True).reader.answer(raw)
    assert rb'"text":"a\ud83d"' in found
    assert rb'"text":"b\ud83d"' in found


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b'{"choices":[]}',
        b'{"object":"response"}',
        b'{"choices":[{"message":{"content":[1]},"finish_reason":"stop"}]}',
        b'{"choices":"%s \\ud83d"}' % b"".join(rb"\u%c83d" % letter for letter in b"eabcf"),
    ],
)
def test_what_is_no_chat_completion_is_an_error_of_azures(raw: bytes) -> None:
    with pytest.raises(UpstreamError):
        translated({}).reader.answer(raw)


def test_openais_client_reads_it() -> None:
    whole = {
        "id": "c",
        "choices": [{"message": {"content": '{"a":1}', "tool_calls": [CALL]}, "finish_reason": "tool_calls"}],
        "usage": USAGE,
    }
    body = translated({}).reader.answer(encode(whole))
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, content=body, headers={"content-type": "application/json"})
    )
    client: Any = OpenAI(base_url="http://127.0.0.1/v1", api_key="x", http_client=httpx.Client(transport=transport))
    found = client.responses.create(model="m", input="Hi")
    assert found.output_text == '{"a":1}'
    assert (found.output[1].name, found.output[1].arguments, found.usage.total_tokens) == ("look", '{"at": 1}', 12)
