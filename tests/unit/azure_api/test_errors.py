"""Azure OpenAI's errors in OpenAI's words."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.errors import AzureErrors
from proxy.errors import ProxyError
from proxy.openai_api.answers import encode_error, to_response
from proxy.values import AuthMode
from tests.unit.azure_api import recorded

KEY, HOST = "sk-canary-key", "canary-host.openai.azure.com"
ERRORS = AzureErrors(model="gpt-4o", auth=AuthMode.KEY_VAULT)


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
    """A refusal without a status is an event of a stream; the other members are those of the call."""
    refusal, client = (json.loads(recorded.read(case, name)) for name in ("refusal.json", "client.json"))
    body = refusal["body"] if isinstance(refusal["body"], str) else json.dumps(refusal["body"])
    auth = refusal.get("auth", AuthMode.KEY_VAULT)
    errors = AzureErrors(
        model="gpt-4o",
        auth=auth and AuthMode(auth),
        models=tuple(refusal.get("models", ())),
        client_text=refusal.get("said", "").encode(),
        keeps_details=refusal.get("keeps_details", False),
    )
    response = to_response(
        errors.answer(refusal["status"], refusal["headers"], body.encode())
        if "status" in refusal
        else errors.in_stream(body.encode())
    )
    assert isinstance(response.body, bytes)
    assert {"status": response.status, "body": json.loads(response.body)} == {
        "status": client["status"],
        "body": client["body"],
    }
    assert response.headers == {**client["headers"], "content-type": "application/json"}


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


@given(st.integers(300, 599), SHAPES | st.lists(SHAPES, max_size=2) | JSON, st.booleans())
def test_any_error_of_azure_has_the_four_keys(status: int, content: object, wrapped: bool) -> None:
    body = json.dumps({"error": content} if wrapped else content).encode()
    decoded = fields(answer(status, body))
    assert list(decoded)[:4] == ["message", "type", "param", "code"]
    assert all(isinstance(decoded[name], str | None) for name in ("param", "code"))
    assert set(decoded) <= {"message", "type", "param", "code", "innererror"}
    assert all(isinstance(decoded[name], str) and decoded[name] for name in ("message", "type"))


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
        (404, {"code": "model_not_found"}, (404, "invalid_request_error", "model_not_found")),
        (
            422,
            {"code": "ResponsibleAIPolicyViolation"},
            (400, "invalid_request_error", "ResponsibleAIPolicyViolation"),
        ),
    ],
)
def test_a_rule_applies_to_its_own_errors_only(status: int, content: object, expected: tuple[object, ...]) -> None:
    error = answer(status, json.dumps({"error": content}).encode())
    assert (error.status, error.type, error.code) == expected
    assert "content-type" not in error.headers


def test_a_code_that_is_openais_is_kept_as_it_is_spelt() -> None:
    assert answer(400, b'{"error":{"code":"string_above_max_length","message":"x"}}').code == "string_above_max_length"


def test_the_wait_in_the_message_does_not_replace_the_header() -> None:
    body = b'{"error":{"code":"429","message":"Please retry after 7 seconds."}}'
    error = ERRORS.answer(429, {"retry-after": "3"}, body)
    assert error.headers["retry-after"] == "3"
    assert ERRORS.answer(429, {}, body).headers["retry-after"] == "7"
    assert ERRORS.answer(429, {"retry-after": "soon"}, body).headers["retry-after"] == "7"


def test_a_fraction_of_a_second_is_told_in_milliseconds() -> None:
    body = b'{"error":{"code":"429","message":"Please retry after 1.5 seconds."}}'
    assert ERRORS.answer(429, {}, body).headers == {"retry-after": "2", "retry-after-ms": "1500"}
    assert to_response(ERRORS.answer(429, {"retry-after": "3"}, body)).headers["retry-after-ms"] == "3000"


def test_the_wait_is_read_in_a_sentence_that_is_not_shown() -> None:
    error = answer(503, b'{"error":{"message":"Busy. Retry after 5 seconds, see https://aka.ms/x"}}')
    assert (error.message, error.headers["retry-after"]) == ("Busy.", "5")


@pytest.mark.parametrize("status", [400, 404, 413])
def test_no_wait_is_told_where_waiting_is_no_use(status: int) -> None:
    body = b'{"error":{"message":"Please retry after 7 seconds."}}'
    assert "retry-after" not in answer(status, body).headers


def test_an_answer_without_a_wait_gets_none_but_an_event_does() -> None:
    body = b'{"error":{"code":"429","message":"Slow down."}}'
    assert "retry-after" not in answer(429, body).headers
    assert ERRORS.in_stream(body).headers == {"retry-after": "10", "retry-after-ms": "10000"}


@pytest.mark.parametrize("body", [b'{"statusCode":401,"message":"x"}', b'{"error":{"code":"Timeout"}}'])
def test_an_event_that_no_wait_cures_gets_none(body: bytes) -> None:
    assert "retry-after" not in ERRORS.in_stream(body).headers


NAMELESS = AzureErrors(model=None, auth=AuthMode.KEY)


def test_a_deployment_that_is_missing_where_no_model_was_named_is_told_in_azures_words() -> None:
    error = answer(
        400, b'{"error":{"code":"DeploymentNotFound","message":"No such deployment.","param":"x"}}', NAMELESS
    )
    assert (error.status, error.type, error.code) == (404, "invalid_request_error", "model_not_found")
    assert (error.message, error.param) == ("No such deployment.", "x")


def test_a_wrong_operation_where_no_model_was_named_names_none() -> None:
    error = answer(400, b'{"error":{"code":"OperationNotSupported"}}', NAMELESS)
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
    filtered = b'{"error":{"code":"content_filter","innererror":{"a":1}}}'
    assert fields(replace(ERRORS, keeps_details=True).in_stream(filtered))["innererror"] == {"a": 1}
    assert set(fields(ERRORS.in_stream(filtered))) == {"message", "type", "param", "code"}
    assert ERRORS.in_stream(b'{"error":{}}').type == "server_error"


@pytest.mark.parametrize("status", [301, 600, 999])
def test_a_status_that_is_no_error_s_is_a_bad_gateway(status: int) -> None:
    error = AzureErrors(model="gpt-4o", auth=AuthMode.KEY).answer(status, {}, b"{}")
    assert (error.status, error.type) == (502, "server_error")


def test_half_a_surrogate_in_a_message_does_not_hide_the_error() -> None:
    body = b'{"error":{"message":"bad \\ud83d","code":"unknown_parameter","type":"invalid_request_error","param":"x"}}'
    error = AzureErrors(model="gpt-4o", auth=AuthMode.KEY).answer(400, {}, body)
    assert (error.code, error.param) == ("unknown_parameter", "x")


def test_a_deployment_that_is_missing_names_the_clients_other_models() -> None:
    errors = AzureErrors(model="gpt-4", auth=None, models=("whisper", "gpt-4o"))
    assert "`gpt-4o`" in answer(404, b'{"error":{"code":"DeploymentNotFound"}}', errors).message


def test_what_the_client_said_and_the_credential_have_no_repr() -> None:
    assert "canary" not in repr(AzureErrors(model=None, auth=None, client_text=b"canary", secret="canary"))


BARE = b'{"error":{"code":"404","message":"Resource not found"}}'


def test_a_path_that_is_not_found_is_blamed_on_the_api_version_only_where_it_may_be_the_cause() -> None:
    assert "api-version" in answer(404, BARE).message
    for errors in (replace(ERRORS, has_version=False), replace(ERRORS, names_object=True)):
        error = answer(404, BARE, errors)
        assert (error.status, error.code) == (404, "unknown_url")
        assert "api-version" not in error.message


def test_what_azure_says_more_of_a_path_is_kept() -> None:
    error = answer(404, b'{"error":{"code":"404","message":"Not in this region."}}')
    assert (error.status, error.code, error.message) == (404, "unknown_url", "Not in this region.")


@pytest.mark.parametrize("code", ["404", "ResourceNotFound"])
def test_an_object_that_is_not_found_is_told_in_azures_words(code: str) -> None:
    body = json.dumps({"error": {"code": code, "message": "File file-1 was not found.", "param": "id"}}).encode()
    error = answer(404, body, replace(ERRORS, names_object=True))
    assert (error.status, error.type, error.message) == (404, "invalid_request_error", "File file-1 was not found.")
    assert error.param == "id"


def test_the_advice_about_a_wrong_operation_is_kept() -> None:
    body = b'{"error":{"code":"OperationNotSupported","message":"This model is only supported in v1/responses."}}'
    assert answer(400, body).message == (
        "The model `gpt-4o` does not support this operation. This model is only supported in v1/responses."
    )


@pytest.mark.parametrize("status", [400, 404, 409, 429, 500, 503])
@pytest.mark.parametrize(
    "key",
    ["my-own-azure-key-1", "sk-proj-abcdef_0123456789-xyz", "0123456789abcdef" * 2, "A1b2" * 21,
     "abcd" * 10 + "efg=", "eyJ0eXAiOiJKV1Qi.eyJhdWQiOiJodHRw.c2lnbmF0dXJl"],
)  # fmt: skip
def test_no_key_in_an_error_is_shown(status: int, key: str) -> None:
    body = json.dumps({"error": {"code": key, "message": f"The key {key}, sent as {key}.", "param": key}}).encode()
    errors = replace(ERRORS, secret="my-own-azure-key-1", client_text=b"my-own-azure-key-1")
    response = to_response(answer(status, body, errors))
    assert key not in f"{response.headers} {response.body!r}"
    assert key not in str(encode_error(errors.in_stream(body)))


def test_azures_header_counts_before_every_other_wait() -> None:
    body = b'{"error":{"code":"429","message":"Slow down, retry after 10 seconds."}}'
    waits = {"retry-after": "37", "retry-after-ms": "37000"}
    for head in ({"retry-after": "37"}, {"retry-after-ms": "37000"}, {"x-ms-retry-after-ms": "37000"}, waits):
        assert ERRORS.answer(429, head, body).headers == waits
        assert replace(ERRORS, head=head).in_stream(body).headers == waits
        assert replace(ERRORS, head=head).in_stream(b'{"error":{"code":"429"}}').headers == waits
    assert ERRORS.answer(429, {}, body).headers == {"retry-after": "10", "retry-after-ms": "10000"}


def test_a_date_stays_and_gets_no_other_wait() -> None:
    date = {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}
    assert ERRORS.answer(429, date, b'{"message":"retry after 10 seconds"}').headers == date


@given(
    st.integers(300, 599) | st.none(),
    st.sampled_from(["message", "type", "code", "param", "innererror", "inner_error", "other"]),
    st.sampled_from(
        [
            f"https://{HOST}/x",
            HOST,
            "0123456789abcdef" * 2,
            "11111111-2222-4333-8444-555555555555",
            "/subscriptions/s/x",
        ]
    ),
    st.sampled_from(["", "DeploymentNotFound", "content_filter", "429", "OperationNotSupported", "x"]),
    st.booleans(),
)
def test_nothing_of_azure_that_is_not_the_clients_is_echoed(
    status: int | None, where: str, secret: str, code: str, wrapped: bool
) -> None:
    content = {"code": code, where: {"detail": secret} if "inner" in where else f"See {secret} for more."}
    body = json.dumps({"error": content} if wrapped else content).encode()
    error = ERRORS.in_stream(body) if status is None else answer(status, body)
    response = to_response(error)
    assert secret not in f"{response.headers} {response.body!r}"
