"""What a vault answers, as codes."""

import json

import pytest

from proxy.diagnosis.vault import audience_of, is_disabled, judge_secret, judge_vault, key_in
from proxy.values import Secret

NOW = 1_800_000_000.0
CHALLENGE = 'Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net"'


def refusal(code: str) -> bytes:
    return json.dumps({"error": {"code": "Forbidden", "innererror": {"code": code}}}).encode()


def secret(value: str, **attributes: object) -> bytes:
    return json.dumps({"value": value, "attributes": attributes}).encode()


@pytest.mark.parametrize(
    ("challenge", "netloc", "audience"),
    [
        (CHALLENGE, "kv-1.vault.azure.net", "https://vault.azure.net"),
        (CHALLENGE.replace("resource", "scope").replace('net"', 'net/.default"'), "kv.vault.azure.net", None),
        ('Bearer scope="https://vault.azure.net/.default"', "kv.vault.azure.net", "https://vault.azure.net"),
        (CHALLENGE, "kv-1.evil.example", None),
        (CHALLENGE, "evil-vault.azure.net.example", None),
        ("Basic realm=x", "kv-1.vault.azure.net", None),
        ("", "kv-1.vault.azure.net", None),
    ],
)
def test_a_token_is_only_for_the_audience_of_a_vault_of_that_name(
    challenge: str, netloc: str, audience: str | None
) -> None:
    if challenge.startswith("Bearer authorization") and "scope" in challenge:
        audience = "https://vault.azure.net"
    assert audience_of(challenge, netloc) == audience


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, b'{"value":[]}', None),
        (200, b"<html>", "key_vault_not_a_vault"),
        (404, b"", "key_vault_not_a_vault"),
        (401, b"", "key_vault_forbidden"),
        (403, refusal("ForbiddenByRbac"), "key_vault_forbidden"),
        (403, b"<html>", "key_vault_forbidden"),
        (403, refusal("ForbiddenByFirewall"), "key_vault_network"),
        (403, refusal("ForbiddenByConnection"), "key_vault_network"),
        (429, b"", "key_vault_throttled"),
        (503, b"", "key_vault_unreachable"),
    ],
)
def test_a_list_of_secrets_says_whether_the_vault_can_be_read(status: int, body: bytes, code: str | None) -> None:
    assert judge_vault(status, body) == code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (200, secret("key"), None),
        (200, secret(" key\n", exp=NOW + 1), None),
        (200, secret("key", exp=NOW), "key_vault_secret_expired"),
        (200, secret(" \n"), "key_vault_secret_unusable"),
        (200, secret("k" * 25_001), "key_vault_secret_unusable"),
        (200, secret("two\nlines"), "key_vault_secret_unusable"),
        (200, secret("ä"), "key_vault_secret_unusable"),
        (200, b"no json", "key_vault_secret_unusable"),
        (404, b"", "key_vault_secret_missing"),
        (403, b"", "key_vault_forbidden"),
    ],
)
def test_a_secret_is_one_that_a_header_can_carry(status: int, body: bytes, code: str | None) -> None:
    assert judge_secret(status, body, NOW) == code


@pytest.mark.parametrize(
    ("versions", "disabled"),
    [
        ([{"enabled": True, "created": 2}, {"enabled": False, "created": 1}], False),
        ([{"enabled": True, "created": 1}, {"enabled": False, "created": 2}], True),
        ([], False),
    ],
)
def test_a_secret_is_disabled_by_its_newest_version(versions: list[dict[str, object]], disabled: bool) -> None:
    assert is_disabled(json.dumps({"value": [{"attributes": one} for one in versions]}).encode()) is disabled


def test_what_is_no_list_says_nothing() -> None:
    assert is_disabled(b"no json") is False


def test_the_key_is_without_the_newline_that_editors_add() -> None:
    assert key_in(secret("key\n")) == Secret("key")
    assert key_in(b"") == Secret("")
