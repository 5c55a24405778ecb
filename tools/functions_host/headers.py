"""What the host does to headers on their way to the worker and back."""

from multidict import CIMultiDict, CIMultiDictProxy

INVOCATION_ID = "x-ms-invocation-id"
HEADERS_LIMIT = 32 * 1024  # Kestrel's MaxRequestHeadersTotalSize
COUNT_LIMIT = 100  # Kestrel's MaxRequestHeaderCount
LINE_LIMIT = 8 * 1024  # Kestrel's MaxRequestLineSize
_DROPPED_FROM_RESPONSE = frozenset({"connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"})
_FORWARDING = frozenset({"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})
_DROPPED_FROM_REQUEST = _DROPPED_FROM_RESPONSE | _FORWARDING | {"host", "proxy-authorization", "te", "trailer"}
_UPGRADE = frozenset({"connection", "upgrade"})


def refusal(headers: CIMultiDictProxy[str], *, takes_utf8: bool) -> int | None:
    """Return the status with which the host refuses these headers, if it does."""
    size = 0
    for name, value in headers.items():
        if not value.isascii() and not (takes_utf8 and _is_utf8(value)):
            return 400
        size += len(name) + len(value)
    return 431 if size > HEADERS_LIMIT or len(headers) > COUNT_LIMIT else None


def is_lost(headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a host of 2024 loses a request: its invocation and its HTTP leg never find each other."""
    return INVOCATION_ID in headers or has_no_leg(headers)


def has_no_leg(headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a host of 2024 fails to send a request on: it cannot write a value that is not ASCII."""
    return not all(value.isascii() for value in headers.values())


def _is_utf8(value: str) -> bool:
    return not any("\udc80" <= character <= "\udcff" for character in value)


def is_upgrade(headers: CIMultiDictProxy[str]) -> bool:
    """Tell whether a client asks for another protocol; the host passes that on."""
    return "Upgrade" in headers and "upgrade" in headers.get("Connection", "").lower()


def to_worker(
    headers: CIMultiDictProxy[str], *, client: str, invocation_id: str, keeps_scheme: bool = False
) -> CIMultiDict[str]:
    """Build the worker's request headers: repeated ones merged, the client's forwarding headers replaced.

    `keeps_scheme` is for Flex Consumption, whose front end says how the client has come.
    """
    sent: CIMultiDict[str] = CIMultiDict()
    dropped = _DROPPED_FROM_REQUEST - (_UPGRADE if is_upgrade(headers) else frozenset())
    for name, value in headers.items():
        lower = name.lower()
        if lower in dropped:
            continue
        if lower in sent:
            sent[name] = f"{sent[name]}{'; ' if lower == 'cookie' else ', '}{value}"
        else:
            sent[name] = value
    sent["X-Forwarded-For"] = client
    sent["X-Forwarded-Host"] = headers.get("Host", "")
    sent["X-Forwarded-Proto"] = headers.get("X-Forwarded-Proto", "http") if keeps_scheme else "http"
    sent[INVOCATION_ID] = invocation_id
    return sent


def to_client(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    """Build the client's response headers: those of the app but its Connection and framing."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _DROPPED_FROM_RESPONSE)
