"""What a resource answers, as codes."""

import json

import pytest

from proxy.config.resources import Resource
from proxy.diagnosis import resource as judge
from proxy.values import Api, AuthMode, ModelKind, Secret
from tools.azure_openai_simulator.errors import ERROR_SAMPLES

ONE = Resource(name="contoso", endpoint="https://contoso.openai.azure.com", auth=AuthMode.KEY_VAULT)
QUOTA = {
    "x-ratelimit-limit-requests": "100",
    "x-ratelimit-limit-tokens": "1000",
    "x-ratelimit-remaining-requests": "99",
    "x-ratelimit-remaining-tokens": "990",
}


def judged(status: int, body: bytes = b"") -> str | None:
    return judge.judge_list(ONE, Secret("key"), status, {}, body, is_openai=False)


@pytest.mark.parametrize(
    ("sample", "code"),
    [
        ("error-401-key", "upstream_credential"),
        ("error-401-role", "upstream_role"),
        ("error-403-role", "upstream_role"),
        ("error-403-network", "upstream_network"),
        ("error-403-firewall", "upstream_network"),
        ("error-403-blocked", "upstream_blocked"),
        ("error-403-suspended", "upstream_blocked"),
        ("error-404-route", "upstream_not_azure"),
        ("error-429-2026", None),
        ("error-500", "upstream_failing"),
    ],
)
def test_an_error_of_azure_is_judged_as_that_of_a_call(sample: str, code: str | None) -> None:
    assert judged(ERROR_SAMPLES[sample].status, ERROR_SAMPLES[sample].body) == code


def test_a_list_is_a_success_and_a_page_of_html_is_not() -> None:
    assert judged(200, b' {"data":[]}') is None
    assert judged(200, b"<html>") == "upstream_not_azure"


def test_a_refusal_without_words_is_about_the_credential() -> None:
    assert judged(401) in {"upstream_credential", "upstream_refused"}


def test_only_a_missing_deployment_is_missing() -> None:
    missing, route = ERROR_SAMPLES["error-404-deployment"], ERROR_SAMPLES["error-404-route"]
    assert judge.is_missing(missing.status, missing.body)
    assert not judge.is_missing(route.status, route.body)
    assert not judge.is_missing(400, missing.body)


def test_the_newer_name_of_the_limit_is_tried_first() -> None:
    names = [[name for name in json.loads(body) if name.startswith("max")] for body in judge.ONE_TOKEN_CALLS]
    assert names == [["max_completion_tokens"], ["max_tokens"]]
    refusal = json.dumps({"error": {"message": "Unknown parameter", "param": "max_completion_tokens"}}).encode()
    assert judge.refuses_limit(400, refusal)
    assert judge.refuses_limit(400, b'{"error":{"message":"Unrecognized request argument: max_completion_tokens"}}')
    assert not judge.refuses_limit(400, b'{"error":{"message":"no"}}')
    assert not judge.refuses_limit(500, refusal)


@pytest.mark.parametrize(
    ("status", "headers", "code"),
    [
        (200, QUOTA, None),
        (200, {}, None),
        (400, {}, None),
        (429, {}, "quota_used_up"),
        (401, {}, "deployment_failing"),
        (500, {}, "deployment_failing"),
        (200, {**QUOTA, "x-ratelimit-remaining-tokens": "99"}, "quota_low"),
        (200, {**QUOTA, "x-ratelimit-remaining-tokens": "100"}, None),
        (200, {**QUOTA, "x-ratelimit-remaining-tokens": "-1"}, None),
    ],
)
def test_a_call_says_whether_the_deployment_serves(status: int, headers: dict[str, str], code: str | None) -> None:
    seen = judge.judge_call("gpt", status, headers)
    assert (seen.code if seen is not None else None) == code


def test_what_is_left_of_the_quota_is_written_out() -> None:
    assert judge.quota_left(QUOTA) == "99 of 100 requests left, 990 of 1000 tokens left"
    assert judge.quota_left({}) == ""
    seen = judge.judge_call("gpt", 200, {**QUOTA, "x-ratelimit-remaining-tokens": "1"})
    assert seen is not None
    assert seen.facts["left"] == "1 of 1000 tokens"


@pytest.mark.parametrize(
    ("addresses", "word"),
    [
        (("10.0.0.4",), "private"),
        (("20.1.2.3",), "public"),
        (("10.0.0.4", "20.1.2.3"), "public"),
        (("127.0.0.1",), "local"),
        ((), "local"),
    ],
)
def test_an_address_is_public_or_private(addresses: tuple[str, ...], word: str) -> None:
    assert judge.reach_in_words(addresses) == word


def test_each_deployment_of_the_settings_is_named_once() -> None:
    one = Resource(
        name="contoso",
        endpoint="https://contoso.openai.azure.com",
        models={"a": "one", "b": "two", "c": "one"},
        default_deployment="three",
        default_deployments={ModelKind.CHAT: "two", ModelKind.IMAGES: "four"},
        deployment_apis={"five": Api.CHAT},
    )
    assert judge.configured_deployments(one) == ("one", "two", "three", "four", "five")
    assert judge.configured_deployments(ONE) == ()
