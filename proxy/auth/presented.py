"""The key that a request carries, whatever it opens."""

import hmac
from collections.abc import Mapping

from proxy.errors import Unauthenticated

_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or in an api-key header."
)
_TWO_KEYS = "The Authorization header and the api-key header hold two different API keys. Send only one."

INVALID_KEY = "invalid_api_key"


def presented_key(headers: Mapping[str, str]) -> str:
    """Return the key of the Authorization header or of the api-key header; raise `Unauthenticated` without one."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    bearer, api_key = token.strip(), headers.get("api-key", "").strip()
    if scheme and scheme.lower() != "bearer":
        raise Unauthenticated(_NO_KEY)
    if bearer and api_key and not hmac.compare_digest(bearer.encode(), api_key.encode()):
        raise Unauthenticated(_TWO_KEYS, code=INVALID_KEY)
    if not bearer and not api_key:
        raise Unauthenticated(_NO_KEY)
    return bearer or api_key
