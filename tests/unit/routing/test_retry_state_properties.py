"""Many requests at once through targets that fail as they like, on a clock that a test moves."""

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Repeat, Verdict
from proxy.routing.retry import Exhausted, RetryState, Routing, Step
from proxy.routing.targets import Target
from tests.unit.routing.samples import (
    BLOCKED,
    CONNECT,
    MISSING,
    REFUSED,
    RESET,
    TIMEOUT,
    answered,
    in_stream,
    target,
)

# What counts covered branches is slow, and other tests cover the same.
pytestmark = pytest.mark.no_cover
FAILURES = [
    CONNECT, RESET, TIMEOUT, MISSING, answered(429), answered(429, 0.0), answered(429, 1.5), answered(429, 60.0),
    answered(500), answered(503, 1.0), answered(400), answered(401), in_stream(429), in_stream(500), BLOCKED, REFUSED,
]  # fmt: skip
SPENT = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "5"}
TARGETS = [
    target(0, version="1"),
    target(1, version="1", weight=3.0),
    target(2, version="2", priority=1),
    target(3, priority=1, weight=0.0),
    Target(resource=4, deployment="mini", priority=2, model="gpt-4o-mini"),
]


@dataclass
class World:
    """Requests in flight through one `Routing`; everything that must never happen is checked at each step."""

    routing: Routing
    now: float = 0.0
    in_flight: list[tuple[RetryState, Step, list[Target]]] = field(default_factory=list)

    def start(self, targets: list[Target], draw: float) -> None:
        state = self.routing.begin(targets).__enter__()
        self.go_on(state, targets, [], draw)

    def go_on(self, state: RetryState, targets: list[Target], tried: list[Target], draw: float) -> None:
        health = self.routing.health
        usable = [one for one in targets if not health.wait(one, self.now)]
        is_open = {one.key: health.is_open(one) for one in targets}
        step = state.next(self.now, draw)
        if step is None:
            # Neither the budget nor anything else is in the way of a target that is well.
            well = [one for one in usable if one.key not in {other.key for other in tried} and not is_open[one.key]]
            over = state.attempts >= 3 or id(state) in self.resting
            assert over or not [one for one in well if all(one.is_same_model(other) for other in tried)]
            assert tried or (not usable and not all(is_open.values()) and len(is_open) > 1) or self._cooling(targets)
            down = state.exhausted(self.now)
            assert down is None or 0.1 <= down.wait <= 120.0
            state.__exit__(None, None, None)
            return
        self.resting -= {id(state)} if not tried else set()
        if not tried and not usable:
            self.resting.add(id(state))
            assert all(is_open.values()) or len(is_open) == 1
        else:
            assert step.target in (*usable, *tried)
        self._check(step, targets, tried, state)
        self.in_flight.append((state, step, targets))

    def end(self, place: int, failure: Failure | None, draw: float) -> None:
        state, step, targets = self.in_flight.pop(place % len(self.in_flight))
        if failure is None:
            state.succeeded(step, SPENT, self.now)
            state.__exit__(None, None, None)
        elif state.failed(step, failure, self.now) is Verdict.GIVE_UP:
            assert state.next(self.now, draw) is None
            state.__exit__(None, None, None)
        else:
            self.go_on(state, targets, self.tried[id(state)], draw)

    tried: dict[int, list[Target]] = field(default_factory=dict)
    resting: set[int] = field(default_factory=set)

    def _cooling(self, targets: list[Target]) -> bool:
        return all(self.routing.health.wait(one, self.now) for one in targets)

    def _check(self, step: Step, targets: list[Target], tried: list[Target], state: RetryState) -> None:
        again = step.target in tried
        assert all(step.target.is_same_model(other) for other in tried)
        if again and state.failure != answered(401):
            assert not [one for one in targets if one not in tried and one.is_same_model(tried[0])]
            assert step.pause <= 2.0 + 0.25
        else:
            assert step.pause == 0.0
        assert state.attempts <= (1 if id(state) in self.resting else 3)
        self.tried[id(state)] = [*tried, step.target]


_EVENTS = st.one_of(
    st.tuples(st.just("start"), st.lists(st.sampled_from(TARGETS), min_size=1, max_size=5, unique=True)),
    st.tuples(st.just("end"), st.integers(0, 50), st.none() | st.sampled_from(FAILURES)),
    st.tuples(st.just("wait"), st.floats(0.0, 20.0)),
)


@given(st.lists(_EVENTS, max_size=80), st.randoms(use_true_random=True))
def test_no_request_ever_goes_where_it_must_not(events: list[tuple], random: Random) -> None:  # type: ignore[type-arg]
    world = World(Routing(Policy()))
    for event in events:
        match event:
            case ("start", targets):
                world.start(targets, random.random())
            case ("end", place, failure) if world.in_flight:
                world.end(place, failure, random.random())
            case ("wait", seconds):
                world.now += seconds
        budget = world.routing.budget
        assert budget.requests == len(world.in_flight)
        assert 0 <= budget.retries <= max(3, budget.requests)
    for state, _, _ in world.in_flight:
        state.__exit__(None, None, None)
    assert (world.routing.budget.requests, world.routing.budget.retries) == (0, 0)


@dataclass
class Traffic:
    """Requests that arrive evenly; `fails` says what becomes of an attempt, which takes `latency` seconds."""

    routing: Routing
    targets: list[Target]
    rate: float = 500.0
    latency: float = 0.5
    failure: Failure | None = None
    calls: list[tuple[float, Target]] = field(default_factory=list)
    refused: list[Exhausted] = field(default_factory=list)
    succeeded: int = 0
    requests: int = 0

    def run(self, start: float, seconds: float) -> None:
        numbers, random = count(), Random(1)
        arrivals = [start + number / self.rate for number in range(int(seconds * self.rate))]
        events: list[tuple[float, int, RetryState | None, Step | None]] = []
        for arrival in arrivals:
            heappush(events, (arrival, next(numbers), None, None))
        while events:
            now, _, state, step = heappop(events)
            if state is None:
                self.requests += 1
                state = self.routing.begin(self.targets, Repeat.IDEMPOTENT).__enter__()
            elif step is not None and self.failure is None:
                self.succeeded += 1
                state.succeeded(step, {}, now)
            elif step is not None and self.failure is not None:
                state.failed(step, self.failure, now)
            following = state.next(now, random.random())
            if following is None:
                down = state.exhausted(now)
                self.refused += [] if state.attempts or down is None else [down]
                state.__exit__(None, None, None)
                continue
            self.calls.append((now, following.target))
            heappush(events, (now + following.pause + self.latency, next(numbers), state, following))


THREE = [target(0), target(1), target(2)]


@pytest.mark.parametrize("latency", [0.01, 0.2, 2.0])
@pytest.mark.parametrize("failure", [CONNECT, answered(500), answered(429), answered(429, 0.0)])
def test_a_retry_storm_never_breaks_out(failure: Failure, latency: float) -> None:
    traffic = Traffic(Routing(Policy()), THREE, latency=latency, failure=failure)
    traffic.run(0.0, 20.0)
    assert traffic.requests == 10_000
    before = len(THREE) * (Policy().breaker_failures + traffic.rate * latency)
    # A target that may be asked again at once is well as far as anybody knows.
    most = 1.2 * traffic.requests if failure.wait == 0.0 else traffic.requests
    assert len(traffic.calls) <= most + before
    late = [now for now, _ in traffic.calls if now > 2 * latency + 0.1]
    assert len(late) <= 1.2 * traffic.rate * (20.0 + latency)


@given(
    st.lists(st.sampled_from([CONNECT, RESET, answered(500), answered(503), answered(408)]), min_size=1, max_size=4),
    st.floats(0.01, 3.0),
    st.floats(5.0, 100.0),
    st.randoms(use_true_random=True),
)
def test_when_all_are_down_upstream_gets_no_more_than_the_requests_once_the_breakers_are_open(
    failures: list[Failure], latency: float, rate: float, random: Random
) -> None:
    targets = [target(number) for number in range(len(failures))]
    traffic = Traffic(Routing(Policy()), targets, rate=rate, latency=latency, failure=random.choice(failures))
    traffic.run(0.0, 10.0)
    opening = len(targets) * (Policy().breaker_failures + rate * latency + 1)
    # A sole target where no connection comes about is asked three times until its breaker opens.
    assert len(traffic.calls) <= traffic.requests + opening
    if all(traffic.routing.health.is_open(one) for one in targets):
        before = len(traffic.calls)
        requests = traffic.requests
        traffic.run(10.0 + 2 * latency, 20.0)
        assert len(traffic.calls) - before <= 1.2 * (traffic.requests - requests)


def test_when_all_are_down_each_request_asks_the_one_that_failed_longest_ago() -> None:
    traffic = Traffic(Routing(Policy()), THREE, failure=answered(500), latency=0.001, rate=100.0)
    traffic.run(0.0, 60.0)
    late = [one.resource for now, one in traffic.calls if now > 1.0]
    assert len(late) == pytest.approx(5900, abs=5)
    assert max(late.count(number) for number in range(3)) - min(late.count(number) for number in range(3)) <= 20
    assert traffic.refused == []


def test_the_only_target_is_asked_once_a_second_while_it_says_that_it_is_throttled() -> None:
    traffic = Traffic(Routing(Policy()), THREE[:1], failure=answered(429, 30.0), latency=0.01)
    traffic.run(0.0, 20.0)
    assert len(traffic.calls) <= 20 + traffic.rate * traffic.latency
    assert all(down.throttled for down in traffic.refused)


def test_all_throttled_is_told_with_the_wait_that_is_left() -> None:
    traffic = Traffic(Routing(Policy()), THREE, failure=answered(429, 30.0), latency=0.01)
    traffic.run(0.0, 10.0)
    assert len(traffic.calls) < 100
    assert all(down.throttled and down.wait <= 30.0 for down in traffic.refused)
    assert traffic.refused[-1].wait == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize("failure", [answered(500), CONNECT, answered(429, 5.0)])
def test_traffic_is_back_within_the_cooldown_and_a_second(failure: Failure) -> None:
    traffic = Traffic(Routing(Policy()), THREE, failure=failure, latency=0.1)
    traffic.run(0.0, 3.0)
    longest = max(traffic.routing.health.wait(one, 3.0) for one in THREE)
    traffic.failure = None
    before = len(traffic.calls)
    traffic.run(3.0 + longest + 1.0, 2.0)
    assert traffic.succeeded == pytest.approx(1000, abs=50)
    assert {one for _, one in traffic.calls[before:]} == set(THREE)


def test_one_bad_target_of_three_costs_no_request() -> None:
    routing = Routing(Policy())
    for number in range(1000):
        now, done = number * 0.1, False
        with routing.begin(THREE) as state:
            while (step := state.next(now, (number % 7) / 7)) is not None:
                done = step.target.resource != 1
                if done:
                    state.succeeded(step, {}, now)
                else:
                    state.failed(step, answered(500), now)
        assert done
