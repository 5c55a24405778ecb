"""Judges the answers of a vault.

https://learn.microsoft.com/rest/api/keyvault/secrets
"""

from typing import TypeVar

import msgspec

from proxy.values import Secret

T = TypeVar("T")

API_VERSION = "7.4"
# Characters; the limit of Key Vault.
_LONGEST_SECRET = 25_000


class _Attributes(msgspec.Struct):
    enabled: bool = True
    exp: float | None = None
    created: float = 0.0


class _StoredSecret(msgspec.Struct):
    value: str = ""
    attributes: _Attributes = msgspec.field(default_factory=_Attributes)


class _List(msgspec.Struct):
    value: list[_StoredSecret]


class _Inner(msgspec.Struct):
    code: str = ""


class _Error(msgspec.Struct):
    innererror: _Inner = msgspec.field(default_factory=_Inner)


class _Refusal(msgspec.Struct):
    error: _Error = msgspec.field(default_factory=_Error)


def audience_of(challenge: str, netloc: str) -> str | None:
    """Return the audience of tokens for a vault, as its `WWW-Authenticate` names it; None if it is no vault's.

    The audience must be a part of the vault's own name, so that no token is sent to a server that names another's.
    https://learn.microsoft.com/azure/key-vault/general/authentication-requests-and-responses
    """
    for part in challenge.replace("Bearer ", "").split(","):
        name, _, value = part.strip().partition("=")
        audience = value.strip('"').rstrip("/")
        if name in ("resource", "scope"):
            audience = audience.removesuffix("/.default")
            return audience if f".{netloc}".endswith("." + audience.removeprefix("https://")) else None
    return None


def judge_vault(status: int, body: bytes) -> str | None:
    """Return the code for the answer of a vault to a list of its secrets, None for a success."""
    if status == 200:
        return "key_vault_not_a_vault" if _decoded(body, _List) is None else None
    if status in (401, 403):
        refusal = _decoded(body, _Refusal)
        is_network = refusal is not None and refusal.error.innererror.code in _NETWORK
        return "key_vault_network" if is_network else "key_vault_forbidden"
    if status == 404:
        return "key_vault_not_a_vault"
    return "key_vault_throttled" if status == 429 else "key_vault_unreachable"


_NETWORK = frozenset({"ForbiddenByFirewall", "ForbiddenByConnection"})


def judge_secret(status: int, body: bytes, now: float) -> str | None:
    """Return the code for the answer to a secret that holds a key, None for a good one."""
    if status == 404:
        return "key_vault_secret_missing"
    if status != 200:
        return judge_vault(status, body)
    secret = _decoded(body, _StoredSecret) or _StoredSecret()
    value = secret.value.strip()
    if not value or len(value) > _LONGEST_SECRET or not value.isascii() or not value.isprintable():
        return "key_vault_secret_unusable"
    expires = secret.attributes.exp
    return "key_vault_secret_expired" if expires is not None and expires <= now else None


def is_disabled(versions: bytes) -> bool:
    """Tell whether the newest version in a list of a secret's versions is disabled."""
    found = _decoded(versions, _List)
    if found is None or not found.value:
        return False
    return not max((one.attributes for one in found.value), key=lambda one: one.created).enabled


def _decoded(body: bytes, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(body, type=kind)
    except (ValueError, RecursionError):
        return None


def key_in(secret: bytes) -> Secret:
    """Return the key that a secret holds."""
    return Secret((_decoded(secret, _StoredSecret) or _StoredSecret()).value.strip())
