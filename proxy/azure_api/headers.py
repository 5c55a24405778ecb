"""The headers that pass, in both directions; all others are removed."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from proxy.openai_api import retry_after

# Never the client's credential, never what the platform adds.
REQUEST_HEADERS = frozenset(
    {
        "accept",
        "content-type",
        "idempotency-key",
        "openai-beta",
        "traceparent",
        "tracestate",
        "x-ms-client-request-id",
        "x-ms-oai-image-generation-deployment",
    }
)
# Answers must not be compressed, because streams are read event by event.
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
# These are rewritten; a value that OpenAI's clients cannot read is removed.
_REWRITTEN: Mapping[str, Callable[[str], str | None]] = {
    "retry-after": retry_after.delay_to_openai,
    "retry-after-ms": retry_after.milliseconds_to_openai,
    "x-ratelimit-reset-requests": retry_after.reset_to_openai,
    "x-ratelimit-reset-tokens": retry_after.reset_to_openai,
}
_DOWNLOAD_HEADERS = ("content-length", "content-disposition")
_OF_A_SUCCESS = frozenset({"content-type", "location"})
JSON = {"content-type": "application/json"}
EVENTS = {"content-type": "text/event-stream; charset=utf-8"}
TEXT = {"content-type": "text/plain; charset=utf-8"}


def request_to_azure(headers: Mapping[str, str], *, json: bool) -> dict[str, str]:
    """Return the headers for Azure, without a credential; with `json` the content type is replaced."""
    passed = {name: value for name, value in headers.items() if name in REQUEST_HEADERS}
    return passed | FIXED_REQUEST_HEADERS | (JSON if json else {})


def response_to_openai(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of Azure's answer for the client; names are in lower case on both sides."""
    passed = {name: value for name, value in headers.items() if name in RESPONSE_HEADERS}
    if not _is_plain("".join(passed.values())):
        passed = {name: value for name, value in passed.items() if _is_plain(value)}
    for name in _REWRITTEN:
        if name in passed:
            _rewrite(passed, name)
    # The gateway in front of Azure OpenAI may answer with its own id alone; OpenAI's SDKs read x-request-id.
    if "x-request-id" not in passed and "apim-request-id" in passed:
        passed["x-request-id"] = passed["apim-request-id"]
    if "location" in headers and (location := _own_location(headers["location"])):
        passed["location"] = location
    return passed


def _rewrite(passed: dict[str, str], name: str) -> None:
    value = _REWRITTEN[name](passed[name])
    if value is None:
        del passed[name]
    else:
        passed[name] = value


def headers_of_error(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of Azure's answer for an error, whose body is replaced."""
    passed = {name: value for name, value in response_to_openai(headers).items() if name not in _OF_A_SUCCESS}
    wait = retry_after.milliseconds_to_openai(headers.get("x-ms-retry-after-ms", ""))
    return passed if wait is None else {"retry-after-ms": wait, **passed}


def _is_plain(value: str) -> bool:
    """Tell whether a value is safe in a header; one that is not is removed."""
    return value.isascii() and value.isprintable()


def of_download(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of an answer whose bytes pass unchanged, with their length."""
    passed = {name: headers[name] for name in _DOWNLOAD_HEADERS if name in headers and _is_plain(headers[name])}
    return response_to_openai(headers) | passed


def _own_location(location: str) -> str:
    """Return the proxy's path for an address at Azure, empty if there is none; the proxy does not know its own host."""
    try:
        path = urlsplit(location).path
    except ValueError:
        path = ""
    return path and "/v1/" + path.removeprefix("/openai").removeprefix("/v1").lstrip("/")


def common_headers(request_id: str) -> dict[str, str]:
    """Return what every answer carries: no cache may keep it, and `request_id` stands in where Azure gave none."""
    return {"x-request-id": request_id, "cache-control": "no-store"}
