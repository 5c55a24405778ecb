"""What the host does to headers on their way to the worker and back."""

from multidict import CIMultiDict, CIMultiDictProxy

INVOCATION_ID = "x-ms-invocation-id"
HEADERS_LIMIT = 32 * 1024  # Kestrel's MaxRequestHeadersTotalSize
_DROPPED_FROM_RESPONSE = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_DROPPED_FROM_REQUEST = _DROPPED_FROM_RESPONSE | {"forwarded", "host", "proxy-authorization", "te", "trailer"}


def refusal(headers: CIMultiDictProxy[str]) -> int | None:
    """Return the status with which the host refuses these headers, if it does."""
    size = 0
    for name, value in headers.items():
        if not value.isascii():
            return 400
        size += len(name) + len(value)
    return 431 if size > HEADERS_LIMIT else None


def to_worker(headers: CIMultiDictProxy[str], *, client: str, invocation_id: str) -> CIMultiDict[str]:
    """Build the worker's request headers: repeated ones merged, the client's forwarding headers replaced."""
    sent: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        lower = name.lower()
        if lower in _DROPPED_FROM_REQUEST or lower.startswith("x-forwarded-"):
            continue
        if lower in sent:
            sent[name] = f"{sent[name]}{'; ' if lower == 'cookie' else ', '}{value}"
        else:
            sent[name] = value
    sent["X-Forwarded-For"] = client
    sent["X-Forwarded-Host"] = headers.get("Host", "")
    sent["X-Forwarded-Proto"] = "http"
    sent[INVOCATION_ID] = invocation_id
    return sent


def to_client(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Build the client's response headers: those of the app but its Connection and framing."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _DROPPED_FROM_RESPONSE)
