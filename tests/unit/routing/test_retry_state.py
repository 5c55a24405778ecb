"""One request on its way from target to target."""

import pytest

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind, Repeat, Verdict
from proxy.routing.retry import Exhausted, RetryState, Routing, Step
from proxy.routing.targets import Target
from tests.unit.routing.samples import BLOCKED, CONNECT, MISSING, UNSUITABLE, UNSUPPORTED, answered, target

A, B, C, D = (target(number) for number in range(4))
OLD, NEW = target(0, version="2024-05-13"), target(1, version="2024-11-20")
FALLBACK = Target(resource=0, deployment="mini", priority=9, model="gpt-4o-mini", version="2024-07-18")


def new_routing() -> Routing:
    return Routing(Policy())


def begin(state: RetryState, now: float = 0.0, draw: float = 0.0) -> Step:
    step = state.next(now, draw)
    assert step is not None
    return step


def run(routing: Routing, targets: list[Target], failure: Failure, now: float = 0.0) -> list[Step]:
    """Let every attempt end in the same failure; return the attempts."""
    steps = []
    with routing.begin(targets) as state:
        while (step := state.next(now, 0.5)) is not None:
            steps.append(step)
            state.failed(step, failure, now)
    return steps


def resources(steps: list[Step]) -> list[int]:
    return [step.target.resource for step in steps]


def test_a_request_that_succeeds_makes_one_attempt() -> None:
    with new_routing().begin([A, B]) as state:
        step = begin(state)
        assert (step.target, step.pause) == (A, 0.0)
        state.succeeded(step, {}, 0.1)
        assert state.next(0.1, 0.0) is None
        assert state.attempts == 1
        assert state.failure is None


@pytest.mark.parametrize("failure", [CONNECT, answered(429), answered(503), answered(500, 1.0), MISSING])
def test_three_attempts_go_to_three_targets_without_waiting(failure: Failure) -> None:
    steps = run(new_routing(), [A, B, C, D], failure)
    assert len(set(resources(steps))) == len(steps) == 3
    assert not any(step.pause for step in steps)


def test_no_target_is_tried_twice_while_there_are_two() -> None:
    assert sorted(resources(run(new_routing(), [A, B], CONNECT))) == [0, 1]


def test_the_number_of_attempts_can_be_configured() -> None:
    assert len(run(Routing(Policy(attempts=1)), [A, B], CONNECT)) == 1
    assert len(run(Routing(Policy(attempts=9)), [A, B, C, D], CONNECT)) == 4


def test_after_a_verdict_to_give_up_there_is_no_next_step() -> None:
    with new_routing().begin([A, B]) as state:
        assert state.failed(begin(state), answered(400), 0.0) is Verdict.GIVE_UP
        assert state.next(0.0, 0.0) is None
        assert state.failure == answered(400)


def test_the_only_target_is_tried_again_after_jitter_where_no_connection_came_about() -> None:
    assert [step.pause for step in run(new_routing(), [A], CONNECT)] == [0.0, 0.5 * 0.025, 0.5 * 0.05]


def test_the_only_target_is_tried_again_after_a_short_wait_and_jitter() -> None:
    policy = Policy()
    with Routing(policy).begin([A]) as state:
        state.failed(begin(state), answered(429, 2.0), 10.0)
        assert begin(state, 10.5, draw=1.0).pause == 1.5 + policy.jitter


def test_a_wait_is_short_up_to_two_seconds_and_a_429_is_repeated_once() -> None:
    assert [step.pause for step in run(new_routing(), [A], answered(429, 2.0))] == [0.0, 2.0125]
    assert [step.pause for step in run(new_routing(), [A], answered(503, 2.0))] == [0.0, 2.0125, 2.025]


def test_a_429_is_repeated_once_also_behind_another_failure() -> None:
    with Routing(Policy(attempts=9)).begin([A]) as state:
        for failure in (CONNECT, answered(429, 0.0), CONNECT):
            state.failed(begin(state), failure, 0.0)
        state.failed(begin(state), answered(429, 0.0), 0.0)
        assert state.next(0.0, 0.0) is None
        assert state.attempts == 4


@pytest.mark.parametrize("failure", [answered(429), answered(429, 2.1), answered(500), answered(503, 60.0), MISSING])
def test_the_only_target_is_not_tried_again_after_a_long_wait_or_none_that_is_known(failure: Failure) -> None:
    assert len(run(new_routing(), [A], failure)) == 1


def test_the_only_target_is_not_tried_again_where_another_request_learnt_of_a_longer_wait() -> None:
    shared = new_routing()
    with shared.begin([A]) as state:
        step = begin(state)
        run(shared, [A], answered(429, 60.0))
        state.failed(step, answered(429, 1.0), 0.0)
        assert state.next(0.0, 0.0) is None


def test_the_only_target_is_not_tried_again_once_its_breaker_is_open() -> None:
    shared = new_routing()
    for _ in range(2):
        run(shared, [A], CONNECT)
    assert shared.health.is_open(A)
    assert run(shared, [A], CONNECT, now=5.0)[1:] == []


def test_the_breaker_of_the_only_target_refuses_nothing() -> None:
    shared = new_routing()
    for _ in range(20):
        assert len(run(shared, [A], answered(500), now=1.0)) == 1
    assert shared.health.is_open(A)
    with shared.begin([A]) as state:
        state.succeeded(begin(state, 1.5), {}, 1.6)
    assert not shared.health.is_open(A)


def test_where_all_are_open_a_request_makes_one_attempt_at_the_one_that_failed_longest_ago() -> None:
    shared = new_routing()
    for now, one in ((1.0, B), (2.0, A), (3.0, C)):
        for _ in range(5):
            run(shared, [one], CONNECT, now)
    assert [resources(run(shared, [A, B, C], CONNECT, now)) for now in (4.0, 4.1, 4.2, 4.3)] == [[1], [0], [2], [1]]


def test_where_all_are_open_a_fresh_credential_is_tried_all_the_same() -> None:
    shared = Routing(Policy(breaker_failures=1))
    run(shared, [A], CONNECT)
    with shared.begin([A]) as state:
        assert state.failed(begin(state), answered(401), 0.1) is Verdict.REFRESH
        assert state.next(0.1, 0.0) is not None


def test_the_only_target_is_held_by_its_wait_but_for_one_request_a_second() -> None:
    shared = new_routing()
    run(shared, [A], answered(429, 30.0))
    asked = [now / 10 for now in range(400) if run(shared, [A], answered(429, 30.0), now=now / 10)]
    assert asked == [float(second) for second in range(1, 40)]
    with new_routing().begin([A]) as state:
        state.failed(begin(state), answered(429, 30.0), 0.0)
        assert state.exhausted(12.0) == Exhausted(throttled=True, wait=18.0)


def test_what_passes_the_wait_of_the_only_target_makes_one_attempt() -> None:
    shared = new_routing()
    run(shared, [A], answered(429, 30.0))
    assert len(run(shared, [A], CONNECT, now=5.0)) == 1


def test_a_target_that_rests_is_never_asked() -> None:
    shared = new_routing()
    run(shared, [A], answered(429))
    assert resources(run(shared, [A, B], answered(500))) == [1]
    assert run(shared, [A], answered(500)) == []


def test_a_fresh_credential_is_tried_once_at_the_same_target_and_is_no_attempt() -> None:
    with new_routing().begin([A, B]) as state:
        first = begin(state)
        assert state.failed(first, answered(401), 0.0) is Verdict.REFRESH
        again = begin(state, draw=1.0)
        assert (again.target, state.attempts) == (first.target, 1)
        assert state.failed(again, answered(401), 0.0) is Verdict.GIVE_UP


def test_each_target_may_have_a_fresh_credential() -> None:
    with new_routing().begin([A, B]) as state:
        state.failed(begin(state), answered(401), 0.0)
        assert state.failed(begin(state), CONNECT, 0.0) is Verdict.AGAIN
        other = begin(state)
        assert other.target == B
        assert state.failed(other, answered(401), 0.0) is Verdict.REFRESH


def test_failover_stays_within_the_version_of_the_first_target() -> None:
    same = target(2, version=OLD.version)
    with new_routing().begin([OLD, NEW, same]) as state:
        first = begin(state, draw=0.0)
        assert first.target == OLD
        state.failed(first, answered(500), 0.0)
        second = begin(state)
        assert second.target == same
        state.failed(second, answered(500), 0.0)
        assert state.next(0.0, 0.0) is None


def test_where_the_version_is_not_known_the_operators_word_counts() -> None:
    unknown = target(2, priority=1)
    with new_routing().begin(
        [target(0, version=OLD.version), target(1, priority=2, version="other"), unknown]
    ) as state:
        state.failed(begin(state), answered(500), 0.0)
        second = begin(state)
        assert second.target == unknown
        state.failed(second, answered(500), 0.0)
        assert state.next(0.0, 0.0) is None


def test_a_fallback_is_another_model_and_comes_when_the_version_has_no_target_left() -> None:
    with new_routing().begin([OLD, NEW, FALLBACK]) as state:
        state.failed(begin(state), answered(500), 0.0)
        assert begin(state).target == FALLBACK


def test_a_target_of_another_version_does_not_keep_the_only_one_from_being_tried_again() -> None:
    with new_routing().begin([OLD, NEW]) as state:
        state.failed(begin(state), CONNECT, 0.0)
        assert begin(state).target == OLD


def test_a_target_that_is_its_own_fallback_is_the_only_one_all_the_same() -> None:
    with new_routing().begin([A, Target(resource=0, deployment="chat", priority=1, model="gpt-4o-mini")]) as state:
        state.failed(begin(state), CONNECT, 0.0)
        assert begin(state, draw=1.0).pause > 0.0


def test_the_first_attempt_at_a_target_that_is_well_needs_no_room_in_the_budget() -> None:
    shared = Routing(Policy(breaker_failures=1000, breaker_calls=1000))
    states = [shared.begin([A, B, C]) for _ in range(20)]
    for state in states:
        state.__enter__()
        state.failed(begin(state), CONNECT, 0.0)
    for state in states:
        state.failed(begin(state), CONNECT, 0.0)
    assert all(state.next(0.0, 0.0) is not None for state in states)
    assert shared.budget.retries == 0


def test_another_attempt_at_the_only_target_needs_room_in_the_budget() -> None:
    shared = Routing(Policy(breaker_failures=1000, breaker_calls=1000))
    states = [shared.begin([A]) for _ in range(4)]
    for state in states:
        state.__enter__()
        state.failed(begin(state), CONNECT, 0.0)
    assert [state.next(0.0, 0.0) is not None for state in states] == [True, True, True, False]
    assert shared.budget.retries == 3
    for state in states:
        state.__exit__(None, None, None)
    assert (shared.budget.requests, shared.budget.retries) == (0, 0)


def test_a_probe_needs_room_in_the_budget_and_without_it_the_next_target_is_asked() -> None:
    shared = Routing(Policy(min_retries=0, breaker_failures=1))
    run(shared, [A], CONNECT)
    spare = target(2, priority=1)
    with shared.begin([A, spare, target(1, priority=-1)]) as state:
        state.failed(begin(state, 6.0), answered(500), 6.0)
        assert begin(state, 6.0).target == spare  # The breaker of A waits for a probe.
    with shared.begin([target(1, priority=-1), A]) as state:
        state.failed(begin(state, 50.0), answered(429), 50.0)
        assert state.next(50.0, 0.0) is None


def test_what_a_resource_refuses_for_a_reason_of_its_own_is_asked_elsewhere_and_not_there_again() -> None:
    shared = new_routing()
    with shared.begin([A, target(1, priority=1)]) as state:
        assert state.failed(begin(state), BLOCKED, 0.0) is Verdict.AGAIN
        assert begin(state).target.resource == 1
    with shared.begin([A, target(1, priority=1)]) as state:
        assert begin(state).target.resource == 1


def test_an_operation_that_one_server_does_not_have_is_asked_elsewhere_and_other_calls_still_go_there() -> None:
    shared = new_routing()
    with shared.begin([A, target(1, priority=1)]) as state:
        assert state.failed(begin(state), UNSUPPORTED, 0.0) is Verdict.AGAIN
        assert begin(state).target.resource == 1
    with shared.begin([A, target(1, priority=1)]) as state:
        assert begin(state).target.resource == 0
        state.failed(Step(target=A, began=0.0), UNSUPPORTED, 0.0)
    with shared.begin([A]) as state:
        state.failed(begin(state), UNSUPPORTED, 0.0)
        assert state.next(0.0, 0.0) is None
        assert state.exhausted(0.0) is None


def test_where_every_resource_refuses_the_reason_is_told_also_while_the_breakers_are_open() -> None:
    shared = new_routing()
    for attempts in (2, 1, 1):
        with shared.begin([A, B]) as state:
            for _ in range(attempts):
                state.failed(begin(state), BLOCKED, 0.0)
            assert state.next(0.0, 0.0) is None
            assert state.exhausted(0.0) is None


def test_a_resource_that_refuses_does_not_hide_that_the_other_is_only_throttled() -> None:
    with new_routing().begin([A, B]) as state:
        state.failed(begin(state), answered(429, 30.0), 0.0)
        state.failed(begin(state), BLOCKED, 0.0)
        assert state.exhausted(0.0) == Exhausted(throttled=True, wait=30.0)


def test_a_retry_that_goes_nowhere_costs_nothing() -> None:
    shared = new_routing()
    with shared.begin([A, B]) as state:
        state.failed(begin(state), CONNECT, 0.0)
        state.failed(begin(state), CONNECT, 0.0)
        assert state.next(0.0, 0.0) is None
        assert shared.budget.retries == 0


def test_a_client_that_leaves_takes_its_probe_along() -> None:
    shared = Routing(Policy(breaker_failures=1))
    run(shared, [A], CONNECT)
    with shared.begin([A]) as state:
        begin(state, 5.0)
        with shared.begin([A, B]) as other:
            assert begin(other, 5.0).target == B
    with shared.begin([A, target(1, priority=1)]) as state:
        step = begin(state, 5.0)
        assert step.target == A
        state.succeeded(step, {}, 5.0)
    assert not shared.health.is_open(A)


def test_when_all_are_throttled_the_smallest_wait_is_told() -> None:
    shared = new_routing()
    run(shared, [A], answered(429, 30.0))
    run(shared, [B], answered(429, 7.0))
    with shared.begin([A, B]) as state:
        assert state.next(2.0, 0.0) is None
        assert state.exhausted(2.0) == Exhausted(throttled=True, wait=5.0)


def test_a_target_that_was_throttled_a_moment_ago_still_counts_as_such() -> None:
    with new_routing().begin([A, B]) as state:
        state.failed(begin(state), answered(429, 1.0), 0.0)
        state.failed(begin(state, 1.5), answered(429, 30.0), 1.5)
        assert state.exhausted(1.5) == Exhausted(throttled=True, wait=0.1)


def test_when_some_are_down_for_another_reason_they_are_not_all_throttled() -> None:
    shared = new_routing()
    run(shared, [A], answered(429, 30.0))
    for _ in range(5):
        run(shared, [B], answered(500))
    with shared.begin([A, B]) as state:
        assert state.next(0.0, 0.0) is None
        assert state.exhausted(0.0) == Exhausted(throttled=False, wait=5.0)


def test_the_targets_of_another_version_do_not_count_as_down_or_up() -> None:
    with new_routing().begin([OLD, NEW]) as state:
        state.failed(begin(state), answered(429, 30.0), 0.0)
        assert state.exhausted(0.0) == Exhausted(throttled=True, wait=30.0)


def test_a_deployment_that_is_missing_somewhere_is_neither_down_nor_up() -> None:
    shared = new_routing()
    missing = Failure(kind=Kind.ANSWER, status=404, code="DeploymentNotFound")
    with shared.begin([A, B]) as state:
        state.failed(begin(state), answered(429, 30.0), 0.0)
        state.failed(begin(state), missing, 0.0)
        assert state.exhausted(0.0) == Exhausted(throttled=True, wait=30.0)
    with new_routing().begin([A, B]) as state:
        state.failed(begin(state), missing, 0.0)
        state.failed(begin(state), missing, 0.0)
        assert state.exhausted(0.0) is None


def test_without_targets_there_is_nothing_to_wait_for() -> None:
    with Routing(Policy()).begin([], Repeat.IDEMPOTENT) as state:
        assert state.next(0.0, 0.0) is None
        assert state.exhausted(0.0) == Exhausted(throttled=False, wait=0.1)


@pytest.mark.parametrize("repeat", Repeat)
def test_a_target_that_does_not_offer_the_call_is_passed_over_and_counts_as_no_attempt(repeat: Repeat) -> None:
    routing = Routing(Policy(attempts=1))
    with routing.begin([A, B, C], repeat) as state:
        passed = [begin(state)]
        assert state.failed(passed[0], UNSUITABLE, 0.0) is Verdict.AGAIN
        passed.append(begin(state))
        assert state.failed(passed[1], UNSUITABLE, 0.0) is Verdict.AGAIN
        assert state.attempts == 0
        last = begin(state)
        assert len({*resources(passed), last.target.resource}) == 3
        assert state.failed(last, CONNECT, 0.0) is Verdict.AGAIN
        assert state.next(0.0, 0.0) is None
    assert len(routing.health) == 1


def test_where_no_target_offers_the_call_the_last_one_says_why() -> None:
    with new_routing().begin([A, B]) as state:
        for _ in range(2):
            state.failed(begin(state), UNSUITABLE, 0.0)
        assert state.next(0.0, 0.0) is None
        assert state.exhausted(0.0) is None


def test_another_target_may_take_an_operation_that_is_repeated_otherwise() -> None:
    with new_routing().begin([A, B], Repeat.IDEMPOTENT) as state:
        state.repeat = Repeat.IF_NOT_PROCESSED
        assert state.failed(begin(state), answered(500), 0.0) is Verdict.GIVE_UP
