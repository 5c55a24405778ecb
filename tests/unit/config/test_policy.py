"""The failover numbers, and which models may stand in for a model."""

import json
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.policy import MAX_FALLBACKS, POSITIVE, Policy, parse_fallbacks, parse_policy

CANARY = "canary"
POLICY = Policy()


@pytest.mark.parametrize(
    ("wait", "seconds"), [(None, 10.0), (7.0, 7.0), (0.0, 0.1), (0.1, 0.1), (120.0, 120.0), (86400.0, 120.0)]
)
def test_a_target_cools_down_as_long_as_it_asks_within_bounds_and_else_ten_seconds(
    wait: float | None, seconds: float
) -> None:
    assert POLICY.cooldown_after(wait) == seconds


def test_the_numbers_are_those_that_the_documents_promise() -> None:
    assert asdict(POLICY) == {
        "attempts": 3,
        "same_target_wait": 2.0,
        "retries_timeouts": False,
        "prompt_affinity": True,
        "jitter": 0.025,
        "max_jitter": 0.25,
        "cooldown": 10.0,
        "min_wait": 0.1,
        "max_wait": 120.0,
        "breaker_failures": 5,
        "breaker_share": 0.5,
        "breaker_calls": 10,
        "breaker_window": 30.0,
        "breaker_open": 5.0,
        "breaker_max_open": 60.0,
        "probe_wait": 1.0,
        "retry_share": 0.2,
        "min_retries": 3,
    }


def test_the_numbers_can_be_configured() -> None:
    policy = Policy(cooldown=3.0, min_wait=1.0, max_wait=5.0)
    assert [policy.cooldown_after(wait) for wait in (None, 0.0, 9.0)] == [3.0, 1.0, 5.0]


def test_jitter_is_full_and_its_bound_doubles_up_to_a_quarter_of_a_second() -> None:
    assert [POLICY.jitter_after(attempts, 1.0) for attempts in range(1, 7)] == [0.025, 0.05, 0.1, 0.2, 0.25, 0.25]
    assert POLICY.jitter_after(3, 0.0) == 0.0


@given(st.integers(1, 1000), st.floats(0.0, 1.0))
def test_jitter_never_exceeds_its_bounds(attempts: int, draw: float) -> None:
    assert 0.0 <= POLICY.jitter_after(attempts, draw) <= 0.25


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"attempts": 2},
        {"jitter": 0.5, "retries_timeouts": True, "cooldown": 86_400, "min_wait": 0, "breaker_failures": 1},
    ],
)
def test_numbers_and_switches_are_read_as_they_stand(values: dict[str, object]) -> None:
    policy = asdict(parse_policy(json.dumps(values)))
    assert policy == asdict(POLICY) | values
    assert [type(policy[name]) for name in values] == [type(value) for value in values.values()]


def refuses(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem) as caught:
        parse_policy(text)
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("value", [None, CANARY, "1", [], {}, -1, -0.1, 86_400.1, 10**400])
def test_what_is_no_number_is_refused_with_its_name(value: object) -> None:
    text = json.dumps({"cooldown": 1, "attempts": value})
    refuses(text, r"^must have a number from 0 to 86400, true or false for attempts$")


@pytest.mark.parametrize(
    ("name", "value"), [("attempts", 2.5), ("attempts", True), ("cooldown", True), ("retries_timeouts", 1)]
)
def test_a_number_of_another_kind_is_refused_with_its_name(name: str, value: object) -> None:
    refuses(json.dumps({name: value}), f"^has a value of another kind for {name}$")


@pytest.mark.parametrize("name", sorted(POSITIVE))
def test_a_zero_that_makes_no_sense_is_refused_with_its_name(name: str) -> None:
    refuses(json.dumps({name: 0}), f"^must have a number above 0 for {name}$")


def test_any_other_number_may_be_zero() -> None:
    zeros = {name: type(value)(0) for name, value in asdict(POLICY).items() if name not in POSITIVE}
    assert asdict(parse_policy(json.dumps(zeros))) == asdict(POLICY) | zeros


@pytest.mark.parametrize("name", [CANARY, "cooldown_after", "__class__", "Attempts"])
def test_an_unknown_name_is_refused_and_not_shown(name: str) -> None:
    refuses(json.dumps({name: 1}), r"^has a member that docs/settings.md does not know$")


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", "a.b", "né", f"{CANARY}!"])
def test_a_name_that_can_be_none_is_refused_and_not_shown(name: str) -> None:
    refuses(json.dumps({name: 1}), "must have nothing but names")


@pytest.mark.parametrize("text", ["[]", "1", CANARY, '{"attempts": NaN}', '{"attempts": 1, "attempts": 2}'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    refuses(text, "must")


def test_every_number_is_described() -> None:
    assert all(one.metadata["text"].endswith(".") for one in fields(Policy))


@pytest.mark.parametrize(
    ("text", "fallbacks"),
    [
        ("{}", {}),
        ('{"gpt-4.1": ["gpt-4o", "gpt-4o-mini"]}', {"gpt-4.1": ("gpt-4o", "gpt-4o-mini")}),
        ('{"a": ["b"], "b": ["a"]}', {"a": ("b",), "b": ("a",)}),
        ('{"a": ["b"], "b": ["c"]}', {"a": ("b",), "b": ("c",)}),
        ('{"ft:gpt-4o:org::x": ["org/model 1"]}', {"ft:gpt-4o:org::x": ("org/model 1",)}),
    ],
)
def test_only_what_is_written_counts(text: str, fallbacks: dict[str, tuple[str, ...]]) -> None:
    assert parse_fallbacks(text) == fallbacks


@pytest.mark.parametrize(
    "value",
    [
        [], CANARY, None, 1, {CANARY: []}, {CANARY: "b"}, {CANARY: None}, {CANARY: {}}, {CANARY: [1]}, {CANARY: [None]},
        {CANARY: [""]}, {CANARY: [" b"]}, {"": [CANARY]}, {CANARY: ["a\nb"]}, {CANARY: ["a" * 257]}, {CANARY: [CANARY]},
        {CANARY: ["b", "b"]}, {CANARY: [f"b{number}" for number in range(MAX_FALLBACKS + 1)]}, {CANARY: ["\ud800"]},
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_shown(value: object) -> None:
    with pytest.raises(ValueError, match=r"must|twice") as caught:
        parse_fallbacks(json.dumps(value))
    assert CANARY not in str(caught.value)


def test_what_is_wrong_is_told_by_its_number() -> None:
    with pytest.raises(ValueError, match="entry 2"):
        parse_fallbacks('{"a": ["b"], "c": []}')


def test_a_model_may_not_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_fallbacks('{"a": ["b"], "a": ["c"]}')
