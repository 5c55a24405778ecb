"""The platform's CORS on Flex Consumption, from the site's own setting CORS_ALLOWED_ORIGINS."""

from collections.abc import Mapping, Set

ALLOW_ORIGIN = "Access-Control-Allow-Origin"


def is_preflight(method: str, headers: Mapping[str, str]) -> bool:
    """Tell whether the platform answers this request in place of the app."""
    return method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers


def allowed_origin(origins: Set[str], headers: Mapping[str, str]) -> str | None:
    """Return the platform's Access-Control-Allow-Origin for this request, None for an origin it does not list."""
    origin = headers.get("Origin")
    if origin is None:
        return None
    if "*" in origins:
        return "*"
    return origin if origin in origins else None


def preflight_headers(origins: Set[str], headers: Mapping[str, str]) -> dict[str, str]:
    """Build the headers of the platform's 204: none for an origin it does not list."""
    origin = allowed_origin(origins, headers)
    if origin is None:
        return {}
    allowed = {ALLOW_ORIGIN: origin, "Access-Control-Allow-Methods": headers["Access-Control-Request-Method"]}
    if requested := headers.get("Access-Control-Request-Headers"):
        allowed["Access-Control-Allow-Headers"] = requested
    return allowed
