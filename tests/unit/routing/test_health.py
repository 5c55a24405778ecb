"""What is known of every target."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind
from proxy.routing.health import MAX_TARGETS, Health
from proxy.routing.targets import Target
from tests.unit.routing.samples import BARRED, BLOCKED, CONNECT, MISSING, REFUSED, answered, in_stream, target

A, B = target(0), target(1)
POLICY = Policy()


def health_after(*failures: Failure, now: float = 100.0) -> Health:
    health = Health(POLICY)
    for failure in failures:
        health.note_failure(A, failure, now, now)
    return health


def spent(seconds: str | None = None) -> dict[str, str]:
    reset = {} if seconds is None else {"x-ratelimit-reset-requests": seconds}
    return {"x-ratelimit-remaining-requests": "0", **reset}


def test_a_target_that_nobody_knows_is_well() -> None:
    health = Health(POLICY)
    health.admit(A, 0.0)
    health.release(A, 0.0)
    assert (health.wait(A, 0.0), health.is_throttled(A, 0.0), health.is_open(A), health.is_depleted(A, 0.0)) == (
        0.0,
        False,
        False,
        False,
    )
    assert len(health) == 0


@pytest.mark.parametrize("failure", [answered(429, 7.0), in_stream(429)])
def test_a_throttled_target_rests_and_nobody_else(failure: Failure) -> None:
    health = health_after(failure)
    assert health.wait(A, 100.0) == (7.0 if failure.wait else 10.0)
    assert health.is_throttled(A, 100.0)
    assert health.wait(B, 100.0) == 0.0
    assert health.wait(Target(resource=0, deployment="other"), 100.0) == 0.0
    assert health.wait(A, 110.0) == 0.0
    assert not health.is_throttled(A, 110.0)


@pytest.mark.parametrize(("wait", "skipped"), [(0.0, 0.1), (86400.0, 120.0)])
def test_a_cooldown_has_bounds(wait: float, skipped: float) -> None:
    assert health_after(answered(429, wait)).wait(A, 100.0) == pytest.approx(skipped)


def test_the_longer_rest_wins_and_its_reason() -> None:
    health = health_after(answered(503, 30.0), answered(429, 5.0))
    assert health.wait(A, 100.0) == 30.0
    assert not health.is_throttled(A, 100.0)
    assert health_after(answered(503, 5.0), answered(429, 30.0)).is_throttled(A, 100.0)


def test_a_fault_that_says_how_long_makes_it_rest_too() -> None:
    assert health_after(answered(503, 4.0)).wait(A, 100.0) == 4.0
    assert health_after(answered(503)).wait(A, 100.0) == 0.0
    assert health_after(answered(400, 4.0)).wait(A, 100.0) == 0.0


def test_429_does_not_open_the_breaker() -> None:
    health = health_after(*[answered(429, 0.0)] * 20)
    assert not health.is_open(A)
    assert health.wait(A, 101.0) == 0.0


def test_a_target_with_an_open_breaker_is_not_throttled_but_down() -> None:
    health = health_after(*[CONNECT] * 5, answered(429, 60.0))
    assert health.is_open(A)
    assert not health.is_throttled(A, 100.0)
    assert health.wait(A, 100.0) == 60.0


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_probe_that_is_answered_closes_the_breaker_whatever_the_answer(status: int) -> None:
    health = health_after(*[CONNECT] * 5)
    health.admit(A, 105.0)
    health.note_failure(A, answered(status), 105.0, 106.0)
    assert not health.is_open(A)


def test_a_probe_can_be_taken_back() -> None:
    health = health_after(*[CONNECT] * 5)
    health.admit(A, 105.0)
    assert health.wait(A, 105.0) == POLICY.probe_wait
    health.release(A, 105.0)
    assert health.wait(A, 105.0) == 0.0


@pytest.mark.parametrize(("reset", "seconds"), [("60", 60.0), (None, 10.0), ("1000", 120.0)])
def test_a_target_is_scarce_until_its_limit_is_reset(reset: str | None, seconds: float) -> None:
    health = Health(POLICY)
    health.note_success(A, spent(reset), 0.0, 1.0)
    assert health.is_depleted(A, seconds)
    assert not health.is_depleted(A, 1.0 + seconds)
    assert health.wait(A, 1.0) == 0.0


def test_the_last_answer_counts() -> None:
    health = Health(POLICY)
    health.note_success(A, spent("60"), 0.0, 0.0)
    health.note_success(A, {"x-ratelimit-remaining-requests": "1"}, 0.0, 1.0)
    assert not health.is_depleted(A, 1.0)


@pytest.mark.parametrize("failure", [BLOCKED, BARRED])
def test_a_resource_that_refuses_every_call_opens_the_breaker_at_once(failure: Failure) -> None:
    health = health_after(failure)
    assert health.is_open(A)
    assert (health.wait(A, 100.0), health.failed(A)) == (5.0, 100.0)
    assert not health.is_open(B)


def test_where_one_call_is_refused_for_an_unknown_reason_others_are_better_for_a_while() -> None:
    health = health_after(*[REFUSED] * 9)
    assert health.is_depleted(A, 109.0)
    assert not health.is_open(A)
    assert health.wait(A, 100.0) == 0.0


def test_when_a_target_failed_last_is_known() -> None:
    health = Health(POLICY)
    assert health.failed(A) == -math.inf
    for now, failure in ((1.0, CONNECT), (2.0, answered(500)), (3.0, answered(429)), (4.0, answered(400))):
        health.note_failure(A, failure, now, now)
    assert health.failed(A) == 2.0
    assert health.failed(B) == -math.inf


def test_the_only_target_lets_one_request_a_second_pass_while_it_cools_down() -> None:
    health = health_after(answered(429, 30.0))
    assert not health.may_pass(A, 100.9, alone=True)
    assert health.may_pass(A, 101.0, alone=True)
    assert not health.may_pass(A, 101.0, alone=False)
    health.admit(A, 101.0)
    assert not health.may_pass(A, 101.9, alone=True)
    assert health.may_pass(A, 102.0, alone=True)
    health.note_failure(A, answered(429, 28.0), 102.0, 102.5)
    assert not health.may_pass(A, 103.4, alone=True)
    assert health.may_pass(A, 130.5, alone=False)


def test_a_short_wait_is_over_before_the_second_is() -> None:
    assert health_after(answered(429, 0.2)).may_pass(A, 100.2, alone=True)


def test_an_open_breaker_lets_pass_who_asks_for_it() -> None:
    assert health_after(*[CONNECT] * 5).may_pass(A, 100.0, alone=False)
    assert Health(POLICY).may_pass(B, 0.0, alone=False)


def test_where_a_deployment_is_missing_others_are_better_for_a_while() -> None:
    health = health_after(MISSING)
    assert health.is_depleted(A, 109.0)
    assert not health.is_depleted(A, 110.0)
    assert health.wait(A, 100.0) == 0.0


def named(number: int) -> Target:
    return Target(resource=0, deployment=f"made-up-{number}")


def test_names_that_clients_make_up_do_not_fill_the_memory_and_forget_none_that_cools_down() -> None:
    health = health_after(answered(429, 100.0))
    for number in range(3 * MAX_TARGETS):
        health.note_failure(named(number), MISSING, 100.0, 100.0)
        assert len(health) <= MAX_TARGETS
    assert health.is_throttled(A, 101.0)


def test_of_too_many_that_rest_the_older_ones_are_forgotten() -> None:
    health = Health(POLICY)
    for number in range(MAX_TARGETS + 1):
        health.note_failure(named(number), answered(429, 100.0), 0.0, 0.0)
    assert len(health) == MAX_TARGETS // 2 + 1
    assert health.wait(named(0), 1.0) == 0.0
    assert health.wait(named(MAX_TARGETS), 1.0) == 99.0


class CooldownMachine(RuleBasedStateMachine):
    """Targets are throttled again and again: each cools down until the latest time that it asked for, and no longer."""

    def __init__(self) -> None:
        super().__init__()
        self.health = Health(POLICY)
        self.now = 1000.0
        self.until: dict[int, float] = {}

    @rule(seconds=st.floats(0.0, 100.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule(resource=st.integers(0, 3), wait=st.none() | st.floats(0.0, 1e9), kind=st.sampled_from([*Kind][-2:]))
    def throttle(self, resource: int, wait: float | None, kind: Kind) -> None:
        failure = Failure(kind=kind, status=429, wait=wait)
        self.health.note_failure(target(resource), failure, self.now, self.now)
        until = self.now + (10.0 if wait is None else min(120.0, max(0.1, wait)))
        self.until[resource] = max(until, self.until.get(resource, 0.0))

    @rule(resource=st.integers(0, 3))
    def answer(self, resource: int) -> None:
        self.health.note_success(target(resource), {}, self.now, self.now)

    @invariant()
    def everybody_rests_as_long_as_told(self) -> None:
        for resource in range(4):
            left = max(0.0, self.until.get(resource, 0.0) - self.now)
            assert self.health.wait(target(resource), self.now) == left
            assert self.health.is_throttled(target(resource), self.now) == (left > 0)


TestCooldownMachine = CooldownMachine.TestCase
TestCooldownMachine.settings = settings(stateful_step_count=50)
