"""What a token of Microsoft Entra ID says, and whether it is for this proxy; signatures are checked elsewhere."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.access_tokens import (
    LONGEST_TOKEN,
    Claims,
    check_claims,
    issuers_of,
    parse_token,
    presented_token,
    refusal,
)
from proxy.config.entra import AUTHORITY, EntraAccess, EntraSettings
from proxy.errors import Unauthenticated

NOW = 1_800_000_000.0
TENANT, APP, USER = (f"{digit * 8}-{digit * 4}-{digit * 4}-{digit * 4}-{digit * 12}" for digit in "123")
SETTINGS = EntraSettings(authority=AUTHORITY, tenant=TENANT, audiences=(f"api://{APP}", APP), access=EntraAccess())
CLAIMS: dict[str, Any] = {
    "aud": APP,
    "iss": f"https://login.microsoftonline.com/{TENANT}/v2.0",
    "exp": NOW + 3600,
    "nbf": NOW - 300,
    "tid": TENANT,
    "oid": USER,
    "azp": APP,
}
DEEP = urlsafe_b64encode(b'{"x":' + b"[" * 9000).decode()


def part(value: object) -> str:
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(claims: object = None, **header: object) -> str:
    return f"{part({'alg': 'RS256', 'kid': 'k', **header})}.{part(claims or CLAIMS)}.c2ln"


def reason_of(caught: pytest.ExceptionInfo[Unauthenticated]) -> str | None:
    assert (caught.value.status, caught.value.code) == (401, "invalid_api_key")
    return caught.value.reason


def checked(settings: EntraSettings = SETTINGS, now: float = NOW, **changed: Any) -> str | None:
    """Return the reason against a token, None if there is none."""
    try:
        check_claims(Claims(**{**CLAIMS, **changed}), settings, now)
    except Unauthenticated as error:
        return error.reason
    return None


def test_a_token_is_found_in_either_header_and_a_key_is_none() -> None:
    assert presented_token({"authorization": f"Bearer {token()}"}) == token()
    assert presented_token({"authorization": "Bearer sk-a", "api-key": token()}) == token()
    assert presented_token({"authorization": "Bearer sk-a.b.c"}) is None
    assert presented_token({"api-key": "eyJ-a"}) is None
    with pytest.raises(Unauthenticated):
        presented_token({})


def test_a_token_is_read_with_the_key_that_it_names() -> None:
    read = parse_token(token(), SETTINGS)
    assert (read.algorithm, read.key, read.claims.oid) == ("RS256", "k", USER)
    assert (read.signed.decode(), read.signature) == (token().rpartition(".")[0], b"sig")
    assert USER not in repr(read)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "HS512", "ES256", "rs256", ""])
def test_no_other_algorithm_than_those_of_rsa_is_accepted(algorithm: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        parse_token(token(alg=algorithm), SETTINGS)
    assert reason_of(caught) == "token_algorithm"


@pytest.mark.parametrize(
    "text",
    ["eyJ..", token(crit=["exp"]), token(crit=[]), token()[:-1] + "#", token().replace(".", ".="), "a", "a.b",
     f"{token()}.x", "eyJé.é.é", f"{part([])}.{part({})}.x", f"{part({'alg': 'RS256'})}.{part({'aud': 1})}.x",
     f"{part({'alg': 'RS256'})}.eyJ.x", token({**CLAIMS, "roles": "Admin"}), token({**CLAIMS, "exp": "soon"}),
     token({**CLAIMS, "aud": [APP]}), f"{token()}{'x' * LONGEST_TOKEN}", token({"x": "y" * LONGEST_TOKEN, **CLAIMS}),
     f"{part({'alg': 'RS256'})}.{DEEP}.x"],
)  # fmt: skip
def test_what_is_no_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        parse_token(text, SETTINGS)
    assert reason_of(caught) == "token_malformed"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_text_breaks_the_reader(head: str, payload: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_token(f"{head}.{payload}.", SETTINGS)


@pytest.mark.parametrize(
    ("authority", "issuers"),
    [
        (AUTHORITY, (f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.com/{TENANT}/v2.0")),
        (
            "https://login.microsoftonline.us",
            (f"https://sts.windows.net/{TENANT}/", f"https://login.microsoftonline.us/{TENANT}/v2.0"),
        ),
        (
            "https://login.partner.microsoftonline.cn",
            (f"https://sts.chinacloudapi.cn/{TENANT}/", f"https://login.partner.microsoftonline.cn/{TENANT}/v2.0"),
        ),
    ],
)
def test_each_cloud_has_an_issuer_for_each_version(authority: str, issuers: tuple[str, str]) -> None:
    settings = EntraSettings(authority=authority, tenant=TENANT, audiences=(APP,), access=EntraAccess())
    assert issuers_of(settings) == issuers
    assert [checked(settings, iss=issuer) for issuer in issuers] == [None, None]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"aud": f"api://{APP}"}, None),
        ({"aud": f"api://{APP}/"}, "token_audience"),
        ({"aud": ""}, "token_audience"),
        ({"iss": f"https://login.microsoftonline.com/{APP}/v2.0"}, "token_tenant"),
        ({"iss": f"https://login.microsoftonline.com/{TENANT}/v2.0/"}, "token_tenant"),
        ({"iss": f"https://login.microsoftonline.us/{TENANT}/v2.0"}, "token_tenant"),
        ({"tid": APP}, "token_tenant"),
        ({"tid": ""}, "token_tenant"),
        ({"tid": TENANT.upper()}, None),
        ({"exp": NOW - 59}, None),
        ({"exp": NOW - 60}, "token_expired"),
        ({"nbf": NOW + 60}, None),
        ({"nbf": NOW + 61}, "token_early"),
        ({"oid": ""}, "token_unnamed"),
        ({"oid": f"{USER}\n"}, "token_unnamed"),
        ({"azp": "", "appid": APP}, None),
        ({"azp": ""}, "token_not_access"),
    ],
)
def test_a_token_must_be_for_this_proxy_of_this_tenant_and_of_now(changed: dict[str, Any], reason: str | None) -> None:
    assert checked(**changed) == reason


@pytest.mark.parametrize(
    "audience",
    ["https://cognitiveservices.azure.com", "https://cognitiveservices.azure.com/", "https://ai.azure.com",
     "https://cognitiveservices.azure.us", "https://cognitiveservices.azure.cn",
     "7d312290-28c8-473c-a0ed-8e53749b6d6d"],
)  # fmt: skip
def test_a_token_for_azure_openai_itself_is_refused_with_the_scope_to_ask_for(audience: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        check_claims(Claims(**{**CLAIMS, "aud": audience}), SETTINGS, NOW)
    assert reason_of(caught) == "token_audience"
    assert "what the Azure SDKs ask for by default" in caught.value.message
    assert f"api://{APP}/.default" in caught.value.message


def test_every_refusal_says_what_to_do_and_none_quotes_the_token() -> None:
    with pytest.raises(Unauthenticated) as caught:
        check_claims(Claims(**{**CLAIMS, "aud": "canary"}), SETTINGS, NOW)
    assert "canary" not in caught.value.message
    assert f"api://{APP}/.default" in caught.value.message
    assert "api://" in refusal("no_token", SETTINGS).message
