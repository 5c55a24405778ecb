"""Which headers pass, both ways: what is not on a list stays behind."""

from collections.abc import Mapping

# Never the client's credential, never what the platform in front of us added.
REQUEST_HEADERS = frozenset({"accept", "content-type", "idempotency-key", "openai-beta", "x-ms-client-request-id"})
# Upstream is asked for plain bytes: a stream is read event by event, and the client's hop compresses for itself.
FIXED_REQUEST_HEADERS = {"accept-encoding": "identity", "user-agent": "azure-openai-functions-proxy"}

RESPONSE_HEADERS = frozenset(
    {
        "apim-request-id",
        "content-type",
        "openai-model",
        "openai-processing-ms",
        "openai-version",
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-requests",
        "x-ratelimit-reset-tokens",
        "x-request-id",
    }
)
# The gateway in front of Azure OpenAI may answer with one of these alone; OpenAI's SDKs read x-request-id.
_REQUEST_IDS = ("x-request-id", "apim-request-id")


def request_to_azure(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that go to Azure, without a credential."""
    passed = {name: value for name, value in headers.items() if name in REQUEST_HEADERS}
    return passed | FIXED_REQUEST_HEADERS


def response_to_openai(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of Azure's answer that the client gets; names are lower-case on both sides."""
    passed = {name: value for name, value in headers.items() if name in RESPONSE_HEADERS}
    for name in _REQUEST_IDS:
        if name in headers:
            passed["x-request-id"] = headers[name]
            break
    return passed


def finish(headers: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Return the headers of an answer with what every answer carries.

    No cache in between may keep an answer; `request_id` stands in where Azure gave none.
    """
    return {"x-request-id": request_id, "cache-control": "no-store", **headers}
