"""The breaker of one target."""

import math

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from proxy.config.policy import Policy
from proxy.routing.health import Breaker

POLICY = Policy()


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(POLICY)
    for _ in range(5):
        breaker.fail(now, now)
    return breaker


def test_a_new_breaker_lets_every_call_pass() -> None:
    breaker = Breaker(POLICY)
    breaker.admit(0.0)
    assert breaker.is_closed
    assert breaker.wait(0.0) == 0.0


def test_five_failures_in_a_row_open_it_for_five_seconds() -> None:
    breaker = Breaker(POLICY)
    states = []
    for _ in range(5):
        breaker.fail(0.0, 1.0)
        states.append(breaker.is_closed)
    assert states == [True, True, True, True, False]
    assert [breaker.wait(now) for now in (1.0, 4.0, 6.0)] == [5.0, 2.0, 0.0]


def test_a_success_in_between_ends_the_row() -> None:
    breaker = Breaker(POLICY)
    for step in range(8):
        breaker.fail(step, step)
        if step == 3:
            breaker.succeed(step, step)
    assert breaker.is_closed


def test_half_of_ten_calls_open_it() -> None:
    breaker = Breaker(POLICY)
    for step in range(5):
        breaker.succeed(step, step)
        assert breaker.is_closed
        breaker.fail(step, step)
    assert not breaker.is_closed


def test_less_than_half_does_not_open_it() -> None:
    breaker = Breaker(POLICY)
    for step in range(300):
        breaker.succeed(step / 10, step / 10)
        breaker.succeed(step / 10, step / 10)
        breaker.fail(step / 10, step / 10)
    assert breaker.is_closed


def test_failures_of_long_ago_are_forgotten() -> None:
    breaker = Breaker(POLICY)
    for step in range(20):
        breaker.succeed(step * 10.0, step * 10.0)
        breaker.fail(step * 10.0, step * 10.0)
    assert breaker.is_closed


def test_one_call_probes_and_the_others_wait() -> None:
    breaker = opened()
    breaker.admit(5.0)
    assert breaker.wait(5.0) == POLICY.probe_wait
    assert breaker.wait(30.0) == POLICY.probe_wait


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    breaker.admit(5.0)
    breaker.succeed(5.0, 6.0)
    assert breaker.is_closed
    assert breaker.wait(6.0) == 0.0


def test_each_probe_that_fails_doubles_the_time_up_to_a_minute() -> None:
    breaker, now, lengths = opened(), 0.0, []
    for _ in range(6):
        lengths.append(breaker.wait(now))
        now += lengths[-1]
        breaker.admit(now)
        breaker.fail(now, now)
    assert lengths == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_after_a_recovery_it_opens_for_five_seconds_again() -> None:
    breaker = opened()
    breaker.admit(5.0)
    breaker.fail(5.0, 5.0)
    breaker.admit(15.0)
    breaker.succeed(15.0, 15.0)
    for _ in range(5):
        breaker.fail(16.0, 17.0)
    assert breaker.wait(17.0) == 5.0


def test_after_a_recovery_old_failures_count_no_more() -> None:
    breaker = opened()
    breaker.admit(5.0)
    breaker.succeed(5.0, 5.0)
    for step in range(4):
        breaker.fail(6.0 + step, 6.0 + step)
        assert breaker.is_closed
    for step in range(6):
        breaker.succeed(11.0, 11.0 + step)
    assert breaker.is_closed


def test_what_begins_at_the_moment_of_the_change_is_from_before_it() -> None:
    breaker = opened(now=1.0)
    breaker.succeed(1.0, 1.0)
    assert not breaker.is_closed
    breaker.fail(1.0, 1.0)
    assert breaker.wait(1.0) == 5.0


def test_calls_from_before_the_change_say_nothing() -> None:
    breaker = opened(now=10.0)
    breaker.fail(9.0, 14.0)
    assert breaker.wait(14.0) == 1.0
    breaker.succeed(9.0, 14.0)
    assert breaker.wait(14.0) == 1.0
    breaker.admit(15.0)
    breaker.fail(9.0, 16.0)
    assert breaker.wait(16.0) == POLICY.probe_wait
    breaker.succeed(15.0, 17.0)
    for _ in range(5):
        breaker.fail(9.0, 18.0)
    assert breaker.is_closed


def test_a_call_in_spite_of_an_open_breaker_is_no_probe_and_closes_it_when_it_succeeds() -> None:
    breaker = opened()
    breaker.admit(1.0)
    breaker.fail(1.0, 2.0)
    assert [breaker.wait(now) for now in (2.0, 5.0)] == [3.0, 0.0]
    breaker.fail(2.0, 6.0)  # It came before the time of the probe, so it says nothing of that time.
    assert breaker.wait(6.0) == 0.0
    breaker.succeed(3.0, 7.0)
    assert breaker.is_closed


def test_a_failure_for_good_opens_it_at_once() -> None:
    breaker = Breaker(POLICY)
    breaker.fail(0.0, 1.0, for_good=True)
    assert breaker.wait(1.0) == 5.0


def test_a_probe_whose_client_has_left_makes_room_for_another() -> None:
    breaker = opened()
    breaker.admit(5.0)
    breaker.release(4.0)
    assert breaker.wait(6.0) == POLICY.probe_wait
    breaker.release(5.0)
    assert breaker.wait(6.0) == 0.0


def test_a_probe_that_nobody_hears_of_again_is_replaced_after_a_minute() -> None:
    breaker = opened()
    breaker.admit(5.0)
    assert breaker.wait(64.9) == POLICY.probe_wait
    assert breaker.wait(65.0) == 0.0


@pytest.mark.parametrize("policy", [Policy(breaker_failures=2), Policy(breaker_calls=2, breaker_share=1.0)])
def test_the_limits_can_be_configured(policy: Policy) -> None:
    breaker = Breaker(policy)
    breaker.fail(0.0, 0.0)
    assert breaker.is_closed
    breaker.fail(0.0, 0.0)
    assert not breaker.is_closed


class BreakerMachine(RuleBasedStateMachine):
    """A plain model beside the breaker, which keeps every call; time goes in slices of the window."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(POLICY)
        self.now = 0.0
        self.on_their_way: list[float] = []
        self.ended: list[tuple[float, bool]] = []
        self.until: float | None = None
        self.length = 0.0
        self.probe: float | None = None

    @rule(slices=st.integers(1, 12))
    def time_passes(self, slices: int) -> None:
        self.now += 3.0 * slices

    @rule()
    def a_call_is_admitted(self) -> None:
        if self.breaker.wait(self.now) == 0.0:
            self.breaker.admit(self.now)
            self.on_their_way.append(self.now)
            if self.until is not None:
                assert self.now >= self.until
                assert self.probe is None or self.now >= self.probe + 60.0
                self.probe = self.now

    @rule(place=st.integers(0, 30), failed=st.booleans())
    def a_call_ends(self, place: int, failed: bool) -> None:
        if not self.on_their_way:
            return
        began = self.on_their_way.pop(place % len(self.on_their_way))
        (self.breaker.fail if failed else self.breaker.succeed)(began, self.now)
        if began > self.changed:
            self._expect(failed, began)

    @rule()
    def the_client_leaves(self) -> None:
        if self.on_their_way:
            began = self.on_their_way.pop()
            self.breaker.release(began)
            self.probe = None if self.probe == began else self.probe

    changed = -math.inf

    @rule()
    def a_call_is_made_in_spite_of_it(self) -> None:
        if self.until is not None and self.now < self.until:
            self.breaker.admit(self.now)
            self.on_their_way.append(self.now)

    def _expect(self, failed: bool, began: float) -> None:
        if failed and self.until is not None and began < self.until:
            return
        self.ended.append((self.now, failed))
        if self.until is not None:
            self._change(min(60.0, 2 * self.length) if failed else None)
        elif failed and self._too_often():
            self._change(5.0)

    def _too_often(self) -> bool:
        recent = [failed for time, failed in self.ended if time > self.now - 30.0]
        in_a_row = all(failed for _, failed in self.ended[-5:]) and len(self.ended) >= 5
        return in_a_row or (len(recent) >= 10 and sum(recent) * 2 >= len(recent))

    def _change(self, length: float | None) -> None:
        self.changed, self.probe = self.now, None
        self.ended.clear()
        self.length = length or 0.0
        self.until = None if length is None else self.now + length

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.breaker.is_closed == (self.until is None)
        wait = self.breaker.wait(self.now)
        if self.until is None:
            assert wait == 0.0
        elif self.now < self.until:
            assert wait == self.until - self.now
        else:
            assert wait == (1.0 if self.probe is not None and self.now < self.probe + 60.0 else 0.0)


TestBreakerMachine = BreakerMachine.TestCase
TestBreakerMachine.settings = settings(stateful_step_count=60)
