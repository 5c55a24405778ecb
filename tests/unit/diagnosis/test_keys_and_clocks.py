"""Client keys, clocks and versions."""

import pytest

from proxy.diagnosis.clocks import judge_clock, judge_template, skew_of
from proxy.diagnosis.keys import judge_keys
from proxy.values import Client, ClientKey

NOW = 1_800_000_000.0
DAY = 86_400.0
GOOD = ClientKey(client=Client(name="alice"), digest="00")


def codes(*keys: ClientKey) -> list[tuple[str, str]]:
    return [(one.code, one.subject) for one in judge_keys(keys, NOW)]


def ending(seconds: float) -> ClientKey:
    return ClientKey(client=Client(name="bob", expires=NOW + seconds), digest="01")


def test_good_keys_are_no_finding() -> None:
    assert codes(GOOD, ending(15 * DAY)) == []


def test_without_a_client_key_nobody_can_be_served() -> None:
    assert codes() == [("no_client_keys", "client keys")]
    admin = ClientKey(client=Client(name="eve"), digest="02", weak=True, is_admin=True)
    assert codes(admin) == [("no_client_keys", "client keys")]


def test_a_key_may_be_wrong_in_several_ways() -> None:
    bad = ClientKey(client=Client(name="bob", expires=NOW), digest="01", locked=True, weak=True)
    assert codes(GOOD, bad) == [
        ("client_key_locked", "bob"),
        ("client_key_weak", "bob"),
        ("client_key_expired", "bob"),
    ]


def test_a_key_that_ends_within_two_weeks_is_named_with_the_days() -> None:
    (seen,) = judge_keys([ending(2.5 * DAY)], NOW)
    assert (seen.code, seen.facts["days"]) == ("client_key_expiring", "3")


def test_the_date_of_an_answer_says_how_far_the_clock_is_away() -> None:
    assert skew_of("Fri, 15 Jan 2027 08:00:00 GMT", NOW + 5) == 5.0
    for date in ("", "yesterday"):
        assert skew_of(date, NOW) is None


@pytest.mark.parametrize(
    ("skews", "wrong"),
    [
        ({}, None),
        ({"a": 300.0}, None),
        ({"a": 301.0}, "a"),
        ({"a": -4000.0, "b": -3999.0}, "b"),
        ({"a": 4000.0, "b": 1.0}, None),
    ],
)
def test_the_clock_is_wrong_where_every_server_says_so(skews: dict[str, float], wrong: str | None) -> None:
    seen = judge_clock(skews)
    assert (seen.subject if seen is not None else None) == wrong


@pytest.mark.parametrize(
    ("template", "differs"), [(None, False), ("v1.2.3", False), ("1.2.3", False), ("v1.2.2", True)]
)
def test_the_template_has_the_version_of_the_app(template: str | None, differs: bool) -> None:
    assert (judge_template(template, "1.2.3") is not None) is differs
