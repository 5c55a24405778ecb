"""Clients with an access token of Microsoft Entra ID: its claims, then its key, then its signature.

PyJWT and what it needs take about 0.1 s to import, so they are imported with the first token, in a thread.
"""

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache

from proxy.auth.access_tokens import ALGORITHMS, NO_TOKEN, SIGNATURE, AccessToken, check_claims, parse_token, refusal
from proxy.auth.signing_keys import SigningKey
from proxy.auth.token_access import limits_of_token
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.azure_services.tenant_keys import TenantKeys
from proxy.config.entra import EntraSettings
from proxy.errors import Unauthenticated
from proxy.values import Client

# Public keys that are kept ready; a tenant has about ten.
MAX_KEYS = 32
# Bits, as NIST SP 800-131A wants.
SHORTEST_KEY = 2048
Verify = Callable[[AccessToken, SigningKey], bool]


class EntraClients:
    """The clients of one tenant; `now` is in seconds since 1970 UTC."""

    def __init__(self, settings: EntraSettings, keys: TenantKeys, *, now: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.keys = keys
        self.now = now
        self._verify: Verify | None = None

    async def identify(self, text: str) -> Client:
        """Return whose token it is, by the object id; raise `Unauthenticated`, or why there are no keys to check it."""
        token = parse_token(text, self.settings)
        check_claims(token.claims, self.settings, self.now())
        key = await self.keys.find(token.key)
        if key is None or not await self._is_signed(token, key):
            raise refusal(SIGNATURE, self.settings)
        return Client(name=token.claims.oid.lower(), limits=limits_of_token(token.claims, self.settings))

    def no_token(self) -> Unauthenticated:
        """Return the error for a request with something that is no token."""
        return refusal(NO_TOKEN, self.settings)

    async def _is_signed(self, token: AccessToken, key: SigningKey) -> bool:
        if self._verify is None:
            self._verify = await asyncio.to_thread(_load)
        return self._verify(token, key)


def _load() -> Verify:
    """Return what verifies a signature.

    PyJWT's algorithms alone: its reader of tokens looks at every character in Python, and ours has read the token.
    """
    with ONE_AT_A_TIME:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey  # noqa: PLC0415 - slow to import
        from jwt.algorithms import RSAAlgorithm, get_default_algorithms  # noqa: PLC0415
        from jwt.exceptions import InvalidKeyError  # noqa: PLC0415

    every = get_default_algorithms()
    algorithms = {name: every[name] for name in ALGORITHMS}

    @lru_cache(maxsize=MAX_KEYS)
    def public_key(n: str, e: str) -> RSAPublicKey | None:
        try:
            key = RSAAlgorithm.from_jwk({"kty": "RSA", "n": n, "e": e})
        except (InvalidKeyError, ValueError):
            return None
        return key if isinstance(key, RSAPublicKey) and key.key_size >= SHORTEST_KEY else None

    def verify(token: AccessToken, key: SigningKey) -> bool:
        public = public_key(key.n, key.e)
        return public is not None and bool(algorithms[token.algorithm].verify(token.signed, public, token.signature))

    return verify
