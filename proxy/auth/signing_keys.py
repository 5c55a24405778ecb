"""The keys with which a tenant signs its tokens, as its OpenID configuration and its list of keys have them.

https://learn.microsoft.com/entra/identity-platform/access-tokens#validate-tokens
"""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

_TENANT = "{tenantid}"
_SIGNATURES = "sig"


class SigningKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key of RSA, by its id; `issuer` is whose tokens it signs, where the list says it."""

    kid: str
    kty: str
    n: str = ""
    e: str = ""
    use: str = _SIGNATURES
    issuer: str = ""


class _Configuration(msgspec.Struct, frozen=True, kw_only=True):
    issuer: str
    jwks_uri: str


class _KeyList(msgspec.Struct, frozen=True, kw_only=True):
    keys: tuple[SigningKey, ...]


SigningKeys = Mapping[str, SigningKey]


def parse_configuration(document: bytes, issuer: str, authority: str) -> str:
    """Return the address of the keys; raise ValueError when the document is of another issuer or leads elsewhere."""
    found = msgspec.json.decode(document, type=_Configuration)
    if found.issuer != issuer:
        raise ValueError("the configuration of another issuer")
    keys, own = urlsplit(found.jwks_uri), urlsplit(authority)
    if (keys.scheme, keys.netloc) != (own.scheme, own.netloc):
        raise ValueError("the keys are at another host")
    return found.jwks_uri


def parse_keys(document: bytes, issuer: str, tenant: str) -> SigningKeys:
    """Return the keys that sign tokens of the issuer, by their ids; raise ValueError when there are none."""
    found = msgspec.json.decode(document, type=_KeyList).keys
    keys = {
        key.kid: key
        for key in found
        if key.kty == "RSA" and key.use == _SIGNATURES and key.issuer.replace(_TENANT, tenant) in ("", issuer)
    }
    if not keys:
        raise ValueError("no keys")
    return keys
