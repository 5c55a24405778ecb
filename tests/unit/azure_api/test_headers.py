"""Which headers pass."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.headers import (
    FIXED_REQUEST_HEADERS,
    REQUEST_HEADERS,
    RESPONSE_HEADERS,
    common_headers,
    of_download,
    request_to_azure,
    response_to_openai,
)

SECRET = "canary"
PRIVATE = [
    "authorization", "api-key", "cookie", "host", "connection", "content-length", "transfer-encoding", "forwarded",
    "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-original-url", "x-functions-key", "x-api-key",
    "x-ms-client-principal", "x-ms-client-principal-id", "x-ms-token-aad-access-token", "x-ms-invocation-id",
    "x-identity-header", "metadata", "x-http-method-override", "ocp-apim-subscription-key", "proxy-authorization",
    "openai-organization", "openai-project", "x-arr-ssl", "x-site-deployment-id", "disguised-host",
    "x-ms-spillover-deployment", "accept-language", "te", "upgrade", "expect", "content-encoding",
]  # fmt: skip
FROM_AZURE = [
    "set-cookie", "server", "x-ms-region", "x-ms-deployment-name", "x-ms-served-model", "x-ms-rai-invoked",
    "azureml-model-session", "x-envoy-upstream-service-time", "content-encoding", "content-length",
    "transfer-encoding", "connection", "strict-transport-security", "www-authenticate", "x-ms-request-id",
    "access-control-allow-origin", "content-security-policy", "date", "via", "content-disposition", "x-should-retry",
]  # fmt: skip
WAITS = {"retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset-tokens"}
NAMES = (
    st.sampled_from([*PRIVATE, *FROM_AZURE, *REQUEST_HEADERS, *RESPONSE_HEADERS])
    | st.from_regex(r"(x-ms-|x-forwarded-|x-functions-|x-)[a-z-]{0,12}", fullmatch=True)
    | st.text(max_size=12)
)
HEADERS = st.dictionaries(NAMES, st.just(SECRET), max_size=20)


@given(HEADERS)
def test_only_listed_headers_go_to_azure_whatever_comes_in(headers: dict[str, str]) -> None:
    sent = request_to_azure(headers, json=False)
    assert set(sent) == (set(headers) & REQUEST_HEADERS) | set(FIXED_REQUEST_HEADERS)
    assert {name: sent[name] for name in FIXED_REQUEST_HEADERS} == FIXED_REQUEST_HEADERS


@given(HEADERS)
def test_only_listed_headers_come_back_whatever_azure_answers(headers: dict[str, str]) -> None:
    passed = response_to_openai(headers)
    assert set(passed) <= RESPONSE_HEADERS | ({"location"} & set(headers))
    assert all(passed[name] == headers[name] for name in (RESPONSE_HEADERS & set(headers)) - WAITS)
    assert not WAITS & set(passed)  # The canary is none.


@pytest.mark.parametrize("name", PRIVATE)
def test_a_header_of_the_client_or_the_platform_stays_behind(name: str) -> None:
    assert SECRET not in request_to_azure({name: SECRET}, json=True).values()


@pytest.mark.parametrize("name", FROM_AZURE)
def test_a_header_that_only_azure_has_stays_behind(name: str) -> None:
    assert response_to_openai({name: SECRET}) == {}


def test_no_listed_header_is_a_credential_or_the_platforms() -> None:
    # The client's own correlation id, which Azure writes into its log; and a deployment, which is no secret.
    allowed = {"x-ms-client-request-id", "x-ms-oai-image-generation-deployment"}
    for name in (REQUEST_HEADERS | set(FIXED_REQUEST_HEADERS)) - allowed:
        assert name not in {"authorization", "api-key", "cookie"}
        assert not name.startswith(("x-ms-", "x-forwarded", "x-functions", "x-arr", "proxy-"))


def test_upstream_is_asked_for_plain_bytes_whatever_the_client_accepts() -> None:
    client = {"accept-encoding": "gzip", "user-agent": "OpenAI/Python"}
    assert request_to_azure(client, json=False) == FIXED_REQUEST_HEADERS


@pytest.mark.parametrize(
    "told", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}]
)
def test_what_was_read_as_json_is_sent_as_json(told: dict[str, str]) -> None:
    assert request_to_azure(told, json=True)["content-type"] == "application/json"
    assert request_to_azure(told, json=False).get("content-type") == told.get("content-type")


@pytest.mark.parametrize(
    ("azure", "own"),
    [
        ("https://a.openai.azure.com/openai/v1/realtime/calls/rtc_1", "/v1/realtime/calls/rtc_1"),
        ("https://a.openai.azure.com:443/openai/files/file-1?api-version=2024-10-21", "/v1/files/file-1"),
        ("/openai/v1/videos/v-1", "/v1/videos/v-1"),
        ("/openai/batches/b-1", "/v1/batches/b-1"),
        ("/v1/realtime/calls/rtc_1", "/v1/realtime/calls/rtc_1"),
        ("/realtime/calls/rtc_1", "/v1/realtime/calls/rtc_1"),
        ("https://api.openai.com/v1/realtime/calls/rtc_1#x", "/v1/realtime/calls/rtc_1"),
        ("//elsewhere.example//evil.example/x", "/v1/evil.example/x"),
    ],
)
def test_a_location_at_azure_becomes_a_path_at_the_proxy(azure: str, own: str) -> None:
    assert response_to_openai({"location": azure}) == {"location": own}
    assert of_download({"location": azure}) == {"location": own}


def test_a_location_that_is_no_address_is_not_passed_on() -> None:
    assert "canary" not in str(response_to_openai({"location": "https://[canary", "x-request-id": "x"}))


@given(HEADERS)
def test_a_download_keeps_its_length_and_its_name_besides(headers: dict[str, str]) -> None:
    kept = {name: headers[name] for name in ("content-length", "content-disposition") if name in headers}
    assert of_download(headers) == response_to_openai(headers) | kept


def test_the_request_id_of_the_gateway_stands_in_for_a_missing_one() -> None:
    assert response_to_openai({"apim-request-id": "a"}) == {"apim-request-id": "a", "x-request-id": "a"}
    assert response_to_openai({"x-request-id": "x", "apim-request-id": "a"})["x-request-id"] == "x"
    assert "x-request-id" not in response_to_openai({"retry-after": "1"})


def test_every_answer_has_a_request_id_and_is_kept_by_no_cache() -> None:
    assert common_headers("local") == {"x-request-id": "local", "cache-control": "no-store"}


@pytest.mark.parametrize("value", ["a\u20acb", "\u2603", "a\x7f", "a\nb", "\udcff"])
def test_what_cannot_be_a_header_is_left_out(value: str) -> None:
    azure = {"x-request-id": value, "apim-request-id": "6f1c", "x-ratelimit-limit-tokens": value}
    assert response_to_openai(azure) == {"x-request-id": "6f1c", "apim-request-id": "6f1c"}


def test_what_is_left_of_a_limit_is_told_as_openai_tells_it() -> None:
    azure = {"x-ratelimit-reset-requests": "10", "x-ratelimit-reset-tokens": "300", "x-ratelimit-limit-tokens": "10"}
    assert response_to_openai(azure) == {
        "x-ratelimit-reset-requests": "10s",
        "x-ratelimit-reset-tokens": "5m0s",
        "x-ratelimit-limit-tokens": "10",
    }


@pytest.mark.parametrize("name", sorted(WAITS))
@pytest.mark.parametrize("value", ["-1", "soon", "", "nan"])
def test_a_wait_that_nobody_can_read_is_left_out(name: str, value: str) -> None:
    assert response_to_openai({name: value}) == {}


def test_a_wait_passes_as_azure_tells_it() -> None:
    for azure in ({"retry-after": "86400", "retry-after-ms": "7.5"}, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}):
        assert response_to_openai(azure) == azure
