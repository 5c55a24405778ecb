"""Access tokens of Microsoft Entra ID: what a token says, and whether it is for this proxy. Its signature comes after.

Nothing here makes a token good: what is refused here is refused before anybody looks for the key that signed it.

https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
https://learn.microsoft.com/entra/identity-platform/claims-validation
"""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from proxy.auth.keys import INVALID_KEY, presented_keys
from proxy.config.entra import EntraSettings
from proxy.errors import Unauthenticated

# Signatures with the private half of a pair: with `none` or HS256 anybody could sign, for the other half is public.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
# Bytes; a token with 200 groups and as many roles has about 20,000.
LONGEST_TOKEN = 32 * 1024
# Seconds by which clocks may differ.
LEEWAY = 60.0
_V1_ISSUER = "https://sts.windows.net"
# https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud
_V1_ISSUERS = {"https://login.partner.microsoftonline.cn": "https://sts.chinacloudapi.cn"}
# What the Azure SDKs ask for by default: Azure OpenAI itself, in each cloud, and the application behind it.
_OF_AZURE_OPENAI = re.compile(
    r"https://(cognitiveservices|ai)\.azure\.(com|us|cn)/?|7d312290-28c8-473c-a0ed-8e53749b6d6d", re.IGNORECASE
)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

ALGORITHM, AUDIENCE, EARLY, EXPIRED = "token_algorithm", "token_audience", "token_early", "token_expired"
MALFORMED, SIGNATURE, TENANT, UNNAMED = "token_malformed", "token_signature", "token_tenant", "token_unnamed"
NO_TOKEN, NOT_ACCESS, OVERAGE, NO_ACCESS = "no_token", "token_not_access", "token_overage", "token_no_access"
_FOR_ASKING = "Ask Microsoft Entra ID for a token with the scope {scope}."
_CURES: Mapping[str, str] = {
    ALGORITHM: "The token is signed in a way that is not accepted.",
    AUDIENCE: f"The token is for another application. {_FOR_ASKING}",
    EARLY: "The token is not valid yet. Check the clock of the machine that got it.",
    EXPIRED: "The token has expired. Get a new one.",
    MALFORMED: "The token is no access token of Microsoft Entra ID.",
    SIGNATURE: "The signature of the token is not one of this tenant.",
    TENANT: "The token is of another tenant or cloud than the proxy's.",
    UNNAMED: "The token does not say whose it is (`oid`).",
    NO_TOKEN: f"This proxy takes tokens of Microsoft Entra ID, and no keys. {_FOR_ASKING}",
    NOT_ACCESS: "The token gives no access: it is an ID token, or its application has no role. "
    f"{_FOR_ASKING} An application without a user needs an app role.",
    OVERAGE: "The token does not list its groups, because there are more than 200. Ask the operator of this proxy for "
    "an app role, or to have only the groups assigned to the application in tokens (`ApplicationGroup`).",
    NO_ACCESS: "You have none of the app roles and groups that may use this proxy. Ask its operator for one.",
}
_AZURE_OPENAI_TOKEN = (
    "The token is for Azure OpenAI itself, which is what the Azure SDKs ask for by default. This proxy needs one for "
    f"its own application. {_FOR_ASKING}"
)


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    alg: str
    kid: str = ""
    crit: msgspec.Raw | None = None


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says of its holder and itself; times are in seconds since 1970 UTC."""

    aud: str
    iss: str
    exp: float
    nbf: float = 0.0
    tid: str = ""
    oid: str = ""
    azp: str = ""
    appid: str = ""
    scp: str = ""
    roles: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    hasgroups: bool | str = False
    claim_names: Mapping[str, str] = msgspec.field(name="_claim_names", default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A token that nobody has verified yet: its algorithm and the id of its key, what is signed, and what it says."""

    algorithm: str
    key: str
    signed: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    claims: Claims = field(repr=False)


def presented_token(headers: Mapping[str, str]) -> str | None:
    """Return the token that a request carries, None for one with keys alone; raise `Unauthenticated` for none."""
    return next(filter(_is_token, presented_keys(headers)), None)


def _is_token(text: str) -> bool:
    """Tell whether a text has the form of a token: three parts, the first of which is a JSON object."""
    return text.startswith("eyJ") and text.count(".") == 2


def parse_token(text: str, settings: EntraSettings) -> AccessToken:
    """Return what a token says; raise `Unauthenticated` when it cannot be one or is signed in a wrong way."""
    signed, _, signature = text[: LONGEST_TOKEN + 1].encode(errors="replace").rpartition(b".")
    try:
        head, payload, seal = map(_decoded, (*signed.split(b"."), signature))
        header, claims = msgspec.json.decode(head, type=_Header), msgspec.json.decode(payload, type=Claims)
    except (ValueError, RecursionError):
        raise refusal(MALFORMED, settings) from None
    # What is critical must be understood, and Microsoft Entra ID has nothing that is. RFC 7515, 4.1.11
    if len(text) > LONGEST_TOKEN or header.crit is not None:
        raise refusal(MALFORMED, settings)
    if header.alg not in ALGORITHMS:
        raise refusal(ALGORITHM, settings)
    return AccessToken(algorithm=header.alg, key=header.kid, signed=signed, signature=seal, claims=claims)


def _decoded(part: bytes) -> bytes:
    return b64decode(part + b"=" * (-len(part) % 4), b"-_", validate=True)


def issuers_of(settings: EntraSettings) -> tuple[str, str]:
    """Return who issues the tenant's tokens of version 1 and of version 2."""
    first = _V1_ISSUERS.get(settings.authority, _V1_ISSUER)
    return f"{first}/{settings.tenant}/", f"{settings.authority}/{settings.tenant}/v2.0"


def check_claims(claims: Claims, settings: EntraSettings, now: float) -> None:
    """Raise `Unauthenticated` for a token that is not for this proxy; `now` is in seconds since 1970 UTC."""
    if claims.aud not in settings.audiences:
        raise refusal(AUDIENCE, settings, of_azure=_OF_AZURE_OPENAI.fullmatch(claims.aud) is not None)
    if claims.iss not in issuers_of(settings) or claims.tid.lower() != settings.tenant:
        raise refusal(TENANT, settings)
    if now >= claims.exp + LEEWAY:
        raise refusal(EXPIRED, settings)
    if now < claims.nbf - LEEWAY:
        raise refusal(EARLY, settings)
    if not _GUID.fullmatch(claims.oid):
        raise refusal(UNNAMED, settings)
    # An ID token has neither: it says who somebody is to the application that got it, and is no credential.
    if not (claims.azp or claims.appid):
        raise refusal(NOT_ACCESS, settings)


def refusal(reason: str, settings: EntraSettings, *, of_azure: bool = False) -> Unauthenticated:
    """Return the error for a token; `reason` stands in the log."""
    text = (_AZURE_OPENAI_TOKEN if of_azure else _CURES[reason]).format(scope=scope_of(settings))
    error = Unauthenticated(text, code=INVALID_KEY)
    error.reason = reason
    return error


def scope_of(settings: EntraSettings) -> str:
    """Return the scope to ask for."""
    return f"{settings.audiences[0]}/.default"
