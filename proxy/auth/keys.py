"""Client keys: the key that a request carries, and the client that has it."""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from proxy.errors import Unauthenticated
from proxy.values import Client, ClientKey

_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or in an api-key header."
)
_TWO_KEYS = "The Authorization header and the api-key header hold two different API keys. Send only one."
_WRONG_KEY = "Incorrect API key provided. Ask the operator of this proxy for a key."
INVALID_KEY = "invalid_api_key"


def presented_key(headers: Mapping[str, str]) -> str:
    """Return the key in the Authorization or the api-key header; raise `Unauthenticated` if there is none."""
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    bearer, api_key = token.strip(), headers.get("api-key", "").strip()
    if scheme and scheme.lower() != "bearer":
        raise Unauthenticated(_NO_KEY)
    if bearer and api_key and not hmac.compare_digest(bearer.encode(), api_key.encode()):
        raise Unauthenticated(_TWO_KEYS, code=INVALID_KEY)
    if not bearer and not api_key:
        raise Unauthenticated(_NO_KEY)
    return bearer or api_key


class KeyRing:
    """The client keys, held only as digests."""

    def __init__(self, keys: Iterable[ClientKey], pepper: bytes) -> None:
        """Hash the keys with a `pepper`, at most 64 random bytes of this process.

        All digests have the same length and are all compared, so that timing reveals nothing about a key.
        """
        self._pepper = pepper
        self._clients = [(self._digest(entry.key.reveal()), entry.client) for entry in keys]

    def __len__(self) -> int:
        """Return the number of keys."""
        return len(self._clients)

    def identify(self, headers: Mapping[str, str], now: float) -> Client:
        """Return the client whose key the request carries; `now` is in seconds since 1970 UTC.

        Raises `Unauthenticated`, with the same message for a key that is unknown, expired or not valid yet.
        """
        presented = self._digest(presented_key(headers))
        client = None
        for known, candidate in self._clients:
            if hmac.compare_digest(known, presented) and _is_valid(candidate, now):
                client = candidate
        if client is None:
            raise Unauthenticated(_WRONG_KEY, code=INVALID_KEY)
        return client

    def _digest(self, key: str) -> bytes:
        return hashlib.blake2b(key.encode(), key=self._pepper, digest_size=32).digest()


def _is_valid(client: Client, now: float) -> bool:
    started = client.not_before is None or client.not_before <= now
    return started and (client.expires is None or now < client.expires)
