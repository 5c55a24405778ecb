"""Azure OpenAI's errors in OpenAI's words."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import AzureRefusal, InvalidRequest, ModelNotFound, ProxyError, Unauthenticated, UnknownUrl
from proxy.messages import AuthMode
from proxy.translation.errors import MAX_MESSAGE, AzureErrors, encode_error, to_response
from tests.proxy.translation import recorded

KEY, HOST = "sk-canary-key", "canary-host.openai.azure.com"
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)
DENIED = {
    "error": {"code": "401", "message": f"Access denied for {KEY} at https://{HOST}/.", "innererror": {"key": KEY}},
    "message": KEY,
}


def answer(status: int, body: bytes, errors: AzureErrors = ERRORS) -> ProxyError:
    return errors.answer(status, {"content-type": "application/json"}, body)


def fields(error: ProxyError) -> dict[str, object]:
    document = json.loads(encode_error(error))
    assert list(document) == ["error"]
    decoded = document["error"]
    assert isinstance(decoded, dict)
    return decoded


@pytest.mark.parametrize("case", recorded.cases("refusal.json"))
def test_a_sample_becomes_what_openai_would_answer(case: str) -> None:
    refusal, client = (json.loads(recorded.read(case, name)) for name in ("refusal.json", "client.json"))
    body = refusal["body"] if isinstance(refusal["body"], str) else json.dumps(refusal["body"])
    response = to_response(ERRORS.answer(refusal["status"], refusal["headers"], body.encode()))
    assert isinstance(response.body, bytes)
    assert {"status": response.status, "body": json.loads(response.body)} == {
        "status": client["status"],
        "body": client["body"],
    }
    assert response.headers == {**client["headers"], "content-type": "application/json"}


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("mode", AuthMode)
def test_a_refused_credential_names_the_setting_and_echoes_nothing(status: int, mode: AuthMode) -> None:
    error = answer(status, json.dumps(DENIED).encode(), AzureErrors(model="gpt-4o", auth=mode))
    assert (error.status, error.type, error.code) == (502, "server_error", "upstream_auth_error")
    settings_of = {
        AuthMode.KEY_VAULT: "AZURE_OPENAI_KEY_SECRET",
        AuthMode.KEY: "AZURE_OPENAI_API_KEY",
        AuthMode.MANAGED_IDENTITY: "AZURE_OPENAI_TOKEN_SCOPE",
    }
    assert settings_of[mode] in error.message
    assert not re.search(f"{KEY}|{HOST}", encode_error(error).decode())


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"\xff\xfe", b"[]", b"[1]", b'"x"', b"null", b"1", b"{", b'{"error":1}', b'{"error":{"error":',
     b'{"error":["x"]}', b'{"error":[[]]}', b'{"error":null}', b'{"error":{}}', b'{"error":{"message":null}}',
     b'{"error":{"message":{"a":1},"type":[],"code":{},"param":["a"]}}', b"{}", b'{"error":{"message":""}}',
     b'{"error":{"message":"\\ud83d"}}', b'{"error":' * 100_000, b"[" * 100_000,
     b'{"error":{"code":true,"param":1.5}}'],
)  # fmt: skip
@pytest.mark.parametrize("status", [300, 400, 401, 404, 408, 424, 429, 499, 500, 503, 599])
def test_a_body_that_says_nothing_is_an_error_with_four_keys(body: bytes, status: int) -> None:
    for error in (answer(status, body), ERRORS.in_stream(body)):
        decoded = fields(error)
        assert list(decoded) == ["message", "type", "param", "code"]
        assert decoded["message"]
        assert isinstance(decoded["type"], str)
        assert error.status >= 400


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
CODES = st.sampled_from(
    ["content_filter", "DeploymentNotFound", "429", "404", "NoCapacity", "OperationNotSupported", "BadRequest", "x", 7]
)
SHAPES = st.dictionaries(
    st.sampled_from(["message", "type", "code", "param", "innererror", "inner_error", "status"]), JSON | CODES
)


@settings(max_examples=300, deadline=None)
@given(st.integers(300, 599), SHAPES | st.lists(SHAPES, max_size=2) | JSON, st.booleans())
def test_any_error_of_azure_has_the_four_keys(status: int, content: object, wrapped: bool) -> None:
    body = json.dumps({"error": content} if wrapped else content).encode()
    decoded = fields(answer(status, body))
    assert list(decoded)[:4] == ["message", "type", "param", "code"]
    assert all(isinstance(decoded[name], str | None) for name in ("param", "code"))
    assert set(decoded) <= {"message", "type", "param", "code", "innererror"}
    assert all(isinstance(decoded[name], str) and decoded[name] for name in ("message", "type"))


def test_a_long_message_is_cut() -> None:
    body = json.dumps({"error": {"message": "x" * 100_000}}).encode()
    assert answer(500, body).message == "x" * MAX_MESSAGE


def test_a_code_that_is_a_number_counts_as_one_that_is_a_text() -> None:
    assert answer(404, b'{"error":{"code":404,"message":"Resource not found"}}').code == "unknown_url"
    assert answer(500, b'{"error":{"code":500,"message":"x"}}').code is None


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (404, {"code": "ResourceNotFound"}, (404, "invalid_request_error", "unknown_url")),
        (500, {"code": "404"}, (500, "server_error", None)),
        (503, {"type": "too_many_requests"}, (429, "requests", "rate_limit_exceeded")),
        (500, {"type": "error"}, (500, "server_error", None)),
        (500, {"code": True}, (500, "server_error", None)),
        (400, {"code": "DeploymentNotFound"}, (404, "invalid_request_error", "model_not_found")),
    ],
)
def test_a_rule_applies_to_its_own_errors_only(status: int, content: object, expected: tuple[object, ...]) -> None:
    error = answer(status, json.dumps({"error": content}).encode())
    assert (error.status, error.type, error.code) == expected
    assert "content-type" not in error.headers


@pytest.mark.parametrize(
    "words", ["Public access is disabled.", "Denied by virtual network.", "Denied by the Firewall."]
)
def test_a_refusal_of_the_network_is_told_from_one_of_the_key(words: str) -> None:
    body = json.dumps({"error": {"message": words}}).encode()
    assert answer(403, body).message.startswith("Azure OpenAI's network rules keep the proxy out.")


def test_a_code_that_is_openais_is_kept_as_it_is_spelt() -> None:
    assert answer(400, b'{"error":{"code":"string_above_max_length","message":"x"}}').code == "string_above_max_length"


def test_the_wait_in_the_message_does_not_replace_the_header() -> None:
    body = b'{"error":{"code":"429","message":"Please retry after 7 seconds."}}'
    error = ERRORS.answer(429, {"retry-after": "3"}, body)
    assert error.headers["retry-after"] == "3"
    assert ERRORS.answer(429, {}, body).headers["retry-after"] == "7"


NAMELESS = AzureErrors(model=None, auth=AuthMode.KEY)


def test_a_deployment_that_is_missing_where_no_model_was_named_is_told_in_azures_words() -> None:
    error = answer(
        400, b'{"error":{"code":"DeploymentNotFound","message":"No such deployment.","param":"x"}}', NAMELESS
    )
    assert (error.status, error.type, error.code) == (404, "invalid_request_error", "model_not_found")
    assert (error.message, error.param) == ("No such deployment.", "x")


def test_a_wrong_operation_where_no_model_was_named_names_none() -> None:
    error = answer(400, b'{"error":{"code":"OperationNotSupported","message":"x"}}', NAMELESS)
    assert error.message == "The model of this request does not support this operation."
    assert (error.status, error.code, error.param) == (400, "unsupported_model", "model")


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_never_shown_to_the_client(status: int) -> None:
    error = ERRORS.answer(status, {"location": f"https://{HOST}/", "set-cookie": KEY}, HOST.encode())
    assert (error.status, error.code) == (502, "upstream_error")
    assert "location" not in error.headers
    response = to_response(error)
    assert HOST not in f"{response.headers} {response.body!r}"
    assert KEY not in str(response.headers)


def test_an_error_in_a_stream_is_translated_like_an_answer() -> None:
    assert ERRORS.in_stream(b'{"error":{"code":"DeploymentNotFound"}}').code == "model_not_found"
    assert fields(ERRORS.in_stream(b'{"error":{"code":"content_filter","innererror":{"a":1}}}'))["innererror"] == {
        "a": 1
    }
    assert ERRORS.in_stream(b'{"error":{}}').type == "server_error"


def test_the_detail_of_a_filter_is_the_bytes_of_azure() -> None:
    error = answer(400, b'{"error":{"code":"content_filter","message":"x","innererror":{"n": 1.0}}}')
    assert b'"innererror":{"n": 1.0}' in encode_error(error)
    other = answer(400, b'{"error":{"code":"content_filter","message":"x","innererror":"a"}}')
    assert "innererror" not in fields(other)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ModelNotFound("m"), (404, "invalid_request_error", "model_not_found", None)),
        (InvalidRequest("x", param="p", code="c"), (400, "invalid_request_error", "c", "p")),
        (Unauthenticated("x"), (401, "invalid_request_error", None, None)),
        (UnknownUrl("x"), (404, "invalid_request_error", "unknown_url", None)),
        (AzureRefusal("x", status=418, type="t", code=None), (418, "t", None, None)),
    ],
)
def test_an_error_of_the_proxy_has_the_same_shape(error: ProxyError, expected: tuple[object, ...]) -> None:
    decoded = fields(error)
    assert (error.status, decoded["type"], decoded["code"], decoded["param"]) == expected
    assert list(decoded) == ["message", "type", "param", "code"]


def test_an_answer_has_the_errors_headers_and_is_json() -> None:
    response = to_response(InvalidRequest("x", headers={"retry-after": "1"}))
    assert (response.status, response.headers) == (400, {"retry-after": "1", "content-type": "application/json"})


@pytest.mark.parametrize("status", [301, 600, 999])
def test_a_status_that_is_no_error_s_is_a_bad_gateway(status: int) -> None:
    error = AzureErrors(model="gpt-4o", auth=AuthMode.KEY).answer(status, {}, b"{}")
    assert (error.status, error.type) == (502, "server_error")


def test_half_a_surrogate_in_a_message_does_not_hide_the_error() -> None:
    body = b'{"error":{"message":"bad \\ud83d","code":"unknown_parameter","type":"invalid_request_error","param":"x"}}'
    error = AzureErrors(model="gpt-4o", auth=AuthMode.KEY).answer(400, {}, body)
    assert (error.code, error.param) == ("unknown_parameter", "x")
