"""Prompts with the same beginning go to the same target, within bounded load."""

from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.policy import Policy
from proxy.routing.affinity import OVER_SHARE, SPARE, Affinity, Placement
from proxy.routing.failures import Repeat
from proxy.routing.health import Health
from proxy.routing.retry import Routing, choose
from proxy.routing.targets import Target
from tests.unit.routing.samples import CONNECT, answered, target

NAMES = ("sweden", "france", "japan", "canada", "brazil")
FIVE = [target(number) for number in range(5)]
KEYS = [number.to_bytes(16) for number in range(2000)]

keys = st.binary(min_size=1, max_size=64)
some_targets = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from([0.5, 1.0, 3.0, 10.0])), min_size=1, unique_by=lambda pair: pair[0]
).map(lambda pairs: [target(resource, weight=weight) for resource, weight in pairs])


def placement(affinity: Affinity, key: bytes | None) -> Placement:
    return Placement(affinity, lambda: key)


@given(some_targets, keys, st.randoms(use_true_random=False))
def test_a_key_has_one_target_whatever_the_order_and_the_instance(
    targets: list[Target], key: bytes, random: Random
) -> None:
    chosen = Affinity(NAMES).choose(targets, key)
    random.shuffle(targets)
    assert Affinity(NAMES).choose(targets, key) == chosen


@given(some_targets, keys)
def test_a_target_that_leaves_moves_its_own_keys_alone(targets: list[Target], key: bytes) -> None:
    affinity = Affinity(NAMES)
    chosen = affinity.choose(targets, key)
    for gone in targets:
        rest = [one for one in targets if one is not gone]
        if gone != chosen:
            assert affinity.choose(rest, key) == chosen


def test_the_keys_of_a_target_that_leaves_are_shared_by_all_others() -> None:
    affinity = Affinity(NAMES)
    moved = [key for key in KEYS if affinity.choose(FIVE, key).resource == 0]
    shares = Counter(affinity.choose(FIVE[1:], key).resource for key in moved)
    assert 300 < len(moved) < 500
    assert all(60 < shares[number] < 140 for number in range(1, 5))


def test_a_resource_keeps_its_keys_when_another_stands_before_it_in_the_settings() -> None:
    before, after = Affinity(NAMES[1:]), Affinity(NAMES)
    for key in KEYS[:200]:
        chosen = before.choose(FIVE[:4], key)
        assert after.choose(FIVE[1:], key).resource == chosen.resource + 1


def test_two_deployments_of_one_resource_are_two_targets() -> None:
    both = [Target(resource=0, deployment=name) for name in ("a", "b")]
    shares = Counter(Affinity(NAMES).choose(both, key).deployment for key in KEYS)
    assert 900 < shares["a"] < 1100


@pytest.mark.parametrize("weights", [(1.0, 1.0), (1.0, 3.0), (1.0, 3.0, 6.0), (0.1, 0.2, 0.7), (1000.0, 1.0, 0.0)])
def test_keys_are_shared_by_weight(weights: tuple[float, ...]) -> None:
    affinity, targets = Affinity(NAMES), [target(number, weight=weight) for number, weight in enumerate(weights)]
    shares = Counter(placement(affinity, key).pick(targets, 0.0).resource for key in KEYS)
    for number, weight in enumerate(weights):
        assert shares[number] / len(KEYS) == pytest.approx(weight / sum(weights), abs=0.04)
        assert weight or not shares[number]


def test_a_larger_weight_takes_keys_and_gives_none() -> None:
    affinity = Affinity(NAMES)
    for key in KEYS[:500]:
        before = affinity.choose(FIVE, key)
        after = affinity.choose([target(0, weight=4.0), *FIVE[1:]], key)
        assert after == before or after.resource == 0


def test_targets_without_weight_stand_in_and_keep_their_keys() -> None:
    affinity, idle = Affinity(NAMES), [target(number, weight=0.0) for number in range(2)]
    assert {placement(affinity, key).pick(idle, 0.0).resource for key in KEYS[:50]} == {0, 1}
    assert {placement(affinity, key).pick([*idle, FIVE[2]], 0.0).resource for key in KEYS[:50]} == {2}


@given(some_targets, st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=200))
def test_no_target_takes_a_call_beyond_its_share(targets: list[Target], calls: list[tuple[int, bool]]) -> None:
    affinity, weights = Affinity(NAMES), sum(one.weight for one in targets)
    in_flight: list[Placement] = []
    for number, ends in calls:
        if ends and in_flight:
            in_flight.pop(number % len(in_flight)).end()
            continue
        call = placement(affinity, bytes([number]))
        chosen = call.pick(targets, 0.0)
        share = (len(in_flight) + 1) * chosen.weight / weights
        assert len(targets) == 1 or affinity.in_flight(chosen) < OVER_SHARE * share + SPARE
        call.move(chosen)
        in_flight.append(call)
    assert sum(map(affinity.in_flight, targets)) == len(in_flight)
    for call in in_flight:
        call.end()
    assert not any(map(affinity.in_flight, targets))


def test_a_call_beyond_the_load_goes_to_the_next_in_the_order_of_its_key() -> None:
    affinity, key = Affinity(NAMES), b"busy"
    first = affinity.choose(FIVE, key)
    second = affinity.choose([one for one in FIVE if one != first], key)
    came = []
    for _ in range(9):
        call = placement(affinity, key)
        came.append(call.pick(FIVE, 0.0))
        call.move(came[-1])
    # 1.25 x 1/5 of the calls and 4 more: the first target takes 6 of the first 8, and 7 of 9.
    assert came == [first] * 6 + [second, second, first]


def test_few_calls_at_once_stay_together() -> None:
    affinity = Affinity(NAMES)
    for _ in range(SPARE):
        affinity.begin(affinity.choose(FIVE, b"key").key)
    assert sorted(affinity.in_flight(one) for one in FIVE) == [0, 0, 0, 0, SPARE]


def test_each_call_is_counted_until_it_ends() -> None:
    affinity = Affinity(NAMES)
    calls = [placement(affinity, b"key") for _ in range(3)]
    for call in calls:
        call.move(FIVE[0])
    counted = []
    for call in calls:
        call.end()
        counted.append(affinity.in_flight(FIVE[0]))
    assert counted == [2, 1, 0]


def test_a_call_that_goes_on_elsewhere_is_counted_there_alone() -> None:
    affinity = Affinity(NAMES)
    call = placement(affinity, b"key")
    for one in (FIVE[0], FIVE[1]):
        call.move(one)
    assert [affinity.in_flight(one) for one in FIVE] == [0, 1, 0, 0, 0]
    call.end()
    call.end()
    assert not any(map(affinity.in_flight, FIVE))


def test_a_prompt_without_a_key_goes_anywhere_by_weight() -> None:
    call = placement(Affinity(NAMES), None)
    draws = [number / 100 for number in range(100)]
    shares = Counter(call.pick([target(0), target(1, weight=3.0)], draw).resource for draw in draws)
    assert shares == {0: 25, 1: 75}


def test_no_key_is_looked_for_where_there_is_no_choice() -> None:
    asked: list[bytes] = []

    def find_key() -> bytes:
        asked.append(b"key")
        return b"key"

    call = Placement(Affinity(NAMES), find_key)
    assert choose(FIVE[:1], (), Health(Policy()), 0.0, 0.0, call.pick) == FIVE[0]
    assert choose([FIVE[0], target(1, priority=1)], (), Health(Policy()), 0.0, 0.0, call.pick) == FIVE[0]
    assert choose([FIVE[0], target(1, weight=0.0)], (), Health(Policy()), 0.0, 0.0, call.pick) == FIVE[0]
    assert asked == []


def test_cooldown_and_breaker_come_before_the_key() -> None:
    routing = Routing(Policy(breaker_failures=1), Affinity(NAMES))
    order = []
    for failure in (answered(429), CONNECT, CONNECT, CONNECT):
        with routing.begin(FIVE, Repeat.IDEMPOTENT, placement(Affinity(NAMES), b"key")) as state:
            step = state.next(1.0, 0.0)
            assert step is not None
            order.append(step.target)
            state.failed(step, failure, 1.0)
    rest = list(FIVE)
    for each in order:
        assert Affinity(NAMES).choose(rest, b"key") == each
        rest.remove(each)


def test_the_next_attempt_is_at_the_next_target_in_the_order() -> None:
    affinity = Affinity(NAMES)
    routing, call = Routing(Policy(attempts=5), affinity), placement(affinity, b"key")
    came: list[Target] = []
    with routing.begin(FIVE, Repeat.IDEMPOTENT, call) as state:
        while step := state.next(1.0, 0.5):
            call.move(step.target)
            came.append(step.target)
            state.failed(step, answered(500), 1.0)
    rest = list(FIVE)
    for each in came:
        assert Affinity(NAMES).choose(rest, b"key") == each
        rest.remove(each)
    assert rest == []


def test_a_target_that_used_up_its_limit_comes_behind_the_others() -> None:
    routing = Routing(Policy(), Affinity(NAMES))
    first = Affinity(NAMES).choose(FIVE, b"key")
    routing.health.note_success(first, {"x-ratelimit-remaining-tokens": "0"}, 0.0, 0.0)
    with routing.begin(FIVE, Repeat.IDEMPOTENT, placement(Affinity(NAMES), b"key")) as state:
        step = state.next(1.0, 0.0)
    assert step is not None
    assert step.target == Affinity(NAMES).choose([one for one in FIVE if one != first], b"key")
