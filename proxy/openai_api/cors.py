"""Which web pages may call the proxy from a browser.

A client sends its key explicitly and never as a cookie, so that pages of any origin can be allowed.
https://fetch.spec.whatwg.org/#http-cors-protocol
"""

from collections.abc import Mapping

from proxy.openai_api.answers import ATTEMPTS, BUDGET_EXCEEDED, BUDGET_REMAINING, COST, REPAIRED, TARGET, TRANSLATED
from proxy.values import Response

ANY = "*"
_METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS, HEAD"
_EXPOSED = (
    f"x-request-id, retry-after, retry-after-ms, x-should-retry, {REPAIRED}, {TRANSLATED}, {TARGET}, {ATTEMPTS}, "
    f"{COST}, {BUDGET_REMAINING}, {BUDGET_EXCEEDED}, location, openai-processing-ms, "
    "x-ratelimit-limit-requests, x-ratelimit-limit-tokens, x-ratelimit-remaining-requests, "
    "x-ratelimit-remaining-tokens, x-ratelimit-reset-requests, x-ratelimit-reset-tokens"
)
# A day, in seconds; browsers have upper limits of their own.
_MAX_AGE = "86400"


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether a request is a preflight: a browser that asks what a page may do."""
    return method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers


def answer_preflight(headers: Mapping[str, str]) -> Response:
    """Return the part of the answer to a preflight that does not depend on the origin."""
    allowed = {
        "access-control-allow-methods": _METHODS,
        "access-control-allow-headers": headers.get("access-control-request-headers", "authorization, content-type"),
        "access-control-max-age": _MAX_AGE,
    }
    return Response(status=204, headers=allowed, body=b"")


def origin_headers(headers: Mapping[str, str], allowed: frozenset[str]) -> dict[str, str]:
    """Return the headers that let the calling page read the answer, none of them for a page that is not allowed."""
    origin = headers.get("origin")
    if origin is None:
        return {}
    if ANY in allowed:
        return {"access-control-allow-origin": ANY, "access-control-expose-headers": _EXPOSED}
    if origin not in allowed:
        return {"vary": "Origin"}
    return {"access-control-allow-origin": origin, "access-control-expose-headers": _EXPOSED, "vary": "Origin"}
