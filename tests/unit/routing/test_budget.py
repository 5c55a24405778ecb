"""How many retries may be in flight."""

from heapq import heappop, heappush
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.policy import Policy
from proxy.routing.retry import RetryBudget

POLICY = Policy()


def test_three_retries_may_be_in_flight_however_few_the_requests_are() -> None:
    budget = RetryBudget(POLICY)
    for _ in range(4):
        budget.begin()
    assert [budget.grant() for _ in range(4)] == [True, True, True, False]


def test_nothing_is_in_flight_at_first() -> None:
    budget = RetryBudget(POLICY)
    assert (budget.requests, budget.retries) == (0, 0)


def test_a_retry_that_is_given_back_makes_room() -> None:
    budget = RetryBudget(POLICY)
    budget.begin()
    assert all(budget.grant() for _ in range(3))
    budget.give_back()
    assert (budget.grant(), budget.grant()) == (True, False)


def test_of_many_requests_a_fifth_of_those_that_are_no_retries_may_retry() -> None:
    budget = RetryBudget(POLICY)
    for _ in range(120):
        budget.begin()
    assert sum(budget.grant() for _ in range(120)) == 20
    for _ in range(60):
        budget.end()
    assert not budget.grant()


@given(st.lists(st.sampled_from(["begin", "end", "grant", "give_back"]), max_size=300))
def test_retries_never_exceed_a_fifth_of_the_requests_or_three(steps: list[str]) -> None:
    budget = RetryBudget(POLICY)
    for step in steps:
        if step == "begin":
            budget.begin()
        elif step == "grant":
            before = budget.retries
            assert budget.grant() == (budget.retries == before + 1)
            assert budget.retries <= max(3, 0.2 * budget.requests) or budget.retries == before
        elif step == "end" and budget.requests:
            budget.end()
        elif step == "give_back" and budget.retries:
            budget.give_back()
    assert min(budget.requests, budget.retries) >= 0


@pytest.mark.parametrize("together", [20, 50, 200, 1000])
def test_in_a_storm_upstream_gets_a_fifth_more_than_the_requests(together: int) -> None:
    """Everything fails, every request would like two retries, and each that ends makes place for one."""
    budget, random = RetryBudget(POLICY), Random(together)
    requests = calls = 0
    events: list[tuple[float, int, int, bool]] = []

    def send(now: float, number: int, attempt: int, retries: bool) -> None:
        nonlocal calls
        calls += 1
        heappush(events, (now + 1.0, number, attempt, retries))

    def arrive(now: float) -> None:
        nonlocal requests
        requests += 1
        budget.begin()
        send(now, requests, 1, retries=False)

    for _ in range(together):
        arrive(random.random())
    while requests < 30 * together:
        now, number, attempt, retries = heappop(events)
        if retries:
            budget.give_back()
        if attempt < 3 and budget.grant():
            send(now, number, attempt + 1, retries=True)
        else:
            budget.end()
            arrive(now)
    assert calls > requests
    assert calls <= 1.2 * requests + POLICY.min_retries
