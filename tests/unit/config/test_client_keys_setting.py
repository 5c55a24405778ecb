"""CLIENT_KEYS: names and keys alone, or JSON with limits."""

import json
from collections.abc import Mapping

import pytest

from proxy.config.client_keys import parse_client_keys, parse_time, with_limits
from proxy.config.client_limits import LimitRules
from proxy.config.environment import SettingError
from proxy.config.key_format import digest_of
from proxy.config.settings import Settings
from proxy.values import Client, ClientKey, Limits

LONG = "sk-0123456789abcdefghijklmn"
ENDPOINT = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com"}


def keys(text: str, rules: LimitRules | None = None) -> tuple[ClientKey, ...]:
    return with_limits(parse_client_keys(text), rules or LimitRules())


def test_names_and_keys_alone_are_keys_without_limits() -> None:
    assert keys(" , ") == ()
    assert keys(f"team-a = {LONG}== ,team-b=k2") == (
        ClientKey(client=Client(name="team-a"), digest=digest_of(f"{LONG}==")),
        ClientKey(client=Client(name="team-b"), digest=digest_of("k2"), weak=True),
    )


def test_json_has_limits_a_note_and_an_end() -> None:
    alice = {
        "key": LONG,
        "models": ["gpt-5*"],
        "rpm": 60,
        "tpm": 100_000,
        "concurrency": 4,
        "max-output-tokens": 2000,
        "note": "web shop",
        "expires": "2027-01-31T00:00:00Z",
    }
    limits = Limits(models=("gpt-5*",), rpm=60, tpm=100_000, concurrency=4, max_output_tokens=2000)
    assert keys(json.dumps({"alice": alice, "bob": {"key": "k"}})) == (
        ClientKey(client=Client(name="alice", expires=1_801_353_600.0, limits=limits), digest=digest_of(LONG)),
        ClientKey(client=Client(name="bob"), digest=digest_of("k"), weak=True),
    )


@pytest.mark.parametrize(
    "text",
    ["canary", "canary=", "=canary", "a_b=canary", "a b=canary", "a=canary x", "a=canaryé", "canary=x,canary=y",
     "a=canary,b=canary", f"{'a' * 128}=canary", "{", "{} canary", '{"canary": 1}', '{"canary": {}}',
     '{"canary": {"key": 1}}', '{"a": {"key": "canary x"}}', '{"a b": {"key": "canary"}}',
     '{"a": {"key": "canary"}, "b": {"key": "canary"}}', '{"a": {"key": "canary", "rmp": 1}}',
     '{"a": {"key": "canary", "rpm": 0}}', '{"a": {"key": "canary", "note": 1}}',
     '{"a": {"key": "canary", "expires": "canary"}}', '{"a": {"key": "canary", "expires": 1}}',
     '{"a": {"key": "canary"}, "a": {"key": "x"}}'],
)  # fmt: skip
def test_a_wrong_entry_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        keys(text)
    assert "canary" not in str(caught.value)


def test_the_wrong_entry_is_told_by_its_number() -> None:
    for text in ("a=k,b", '{"a": {"key": "k"}, "b": {"key": "l", "rpm": 0}}', '{"a": {"key": "k"}, "b": 1}'):
        with pytest.raises(ValueError, match="entry 2"):
            keys(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:01:00Z", 60), ("1970-01-01T01:00:00+01:00", 0), ("2027-01-31T00:00:00Z", 1_801_353_600)],
)
def test_a_time_has_a_zone(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "canary", "2027-01-31", "2027-01-31T00:00:00", "tomorrow"])
def test_a_time_without_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a time with its zone"):
        parse_time(text)


def settings(environ: Mapping[str, str]) -> Settings:
    return Settings.from_environ({**ENDPOINT, **environ})


def test_defaults_and_sets_hold_for_the_keys_of_the_settings() -> None:
    read = settings(
        {
            "CLIENT_KEYS": '{"alice": {"key": "k", "models": "@small"}, "bob": {"key": "l", "rpm": "unlimited"}}',
            "CLIENT_KEY_DEFAULTS": '{"rpm": 5}',
            "CLIENT_KEY_MODEL_SETS": '{"small": ["gpt-5-mini"]}',
        }
    )
    assert [key.client.limits for key in read.client_keys] == [Limits(rpm=5, models=("gpt-5-mini",)), None]
    assert read.vault_client_keys.rules.defaults == Limits(rpm=5)


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({"CLIENT_KEY_DEFAULTS": '{"models": "@canary"}'}, "CLIENT_KEY_DEFAULTS"),
        ({"CLIENT_KEY_DEFAULTS": '{"rpm": "canary"}'}, "CLIENT_KEY_DEFAULTS"),
        ({"CLIENT_KEY_MODEL_SETS": '{"canary": 1}'}, "CLIENT_KEY_MODEL_SETS"),
        ({"CLIENT_KEYS": '{"a": {"key": "k", "models": "@canary"}}'}, "CLIENT_KEYS"),
        ({"CLIENT_KEYS_MAX_AGE": "canary"}, "CLIENT_KEYS_MAX_AGE"),
    ],
)
def test_the_setting_that_is_wrong_is_named(environ: Mapping[str, str], name: str) -> None:
    with pytest.raises(SettingError) as caught:
        settings(environ)
    assert caught.value.name == name
    assert "canary" not in caught.value.message
