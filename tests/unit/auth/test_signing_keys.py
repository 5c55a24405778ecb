"""The documents with which a tenant publishes its keys."""

import json
from typing import Any

import pytest

from proxy.auth.signing_keys import parse_configuration, parse_keys

# What msgspec, urllib and the rules say.
WRONG = r"issuer|host|IPv6|missing|malformed|Expected|no keys"

HOST = "https://login.microsoftonline.com"
ISSUER = f"{HOST}/t/v2.0"
KEY: dict[str, Any] = {"kid": "a", "kty": "RSA", "use": "sig", "n": "AQAB", "e": "AQAB", "x5t": "x"}


def configuration(issuer: str = ISSUER, keys: str = f"{HOST}/t/discovery/v2.0/keys") -> bytes:
    return json.dumps({"issuer": issuer, "jwks_uri": keys, "other": 1}).encode()


def ids(*keys: dict[str, Any]) -> list[str]:
    return list(parse_keys(json.dumps({"keys": keys}).encode(), ISSUER, "t"))


def test_a_configuration_leads_to_the_keys() -> None:
    assert parse_configuration(configuration(), ISSUER, HOST) == f"{HOST}/t/discovery/v2.0/keys"


@pytest.mark.parametrize(
    "document",
    [configuration(issuer=f"{HOST}/other/v2.0"), configuration(keys="https://elsewhere.example/keys"),
     configuration(keys="http://login.microsoftonline.com/t/keys"), configuration(keys="http://[/"), b"{}", b"<html>"],
)  # fmt: skip
def test_a_configuration_of_another_issuer_or_host_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=WRONG):
        parse_configuration(document, ISSUER, HOST)


def test_keys_are_known_by_their_ids() -> None:
    assert ids(
        KEY, {**KEY, "kid": "b", "issuer": f"{HOST}/{{tenantid}}/v2.0"}, {**KEY, "kid": "c", "issuer": ISSUER}
    ) == [
        "a",
        "b",
        "c",
    ]


def test_keys_of_other_kinds_uses_and_issuers_are_left_out() -> None:
    others = ({"kty": "EC"}, {"use": "enc"}, {"issuer": f"{HOST}/other/v2.0"})
    assert ids(KEY, *({**KEY, "kid": "x", **other} for other in others)) == ["a"]


@pytest.mark.parametrize("document", [b'{"keys": []}', b"{}", b"[]", b'{"keys": [{"kty": "RSA"}]}'])
def test_a_list_without_keys_is_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=WRONG):
        parse_keys(document, ISSUER, "t")
