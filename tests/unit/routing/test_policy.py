"""The numbers of failover."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.policy import Policy

POLICY = Policy()


@pytest.mark.parametrize(
    ("wait", "rest"), [(None, 10.0), (7.0, 7.0), (0.0, 0.1), (0.1, 0.1), (120.0, 120.0), (86400.0, 120.0)]
)
def test_a_target_rests_as_long_as_it_asks_within_bounds_and_else_ten_seconds(wait: float | None, rest: float) -> None:
    assert POLICY.cooldown_after(wait) == rest


def test_the_numbers_are_those_that_the_documents_promise() -> None:
    assert asdict(POLICY) == {
        "attempts": 3,
        "same_target_wait": 2.0,
        "retries_timeouts": False,
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
