"""An error as an answer."""

import json

import pytest

from proxy import errors
from proxy.azure_services import cached, identity, key_vault
from proxy.errors import (
    AzureRefusal,
    ConfigurationError,
    InvalidRequest,
    ModelNotFound,
    ProxyError,
    Unauthenticated,
    UnknownUrl,
    UpstreamAuthError,
)
from proxy.openai_api.answers import encode_error, to_response


def refusal(status: int, code: str | None = None) -> AzureRefusal:
    return AzureRefusal("x", status=status, type="t", code=code)


def is_told_not_to_retry(error: ProxyError) -> bool:
    return to_response(error).headers.get("x-should-retry") == "false"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModelNotFound("m"), (404, "invalid_request_error", "model_not_found", None)),
        (InvalidRequest("x", param="p", code="c"), (400, "invalid_request_error", "c", "p")),
        (Unauthenticated("x"), (401, "invalid_request_error", None, None)),
        (UnknownUrl("x"), (404, "invalid_request_error", "unknown_url", None)),
        (refusal(418), (418, "t", None, None)),
    ],
)
def test_an_error_of_the_proxy_has_the_same_shape(error: ProxyError, expected: tuple[object, ...]) -> None:
    decoded = json.loads(encode_error(error))["error"]
    assert (error.status, decoded["type"], decoded["code"], decoded["param"]) == expected
    assert list(decoded) == ["message", "type", "param", "code"]


def test_an_answer_has_the_errors_headers_and_is_json() -> None:
    response = to_response(ProxyError("x", headers={"a": "b"}))
    assert (response.status, response.headers) == (500, {"a": "b", "content-type": "application/json"})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422, 424])
def test_a_client_is_told_not_to_retry_what_stays_wrong(status: int) -> None:
    assert is_told_not_to_retry(refusal(status))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504])
def test_what_may_pass_is_left_to_the_client(status: int) -> None:
    assert "x-should-retry" not in to_response(refusal(status)).headers


def test_an_empty_account_stays_empty() -> None:
    assert is_told_not_to_retry(refusal(429, "insufficient_quota"))
    assert not is_told_not_to_retry(refusal(429, "rate_limit_exceeded"))


@pytest.mark.parametrize(
    ("reason", "stays"),
    [("upstream_credential", True), ("upstream_network", True), (None, True), ("upstream_role", False)],
)
def test_a_refused_credential_stays_refused_but_a_new_role_spreads(reason: str | None, stays: bool) -> None:
    assert is_told_not_to_retry(UpstreamAuthError("x", reason=reason)) is stays


@pytest.mark.parametrize(
    "reason",
    [cached.PENDING, cached.TIMED_OUT, cached.UNREADABLE, identity.UNAVAILABLE, key_vault.THROTTLED,
     key_vault.UNREACHABLE, "disk_full"],
)  # fmt: skip
def test_a_trouble_of_the_set_up_that_passes_may_be_retried(reason: str) -> None:
    assert not is_told_not_to_retry(ConfigurationError("x", reason=reason))


@pytest.mark.parametrize("reason", ["configuration_error", key_vault.FORBIDDEN, key_vault.MISSING, key_vault.UNUSABLE])
def test_a_wrong_set_up_stays_wrong(reason: str) -> None:
    assert is_told_not_to_retry(ConfigurationError("x", reason=reason))


@pytest.mark.parametrize("kind", [errors.UpstreamError, errors.UpstreamTimeout, errors.RequestTimeout])
def test_a_trouble_on_the_way_may_be_retried(kind: type[ProxyError]) -> None:
    assert not is_told_not_to_retry(kind("x"))


def test_whoever_raises_an_error_may_know_better() -> None:
    assert to_response(InvalidRequest("x", headers={"x-should-retry": "true"})).headers["x-should-retry"] == "true"


def test_a_wait_is_told_in_milliseconds_too() -> None:
    assert to_response(ProxyError("x", headers={"retry-after": "86400"})).headers == {
        "retry-after": "86400",
        "retry-after-ms": "86400000",
        "content-type": "application/json",
    }


HALF = "a\ud83db"


def test_half_a_surrogate_in_an_error_is_replaced() -> None:
    error = AzureRefusal(HALF, status=400, type=HALF, code=HALF, param=HALF)
    response = to_response(error)
    assert response.status == 400
    assert isinstance(response.body, bytes)
    assert set(json.loads(response.body)["error"].values()) == {"a?b"}
