"""A whole response as the answer of a chat."""

import json

import pytest

from proxy.errors import AzureRefusal, ProxyError, UpstreamError
from tests.unit.translation.chats import (
    ASK,
    CHAT_USAGE,
    CITATION,
    TOKEN,
    USAGE,
    Json,
    answer,
    ask,
    ask_with,
    called,
    customly_called,
    message,
    reasoned,
    refused,
    response,
    said,
)

LOOK: Json = {"name": "look", "parameters": {}}
SAFE: Json = {"hate": {"filtered": False, "severity": "safe"}}


def test_an_answer_has_all_that_a_chat_has() -> None:
    assert answer(response(reasoned(), said("Hello"), service_tier="default")) == {
        "id": f"chatcmpl-{TOKEN}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "gpt-5-codex-deployed",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": CHAT_USAGE,
        "service_tier": "default",
    }


def test_an_answer_without_a_model_has_the_name_that_the_client_used() -> None:
    assert answer(response(said("a"), model=""))["model"] == ASK["model"]


def test_several_messages_are_one_and_not_several_choices() -> None:
    # https://github.com/BerriAI/litellm/issues/37299
    read = answer(response(said("I look."), said("It", " is."), called("a")))
    assert len(read["choices"]) == 1
    assert read["choices"][0]["message"]["content"] == "I look.\n\nIt is."


def test_an_announcement_before_calls_stays_with_them() -> None:
    read = answer(response(said("I look."), called("a"), called("b", arguments="")))
    assert read["choices"][0]["finish_reason"] == "tool_calls"
    assert read["choices"][0]["message"]["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "look", "arguments": '{"at":1}'}},
        {"id": "b", "type": "function", "function": {"name": "look", "arguments": ""}},
    ]


def test_calls_without_a_word_have_no_content() -> None:
    assert message(response(called("a")))["content"] is None


def test_a_call_of_a_custom_tool_keeps_its_input() -> None:
    [call] = message(response(customly_called("a", "*** Begin")))["tool_calls"]
    assert call == {"id": "a", "type": "custom", "custom": {"name": "patch", "input": "*** Begin"}}


def test_a_client_that_knows_functions_alone_reads_the_first_call() -> None:
    read = answer(response(called("a"), called("b")), ask(functions=[LOOK]))["choices"][0]
    assert read["message"]["function_call"] == {"name": "look", "arguments": '{"at":1}'}
    assert "tool_calls" not in read["message"]
    assert read["finish_reason"] == "function_call"


def test_a_refusal_is_no_content() -> None:
    read = message(response(refused("I will not."), refused("Really.")))
    assert (read["content"], read["refusal"]) == (None, "I will not.\n\nReally.")


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete", "incomplete_details": {"reason": "something"}}, "length"),
        ({"status": "incomplete"}, "length"),
        ({"status": "completed", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "completed"}, "tool_calls"),
        ({"status": None}, "tool_calls"),
    ],
)
def test_that_an_answer_was_cut_short_counts_for_more_than_its_calls(members: Json, reason: str) -> None:
    assert answer(response(called("a"), **members))["choices"][0]["finish_reason"] == reason


def test_an_answer_whose_bound_went_into_reasoning_is_empty_and_no_error() -> None:
    # https://github.com/BerriAI/litellm/pull/37710
    cut = response(reasoned(), status="incomplete", incomplete_details={"reason": "max_output_tokens"})
    read = answer(cut)
    assert (read["choices"][0]["message"]["content"], read["choices"][0]["finish_reason"]) == ("", "length")
    assert read["usage"] == CHAT_USAGE


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, None),
        ({"input_tokens": 1, "output_tokens": 2}, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
    ],
)
def test_usage_that_azure_does_not_tell_is_not_made_up(usage: Json | None, counted: Json | None) -> None:
    assert answer(response(said("a"), usage=usage)).get("usage") == counted


def test_a_tier_that_is_null_is_left_out() -> None:
    assert "service_tier" not in answer(response(said("a"), service_tier=None))


def test_annotations_count_from_the_beginning_of_the_joined_text() -> None:
    other = {"type": "file_citation", "file_id": "f", "index": 0, "filename": "n"}
    first = said("Hé")
    first["content"][0]["annotations"] = [CITATION, other]
    second = said("ab", "cd")
    second["content"][1]["annotations"] = [CITATION]
    read = message(response(first, second))
    cited = {name: value for name, value in CITATION.items() if name != "type"}
    assert read["content"] == "Hé\n\nabcd"
    assert read["annotations"] == [
        {"type": "url_citation", "url_citation": cited},
        {"type": "url_citation", "url_citation": {**cited, "start_index": 6, "end_index": 8}},
    ]


def test_an_annotation_without_a_place_has_none() -> None:
    bare = {"type": "url_citation", "url": "https://x.example", "title": "X"}
    second = said("b")
    second["content"][0]["annotations"] = [bare]
    raw = ask().reader.answer(json.dumps(response(said("a"), second)).encode())
    assert json.loads(raw)["choices"][0]["message"]["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": "https://x.example", "title": "X"}}
    ]


def test_probabilities_have_bytes() -> None:
    token = {"token": "é", "logprob": -0.50, "bytes": [195, 169], "top_logprobs": [{"token": "e", "logprob": -1.0}]}
    half = {"token": "\ufffd", "logprob": -1.0, "top_logprobs": []}
    one = said("é")
    one["content"][0]["logprobs"] = [token, half]
    read = answer(response(one), ask(logprobs=True))["choices"][0]["logprobs"]
    assert read == {
        "content": [
            {**token, "top_logprobs": [{"token": "e", "logprob": -1.0, "bytes": [101]}]},
            {**half, "bytes": None},
        ],
        "refusal": None,
    }


def test_a_summary_is_shown_to_who_asked_for_it() -> None:
    given = response(reasoned(1, "First.", "Then."), reasoned(2, "Last."), said("a"))
    assert "reasoning_content" not in message(given)
    assert message(given, ask(reasoning={"summary": "auto"}))["reasoning_content"] == "First.\n\nThen.\n\nLast."


def test_the_reasoning_of_an_open_model_is_shown() -> None:
    # https://github.com/BerriAI/litellm/issues/40654
    open_one = reasoned(1, content=[{"type": "reasoning_text", "text": "Hm."}], encrypted_content=None)
    assert message(response(open_one, said("a")))["reasoning_content"] == "Hm."


def test_items_that_a_chat_knows_nothing_of_are_passed_over() -> None:
    assert message(response({"type": "web_search_call", "id": "ws_1"}, {}, said("a")))["content"] == "a"


FILTERS = [
    {"source_type": "prompt", "content_filter_results": {"jailbreak": {"detected": False, "filtered": False}}},
    {"source_type": "completion", "content_filter_results": SAFE},
    {"source_type": "completion", "content_filter_results": None},
]


@pytest.mark.parametrize("filters", [FILTERS, None])
def test_results_of_the_content_filter_are_left_out(filters: object) -> None:
    assert "filter" not in json.dumps(answer(response(said("a"), content_filters=filters)))


def test_results_of_the_content_filter_cross_where_they_are_kept() -> None:
    request = ask_with({"keep_filters": True})
    read = answer(response(said("a"), content_filters=FILTERS), request)
    assert read["prompt_filter_results"] == [
        {"prompt_index": 0, "content_filter_results": {"jailbreak": {"detected": False, "filtered": False}}}
    ]
    assert read["choices"][0]["content_filter_results"] == SAFE
    assert "prompt_filter_results" not in answer(response(said("a")), request)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"<html>",
        b'{"choices":[]}',
        b'{"output":1}',
        b'{"status":"queued","output":[]}',
        b'{"status":"cancelled","output":[]}',
        b'{"status":"failed","output":[]}',
        b'{"output":[{"type":1}]}',
        b'{"output":[],"usage":{"input_tokens":"x"}}',
    ],
)
def test_what_is_no_response_is_an_error(raw: bytes) -> None:
    with pytest.raises(UpstreamError):
        ask().reader.answer(raw)


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        ({"code": "rate_limit_exceeded", "message": "Wait."}, 429, "requests"),
        ({"code": "server_error", "message": "Wait."}, 500, "server_error"),
        ({"code": "invalid_prompt", "message": "Wait."}, 400, "invalid_request_error"),
        ({"message": "Wait."}, 500, "server_error"),
    ],
)
def test_a_response_that_failed_is_an_error(error: Json, status: int, kind: str) -> None:
    with pytest.raises(AzureRefusal) as refusal:
        ask().reader.answer(json.dumps(response(status="failed", error=error)).encode())
    assert (refusal.value.status, refusal.value.type, refusal.value.message) == (status, kind, "Wait.")
    assert refusal.value.code == error.get("code")


def test_a_failure_without_a_word_is_an_error_too() -> None:
    with pytest.raises(ProxyError):
        ask().reader.answer(json.dumps(response(status="completed", error={})).encode())


def test_half_a_surrogate_pair_and_a_byte_order_mark_pass() -> None:
    raw = b"\xef\xbb\xbf" + json.dumps(response(said("a\ud83d"), called("b", arguments="\ude00"))).encode()
    read = json.loads(ask().reader.answer(raw))["choices"][0]["message"]
    assert (read["content"], read["tool_calls"][0]["function"]["arguments"]) == ("a\ud83d", "\ude00")


def test_numbers_pass_as_they_came() -> None:
    raw = json.dumps(response(said("a"), usage=USAGE)).replace('"output_tokens": 5', '"output_tokens": 5.0e0')
    assert b'"completion_tokens":5.0e0' in ask().reader.answer(raw.encode())
