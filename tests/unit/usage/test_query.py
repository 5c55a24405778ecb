"""Queries of OpenAI's usage endpoints, and their pages."""

import json
from typing import Any

import pytest

from proxy.errors import InvalidRequest
from proxy.usage.account import month_start, used_by
from proxy.usage.counts import DAY, HOUR, MINUTE, Counts, Key, Line
from proxy.usage.pages import encode_page
from proxy.usage.query import ENDPOINTS, parse_query

START = 1_790_000_000 - 1_790_000_000 % DAY
NOW = START + 3 * DAY + 5


def lines() -> list[Line]:
    made = [("alice", "gpt-5", 0), ("bob", "gpt-5", 0), ("alice", "gpt-4o", DAY), ("alice", "gpt-5", DAY + HOUR)]
    return [
        (Key(START + after, client, model, "completions"), Counts(requests=1, input=10, cached=4, output=2, cost=500))
        for client, model, after in made
    ] + [
        (Key(START, "alice", model, kind), Counts(requests=1, input=3, units=7))
        for model, kind in (
            ("small", "embeddings"),
            ("tts", "audio_speeches"),
            ("whisper", "audio_transcriptions"),
            ("dall-e-3", "images"),
        )
    ]


def page(query: str, endpoint: str = "completions") -> Any:
    return json.loads(encode_page(parse_query(endpoint, query, NOW), lines()))


def results(query: str, endpoint: str = "completions") -> list[list[dict[str, Any]]]:
    return [bucket["results"] for bucket in page(query, endpoint)["data"]]


def test_buckets_of_days_go_up_to_now_and_have_sums() -> None:
    found = page(f"start_time={START + 5}")
    assert [bucket["start_time"] for bucket in found["data"]] == [START + day * DAY for day in range(4)]
    assert (found["has_more"], found["next_page"]) == (False, None)
    first = found["data"][0]["results"][0]
    assert (first["input_tokens"], first["num_model_requests"], first["input_uncached_tokens"]) == (20, 2, 12)
    assert first["model"] is first["api_key_id"] is None
    assert found["data"][3]["results"] == []


def test_what_was_refused_before_a_call_is_no_request_of_a_model_but_a_detail() -> None:
    counts = Counts(requests=2, input=10, reasoning=3, errors=2, cancelled=1, milliseconds=900)
    refused = [(Key(START, "alice", "", "completions"), counts)]

    def found(query: str, endpoint: str = "completions") -> Any:
        page = encode_page(parse_query(endpoint, f"start_time={START}{query}", NOW), refused)
        return json.loads(page)["data"][0]["results"]

    assert (found(""), found("", "costs")) == ([], [])
    (result,) = found("&details=true&group_by=model")
    assert (result["model"], result["num_model_requests"], result["output_reasoning_tokens"]) == ("", 2, 3)
    assert (result["num_errors"], result["num_cancelled"], result["milliseconds"]) == (2, 1, 900)
    assert "num_errors" not in found("&details=true", "costs")[0]


def test_pages_follow_each_other() -> None:
    first = page(f"start_time={START}&limit=3")
    assert first["has_more"] is True
    second = page(f"start_time={START}&limit=3&page={first['next_page']}")
    assert [bucket["start_time"] for bucket in second["data"]] == [START + 3 * DAY]
    assert second["next_page"] is None


@pytest.mark.parametrize("name", ["group_by", "group_by[]", "group_by%5B%5D"])
def test_groups_are_named(name: str) -> None:
    first = results(f"start_time={START}&{name}=model&{name}=api_key_id&{name}=batch")[0]
    assert [(one["model"], one["api_key_id"], one["batch"]) for one in first] == [
        ("gpt-5", "alice", False),
        ("gpt-5", "bob", False),
    ]
    second = results(f"start_time={START}&group_by=model,project_id")[1]
    assert [(one["model"], one["project_id"]) for one in second] == [("gpt-4o", None), ("gpt-5", None)]


@pytest.mark.parametrize(
    ("chosen", "requests"),
    [
        ("models[]=gpt-4o", 1),
        ("api_key_ids=alice", 3),
        ("api_key_ids=carol", 0),
        ("project_ids=p", 0),
        ("user_ids=u", 0),
        ("batch=true", 0),
        ("batch=false", 4),
        (f"end_time={START + DAY}", 2),
    ],
)
def test_what_counts_can_be_chosen(chosen: str, requests: int) -> None:
    found = results(f"start_time={START}&{chosen}")
    assert sum(one["num_model_requests"] for bucket in found for one in bucket) == requests


@pytest.mark.parametrize(("width", "seconds"), [("1m", MINUTE), ("1h", HOUR)])
def test_buckets_may_be_narrow(width: str, seconds: int) -> None:
    found = page(f"start_time={START + DAY + HOUR}&bucket_width={width}&limit=2")["data"]
    assert [bucket["end_time"] - bucket["start_time"] for bucket in found] == [seconds, seconds]
    assert [len(bucket["results"]) for bucket in found] == [1, 0]


@pytest.mark.parametrize(
    ("endpoint", "name", "value"),
    [
        ("embeddings", "input_tokens", 3),
        ("images", "images", 7),
        ("audio_speeches", "characters", 7),
        ("audio_transcriptions", "seconds", 7),
    ],
)
def test_each_kind_has_its_own_numbers(endpoint: str, name: str, value: int) -> None:
    ((one,), *_) = results(f"start_time={START}", endpoint)
    assert (one["object"], one[name]) == (f"organization.usage.{endpoint}.result", value)


def test_costs_are_of_everything_in_dollars() -> None:
    first, second, *_ = results(f"start_time={START}&group_by=line_item", "costs")
    assert {one["line_item"] for one in first} == {"gpt-5", "small", "tts", "whisper", "dall-e-3"}
    assert first[0]["amount"] == {"value": 0.001, "currency": "usd"}
    assert len(second) == 2
    assert "completions" in ENDPOINTS


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("", "start_time"),
        ("start_time=x", "start_time"),
        (f"start_time={START}&end_time={START}", "end_time"),
        (f"start_time={NOW + 1}&bucket_width=1m", "start_time"),
        (f"start_time={START}&bucket_width=2d", "bucket_width"),
        (f"start_time={START}&limit=0", "limit"),
        (f"start_time={START}&limit=32", "limit"),
        (f"start_time={START}&group_by=colour", "group_by"),
        (f"start_time={START}&page=page_x", "page"),
        (f"start_time={START}&page=page_{START + 1}", "page"),
        (f"start_time={START}&page=page_0", "page"),
        (f"start_time={START}&sizes=256x256", "sizes"),
    ],
)
def test_what_cannot_be_asked_for_is_named(query: str, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        parse_query("completions", query, NOW)
    assert caught.value.param == param


def test_a_client_has_its_own_month() -> None:
    now = month_start(NOW) + 2 * DAY + 10
    of = [
        (Key(start, client, "m", "completions"), Counts(requests=1, input=5))
        for client, start in [
            ("alice", month_start(NOW)),
            ("alice", int(now)),
            ("bob", int(now)),
            ("alice", month_start(NOW) - 1),
        ]
    ]
    used = used_by("alice", of, now)
    assert (used.month.requests, used.month.input) == (2, 10)
    assert [counts.input for _, counts in used.days] == [5, 0, 5]
