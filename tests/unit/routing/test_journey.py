"""One request on its way from target to target."""

import pytest

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind, Repeat, Verdict
from proxy.routing.retry import Exhausted, RetryState, Routing, Step
from proxy.routing.targets import Target
from tests.unit.routing.samples import CONNECT, MISSING, answered, target

A, B, C, D = (target(number) for number in range(4))
OLD, NEW = target(0, version="2024-05-13"), target(1, version="2024-11-20")
FALLBACK = Target(resource=0, deployment="mini", priority=9, model="gpt-4o-mini", version="2024-07-18")


def router() -> Routing:
    return Routing(Policy())


def begin(journey: RetryState, now: float = 0.0, draw: float = 0.0) -> Step:
    step = journey.next(now, draw)
    assert step is not None
    return step


def travel(router: Routing, targets: list[Target], failure: Failure, now: float = 0.0) -> list[Step]:
    """Let every attempt end in the same failure; return the attempts."""
    steps = []
    with router.begin(targets) as journey:
        while (step := journey.next(now, 0.5)) is not None:
            steps.append(step)
            journey.failed(step, failure, now)
    return steps


def resources(steps: list[Step]) -> list[int]:
    return [step.target.resource for step in steps]


def test_a_request_that_succeeds_makes_one_attempt() -> None:
    with router().begin([A, B]) as journey:
        step = begin(journey)
        assert (step.target, step.pause) == (A, 0.0)
        journey.succeeded(step, {}, 0.1)
        assert journey.next(0.1, 0.0) is None
        assert journey.attempts == 1
        assert journey.failure is None


@pytest.mark.parametrize("failure", [CONNECT, answered(429), answered(503), answered(500, 1.0), MISSING])
def test_three_attempts_go_to_three_targets_without_waiting(failure: Failure) -> None:
    steps = travel(router(), [A, B, C, D], failure)
    assert len(set(resources(steps))) == len(steps) == 3
    assert not any(step.pause for step in steps)


def test_no_target_is_tried_twice_while_there_are_two() -> None:
    assert sorted(resources(travel(router(), [A, B], CONNECT))) == [0, 1]


def test_the_number_of_attempts_can_be_configured() -> None:
    assert len(travel(Routing(Policy(attempts=1)), [A, B], CONNECT)) == 1
    assert len(travel(Routing(Policy(attempts=9)), [A, B, C, D], CONNECT)) == 4


def test_after_a_verdict_to_give_up_there_is_no_next_step() -> None:
    with router().begin([A, B]) as journey:
        assert journey.failed(begin(journey), answered(400), 0.0) is Verdict.GIVE_UP
        assert journey.next(0.0, 0.0) is None
        assert journey.failure == answered(400)


def test_the_only_target_is_tried_again_after_jitter_where_no_connection_came_about() -> None:
    assert [step.pause for step in travel(router(), [A], CONNECT)] == [0.0, 0.5 * 0.025, 0.5 * 0.05]


def test_the_only_target_is_tried_again_after_a_short_wait_and_jitter() -> None:
    policy = Policy()
    with Routing(policy).begin([A]) as journey:
        journey.failed(begin(journey), answered(429, 2.0), 10.0)
        assert begin(journey, 10.5, draw=1.0).pause == 1.5 + policy.jitter


def test_a_wait_is_short_up_to_two_seconds() -> None:
    assert [step.pause for step in travel(router(), [A], answered(429, 2.0))] == [0.0, 2.0125, 2.025]


@pytest.mark.parametrize("failure", [answered(429), answered(429, 2.1), answered(500), answered(503, 60.0), MISSING])
def test_the_only_target_is_not_tried_again_after_a_long_wait_or_none_that_is_known(failure: Failure) -> None:
    assert len(travel(router(), [A], failure)) == 1


def test_the_only_target_is_not_tried_again_where_another_request_learnt_of_a_longer_wait() -> None:
    shared = router()
    with shared.begin([A]) as journey:
        step = begin(journey)
        travel(shared, [A], answered(429, 60.0))
        journey.failed(step, answered(429, 1.0), 0.0)
        assert journey.next(0.0, 0.0) is None


def test_the_only_target_is_not_tried_again_once_its_breaker_is_open() -> None:
    shared = router()
    for _ in range(2):
        travel(shared, [A], CONNECT)
    assert shared.health.is_open(A)
    assert travel(shared, [A], CONNECT, now=5.0)[1:] == []


def test_a_target_that_rests_is_never_asked() -> None:
    shared = router()
    travel(shared, [A], answered(429))
    assert resources(travel(shared, [A, B], answered(500))) == [1]
    assert travel(shared, [A], answered(500)) == []


def test_a_fresh_credential_is_tried_once_at_the_same_target_and_is_no_attempt() -> None:
    with router().begin([A, B]) as journey:
        first = begin(journey)
        assert journey.failed(first, answered(401), 0.0) is Verdict.REFRESH
        again = begin(journey, draw=1.0)
        assert (again.target, journey.attempts) == (first.target, 1)
        assert journey.failed(again, answered(401), 0.0) is Verdict.GIVE_UP


def test_each_target_may_have_a_fresh_credential() -> None:
    with router().begin([A, B]) as journey:
        journey.failed(begin(journey), answered(401), 0.0)
        assert journey.failed(begin(journey), CONNECT, 0.0) is Verdict.AGAIN
        other = begin(journey)
        assert other.target == B
        assert journey.failed(other, answered(401), 0.0) is Verdict.REFRESH


def test_failover_stays_within_the_version_of_the_first_target() -> None:
    same = target(2, version=OLD.version)
    with router().begin([OLD, NEW, same]) as journey:
        first = begin(journey, draw=0.0)
        assert first.target == OLD
        journey.failed(first, answered(500), 0.0)
        second = begin(journey)
        assert second.target == same
        journey.failed(second, answered(500), 0.0)
        assert journey.next(0.0, 0.0) is None


def test_where_the_version_is_not_known_the_operators_word_counts() -> None:
    unknown = target(2, priority=1)
    with router().begin([target(0, version=OLD.version), target(1, priority=2, version="other"), unknown]) as journey:
        journey.failed(begin(journey), answered(500), 0.0)
        second = begin(journey)
        assert second.target == unknown
        journey.failed(second, answered(500), 0.0)
        assert journey.next(0.0, 0.0) is None


def test_a_fallback_is_another_model_and_comes_when_the_version_has_no_target_left() -> None:
    with router().begin([OLD, NEW, FALLBACK]) as journey:
        journey.failed(begin(journey), answered(500), 0.0)
        assert begin(journey).target == FALLBACK


def test_a_target_of_another_version_does_not_keep_the_only_one_from_being_tried_again() -> None:
    with router().begin([OLD, NEW]) as journey:
        journey.failed(begin(journey), CONNECT, 0.0)
        assert begin(journey).target == OLD


def test_a_target_that_is_its_own_fallback_is_the_only_one_all_the_same() -> None:
    with router().begin([A, Target(resource=0, deployment="chat", priority=1, model="gpt-4o-mini")]) as journey:
        journey.failed(begin(journey), CONNECT, 0.0)
        assert begin(journey, draw=1.0).pause > 0.0


def test_a_retry_needs_room_in_the_budget() -> None:
    shared = router()
    journeys = [shared.begin([A, B]) for _ in range(4)]
    for journey in journeys:
        journey.__enter__()
        journey.failed(begin(journey), CONNECT, 0.0)
    assert [journey.next(0.0, 0.0) is not None for journey in journeys] == [True, True, True, False]
    assert shared.budget.retries == 3
    for journey in journeys:
        journey.__exit__(None, None, None)
    assert (shared.budget.requests, shared.budget.retries) == (0, 0)


def test_a_retry_that_goes_nowhere_costs_nothing() -> None:
    shared = router()
    with shared.begin([A, B]) as journey:
        journey.failed(begin(journey), CONNECT, 0.0)
        journey.failed(begin(journey), CONNECT, 0.0)
        assert journey.next(0.0, 0.0) is None
        assert shared.budget.retries == 0


def test_a_client_that_leaves_takes_its_probe_along() -> None:
    shared = Routing(Policy(breaker_failures=1))
    travel(shared, [A], CONNECT)
    with shared.begin([A]) as journey:
        begin(journey, 5.0)
        with shared.begin([A]) as other:
            assert other.next(5.0, 0.0) is None
    with shared.begin([A]) as journey:
        step = begin(journey, 5.0)
        journey.succeeded(step, {}, 5.0)
    assert not shared.health.is_open(A)


def test_when_all_are_throttled_the_smallest_wait_is_told() -> None:
    shared = router()
    travel(shared, [A], answered(429, 30.0))
    travel(shared, [B], answered(429, 7.0))
    with shared.begin([A, B]) as journey:
        assert journey.next(2.0, 0.0) is None
        assert journey.exhausted(2.0) == Exhausted(throttled=True, wait=5.0)


def test_a_target_that_was_throttled_a_moment_ago_still_counts_as_such() -> None:
    with router().begin([A, B]) as journey:
        journey.failed(begin(journey), answered(429, 1.0), 0.0)
        journey.failed(begin(journey, 1.5), answered(429, 30.0), 1.5)
        assert journey.exhausted(1.5) == Exhausted(throttled=True, wait=0.1)


def test_when_some_are_down_for_another_reason_they_are_not_all_throttled() -> None:
    shared = router()
    travel(shared, [A], answered(429, 30.0))
    for _ in range(5):
        travel(shared, [B], answered(500))
    with shared.begin([A, B]) as journey:
        assert journey.next(0.0, 0.0) is None
        assert journey.exhausted(0.0) == Exhausted(throttled=False, wait=5.0)


def test_the_targets_of_another_version_do_not_count_as_down_or_up() -> None:
    with router().begin([OLD, NEW]) as journey:
        journey.failed(begin(journey), answered(429, 30.0), 0.0)
        assert journey.exhausted(0.0) == Exhausted(throttled=True, wait=30.0)


def test_a_deployment_that_is_missing_somewhere_is_neither_down_nor_up() -> None:
    shared = router()
    missing = Failure(kind=Kind.ANSWER, status=404, code="DeploymentNotFound")
    with shared.begin([A, B]) as journey:
        journey.failed(begin(journey), answered(429, 30.0), 0.0)
        journey.failed(begin(journey), missing, 0.0)
        assert journey.exhausted(0.0) == Exhausted(throttled=True, wait=30.0)
    with router().begin([A, B]) as journey:
        journey.failed(begin(journey), missing, 0.0)
        journey.failed(begin(journey), missing, 0.0)
        assert journey.exhausted(0.0) is None


def test_without_targets_there_is_nothing_to_wait_for() -> None:
    with Routing(Policy()).begin([], Repeat.IDEMPOTENT) as journey:
        assert journey.next(0.0, 0.0) is None
        assert journey.exhausted(0.0) == Exhausted(throttled=False, wait=0.1)
