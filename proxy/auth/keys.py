"""Client keys: the key that a request carries, and the client that has it."""

import hashlib
from collections.abc import Iterable, Mapping

from proxy.config.key_format import PREFIX, is_mistyped
from proxy.errors import Unauthenticated
from proxy.values import Client, ClientKey

_NO_KEY = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY), or in an api-key header."
)
_TWO_KEYS = "The Authorization header and the api-key header hold two different API keys. Send only one."
_WRONG_KEY = "Incorrect API key provided. Ask the operator of this proxy for a key."
_NO_ADMIN = "This needs the key of an operator: ADMIN_KEYS, or a secret admin-NAME in the vault."
_ONLY_ADMIN = (
    "This is the key of an operator. It opens POST /doctor, /v1/organization/costs and the usage of completions, "
    "embeddings, images, audio_speeches and audio_transcriptions; everything else needs a client key."
)
INVALID_KEY = "invalid_api_key"


def presented_keys(headers: Mapping[str, str]) -> tuple[str, ...]:
    """Return the keys of the Authorization header and of the api-key header, at least one and each once.

    What another scheme carries is for somebody else: a password of a gateway in front, say. Raises `Unauthenticated`
    when there is no key.
    """
    scheme, _, token = _once(headers.get("authorization", "").strip()).partition(" ")
    bearer = token.strip() if scheme.lower() == "bearer" else ""
    keys = tuple(dict.fromkeys(filter(None, (bearer, _once(headers.get("api-key", "").strip())))))
    if not keys:
        raise Unauthenticated(_NO_KEY)
    return keys


def presented_key(headers: Mapping[str, str]) -> str:
    """Return the key that a request carries; raise `Unauthenticated` when it carries none, or two different ones."""
    keys = presented_keys(headers)
    if len(keys) > 1:
        raise Unauthenticated(_TWO_KEYS, code=INVALID_KEY)
    return keys[0]


def _once(value: str) -> str:
    """Return the value of a header that came twice with the same value, which the host has joined."""
    half = (len(value) - 2) // 2
    return value[:half] if value[half : half + 2] == ", " and value[:half] == value[half + 2 :] else value


class KeyRing:
    """The client keys, held only as keyed digests."""

    def __init__(self, keys: Iterable[ClientKey], pepper: bytes) -> None:
        """Hash the digests of the keys with a `pepper`, at most 64 random bytes of this process.

        A key is looked up by a digest that nobody outside can compute, so that timing reveals nothing about a key.
        """
        self._pepper = pepper
        self._clients: dict[bytes, tuple[Client, ...]] = {}
        self._admins: dict[bytes, tuple[Client, ...]] = {}
        for entry in keys:
            if not entry.locked:
                digest, holders = self._keyed(bytes.fromhex(entry.digest)), self._clients
                if entry.is_admin:
                    holders = self._admins
                holders[digest] = (*holders.get(digest, ()), entry.client)

    def __len__(self) -> int:
        """Return the number of client keys."""
        return sum(map(len, self._clients.values()))

    def identify(self, headers: Mapping[str, str], now: float) -> Client:
        """Return the client whose key the request carries; `now` is in seconds since 1970 UTC.

        Of two keys the valid one counts. Raises `Unauthenticated`, in the same words whether a key is unknown,
        mistyped, expired or not valid yet.
        """
        found = [client for key in presented_keys(headers) if (client := self._find(key, now)) is not None]
        if len(found) == 1:
            return found[0]
        raise Unauthenticated(_TWO_KEYS if found else self._refusal(headers, now), code=INVALID_KEY)

    def identify_admin(self, headers: Mapping[str, str], now: float) -> Client:
        """Return the operator whose key the request carries; raise `Unauthenticated`, also for a client's key."""
        for key in presented_keys(headers):
            if (admin := self._find(key, now, self._admins)) is not None:
                return admin
        raise Unauthenticated(_NO_ADMIN, code=INVALID_KEY)

    def _refusal(self, headers: Mapping[str, str], now: float) -> str:
        """Return why no key is that of a client."""
        is_admin = any(self._find(key, now, self._admins) for key in presented_keys(headers))
        return _ONLY_ADMIN if is_admin else _WRONG_KEY

    def _find(self, key: str, now: float, holders: Mapping[bytes, tuple[Client, ...]] | None = None) -> Client | None:
        if key.startswith(PREFIX) and is_mistyped(key):
            return None
        digest = self._keyed(hashlib.sha256(key.encode()).digest())
        for client in (self._clients if holders is None else holders).get(digest, ()):
            if (client.not_before or 0) <= now and (client.expires is None or now < client.expires):
                return client
        return None

    def _keyed(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self._pepper, digest_size=32).digest()
