"""Microsoft Entra ID on the loopback: the OpenID configuration of one tenant, its keys, and tokens signed with them.

Paths, members and claims are those of the real one; every token is signed by PyJWT with a real RSA key.
https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
"""

import base64
import hashlib
import hmac
import json
import time
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.fakes.server import Server

TENANT = "11111111-1111-1111-1111-111111111111"
APPLICATION = "22222222-2222-2222-2222-222222222222"
USER = "33333333-3333-3333-3333-333333333333"
GROUP = "44444444-4444-4444-4444-444444444444"
AUDIENCE = f"api://{APPLICATION}"
TOO_SHORT = 99


@cache
def private_key(number: int) -> rsa.RSAPrivateKey:
    """Return one of some keys, each made once in a process; number 99 is too short to be good."""
    return rsa.generate_private_key(public_exponent=65537, key_size=1024 if number == TOO_SHORT else 2048)


class FakeEntra(Server):
    """One tenant. `signing` are the numbers of the keys that it publishes."""

    def __init__(self, tenant: str = TENANT) -> None:
        super().__init__()
        self.tenant = tenant
        self.signing = [1]
        self.issuer: str | None = None  # what the configuration says in place of the right one
        self.keys_at: str | None = None
        self.changed: dict[str, Any] = {}  # members of every published key
        self.calls: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environ(self) -> dict[str, str]:
        """Return the settings with which the proxy takes tokens of this tenant."""
        return {
            "CLIENT_AUTH": "entra",
            "CLIENT_ENTRA_AUTHORITY": self.url,
            "CLIENT_ENTRA_TENANT": self.tenant,
            "CLIENT_ENTRA_AUDIENCES": APPLICATION,
        }

    def claims(self, **changed: Any) -> dict[str, Any]:
        """Return the claims of a user's token of version 2; a claim that is changed to None is left out."""
        now = int(time.time())
        usual = {
            "aud": APPLICATION,
            "iss": f"{self.url}/{self.tenant}/v2.0",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "azp": "04b07795-8ddb-461a-bbee-02f9e1bf7b46",  # the Azure CLI
            "oid": USER,
            "scp": "access_as_user",
            "sub": "sub",
            "tid": self.tenant,
            "ver": "2.0",
        }
        return {name: value for name, value in {**usual, **changed}.items() if value is not None}

    def token(self, *, key: int = 1, kid: str | None = None, algorithm: str = "RS256", **claims: Any) -> str:
        """Return a token signed with one of the keys."""
        headers = {"kid": kid or f"key-{key}"}
        return jwt.encode(self.claims(**claims), private_key(key), algorithm=algorithm, headers=headers)

    def old_token(self, **claims: Any) -> str:
        """Return a token of version 1, whose issuer is the same in all but one of the clouds."""
        usual = {"iss": f"https://sts.windows.net/{self.tenant}/", "aud": AUDIENCE, "ver": "1.0", "azp": None}
        return self.token(**{**usual, "appid": "04b07795-8ddb-461a-bbee-02f9e1bf7b46", **claims})

    def unsigned(self) -> str:
        """Return a token with the algorithm `none`."""
        parts = [_encoded({"alg": "none", "kid": "key-1", "typ": "JWT"}), _encoded(self.claims())]
        return ".".join([*parts, ""])

    def confused(self) -> str:
        """Return a token signed by HS256, with the public key as the secret that both sides know."""
        pem = (
            private_key(1)
            .public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        )
        parts = [_encoded({"alg": "HS256", "kid": "key-1", "typ": "JWT"}), _encoded(self.claims())]
        signature = hmac.digest(pem, ".".join(parts).encode(), hashlib.sha256)
        return ".".join([*parts, base64.urlsafe_b64encode(signature).rstrip(b"=").decode()])

    async def _answer(self, request: web.Request) -> web.Response:
        self.calls.append(request.path)
        if wrong := await self._faulty(self.fault):
            return wrong
        if request.path == f"/{self.tenant}/v2.0/.well-known/openid-configuration":
            return web.json_response(self._configuration())
        if request.path == f"/{self.tenant}/discovery/v2.0/keys":
            return web.json_response({"keys": [self._published(number) for number in self.signing]})
        return web.json_response({"error": "invalid_tenant"}, status=400)

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer or f"{self.url}/{self.tenant}/v2.0",
            "jwks_uri": self.keys_at or f"{self.url}/{self.tenant}/discovery/v2.0/keys",
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def _published(self, number: int) -> dict[str, Any]:
        key = RSAAlgorithm.to_jwk(private_key(number).public_key(), as_dict=True)
        issuer = f"{self.url}/{{tenantid}}/v2.0"
        return {**key, "use": "sig", "kid": f"key-{number}", "x5t": "x", "x5c": ["x"], "issuer": issuer, **self.changed}


def _encoded(members: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(members).encode()).rstrip(b"=").decode()
