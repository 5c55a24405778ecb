"""Which web pages may call the proxy from a browser.

A client proves itself with a key that it sends on purpose, never with a cookie: pages of any origin may be let in.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Mapping

from proxy.openai_api.answers import ATTEMPTS, REPAIRED, TARGET
from proxy.values import Response

ANY = "*"
_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"
_EXPOSED = (
    f"x-request-id, retry-after, retry-after-ms, x-should-retry, {REPAIRED}, {TARGET}, {ATTEMPTS}, "
    "location, openai-processing-ms, x-ratelimit-limit-requests, x-ratelimit-limit-tokens, "
    "x-ratelimit-remaining-requests, x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, "
    "x-ratelimit-reset-tokens"
)
# A day, in seconds; browsers take less when that is too long for them.
_MAX_AGE = "86400"


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a browser asks what a page may do."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def answer_preflight(headers: Mapping[str, str]) -> Response:
    """Return what a page may do, as far as that does not depend on its origin."""
    allowed = {
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": headers.get("access-control-request-headers", "authorization, content-type"),
        "access-control-max-age": _MAX_AGE,
    }
    return Response(status=204, headers=allowed, body=b"")


def origin_headers(headers: Mapping[str, str], allowed: frozenset[str]) -> dict[str, str]:
    """Return what lets the page that asked read the answer; nothing for a page that is not allowed."""
    origin = headers.get("origin")
    if origin is None:
        return {}
    if ANY in allowed:
        return {"access-control-allow-origin": ANY, "access-control-expose-headers": _EXPOSED}
    if origin not in allowed:
        return {"vary": "Origin"}
    return {"access-control-allow-origin": origin, "access-control-expose-headers": _EXPOSED, "vary": "Origin"}
