"""Which target is next."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.policy import Policy
from proxy.routing.health import Health
from proxy.routing.retry import choose, choose_resting
from proxy.routing.targets import Target, prefer
from tests.unit.routing.samples import CONNECT, answered, target

A, B, C = target(0), target(1), target(2)
SPENT = {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "60"}


def healthy() -> Health:
    return Health(Policy())


def shares(targets: list[Target], health: Health, draws: int = 10_000) -> dict[int, float]:
    random = Random(7)
    chosen = (choose(targets, (), health, 0.0, random.random()) for _ in range(draws))
    counted = Counter(one.resource for one in chosen if one is not None)
    return {resource: number / draws for resource, number in counted.items()}


def test_nothing_comes_of_nothing() -> None:
    assert choose([], (), healthy(), 0.0, 0.5) is None
    assert choose([A, B], {A.key, B.key}, healthy(), 0.0, 0.5) is None


def test_equals_share_by_weight() -> None:
    counted = shares([target(0, weight=1.0), target(1, weight=3.0), target(2, weight=6.0)], healthy())
    assert counted == pytest.approx({0: 0.1, 1: 0.3, 2: 0.6}, abs=0.02)


def test_the_lower_priority_number_goes_first_whatever_the_weights_and_the_order() -> None:
    targets = [target(0, priority=2, weight=100.0), target(1, priority=1), target(2, priority=1)]
    assert shares(targets, healthy()).keys() == {1, 2}


def test_the_next_priority_steps_in_when_the_first_one_cools_down() -> None:
    health = healthy()
    health.note_failure(A, answered(429), 0.0, 0.0)
    assert shares([A, target(1, priority=1)], health) == {1: 1.0}


def test_weight_zero_only_stands_in() -> None:
    health, idle = healthy(), target(1, weight=0.0)
    assert shares([A, idle, C], health).keys() == {0, 2}
    assert choose([A, idle], {A.key}, health, 0.0, 0.5) == idle
    assert shares([idle, target(2, weight=0.0)], health) == pytest.approx({1: 0.5, 2: 0.5}, abs=0.02)
    assert shares([idle, target(2, priority=1)], health) == {1: 1.0}


def test_the_preferred_resource_is_first_among_equals_alone() -> None:
    health, last = healthy(), target(2, priority=1)
    targets = prefer((A, target(1, weight=3.0), last), 0)
    assert shares(list(targets), health) == {0: 1.0}
    health.note_failure(A, answered(429), 0.0, 0.0)
    assert shares(list(targets), health) == {1: 1.0}
    # One of a later priority is not asked before the others, and one that only stands in is not preferred.
    assert prefer((A, B, last), 2) == (A, B, last)
    for resource in (1, 7):
        assert prefer((A, target(1, weight=0.0)), resource) == (A, target(1, weight=0.0))


@pytest.mark.parametrize("targets", [[A, B], [A, target(1, weight=0.0)], [target(0, weight=0.0), B]])
def test_the_ends_of_the_draw_are_targets_too(targets: list[Target]) -> None:
    weighted = [one for one in targets if one.weight]
    assert choose(targets, (), healthy(), 0.0, 0.0) == weighted[0]
    assert choose(targets, (), healthy(), 0.0, 1.0) == weighted[-1]


def test_one_whose_limit_is_spent_comes_last_across_priorities() -> None:
    health = healthy()
    health.note_success(A, SPENT, 0.0, 0.0)
    spare = target(1, priority=5)
    assert choose([A, spare], (), health, 1.0, 0.0) == spare
    assert choose([A], (), health, 1.0, 0.0) == A
    assert choose([A, spare], {spare.key}, health, 1.0, 0.0) == A
    assert choose([A, spare], (), health, 60.0, 0.0) == A


def test_where_every_limit_is_spent_priority_decides_again() -> None:
    health, spare = healthy(), target(1, priority=1)
    for one in (A, spare):
        health.note_success(one, SPENT, 0.0, 0.0)
    assert choose([spare, A], (), health, 1.0, 0.0) == A


_TARGETS = st.lists(
    st.builds(
        target,
        st.integers(0, 5),
        priority=st.integers(0, 2),
        weight=st.sampled_from([0.0, 0.001, 1.0, 7.5, 1e6]),
    ),
    max_size=6,
    unique_by=lambda one: one.key,
)


@given(_TARGETS, st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)), st.floats(0, 1))
def test_the_choice_is_the_best_that_may_be_asked(
    targets: list[Target], tried: set[int], cooling: set[int], spent: set[int], draw: float
) -> None:
    health = healthy()
    for resource in cooling:
        health.note_failure(target(resource), answered(429), 0.0, 0.0)
    for resource in spent - cooling:
        health.note_success(target(resource), SPENT, 0.0, 0.0)
    chosen = choose(targets, {target(resource).key for resource in tried}, health, 1.0, draw)
    usable = [one for one in targets if one.resource not in tried | cooling]
    if chosen is None:
        assert not usable
        return
    assert chosen in usable
    assert chosen.resource not in spent or all(one.resource in spent for one in usable)
    equals = [one for one in usable if (one.resource in spent) == (chosen.resource in spent)]
    assert chosen.priority == min(one.priority for one in equals)
    assert chosen.weight or not any(one.weight for one in equals if one.priority == chosen.priority)


def down(health: Health, one: Target, now: float) -> None:
    for _ in range(5):
        health.note_failure(one, CONNECT, now, now)


def test_where_no_breaker_is_closed_the_one_that_failed_longest_ago_is_asked() -> None:
    health = healthy()
    for one, now in ((A, 2.0), (B, 1.0), (C, 3.0)):
        down(health, one, now)
    assert choose_resting([A, B, C], health, 4.0) == B
    health.note_failure(B, answered(503, 60.0), 4.0, 4.0)
    assert choose_resting([A, B, C], health, 4.0) == A  # B asked to be left alone.


def test_where_one_breaker_is_closed_the_others_stand() -> None:
    health = healthy()
    down(health, A, 0.0)
    health.note_failure(B, answered(429, 60.0), 0.0, 0.0)
    assert choose_resting([A, B], health, 1.0) is None


def test_where_all_cool_down_nobody_is_asked() -> None:
    health = healthy()
    for one in (A, B):
        down(health, one, 0.0)
        health.note_failure(one, answered(429, 60.0), 0.0, 0.0)
    assert choose_resting([A, B], health, 5.0) is None
    assert choose_resting([], health, 5.0) is None


def test_the_only_one_is_asked_whatever_its_breaker_says_and_once_a_second_while_it_cools_down() -> None:
    health = healthy()
    down(health, A, 0.0)
    assert choose_resting([A], health, 0.0) == A
    health.note_failure(A, answered(429, 60.0), 0.0, 0.0)
    assert [choose_resting([A, A], health, now) for now in (0.5, 1.0)] == [None, A]


def test_an_open_breaker_is_passed_over() -> None:
    health = healthy()
    for _ in range(5):
        health.note_failure(A, CONNECT, 0.0, 0.0)
    assert shares([A, B], health) == {1: 1.0}
