"""What every backend of the ledger keeps to: rates, slots, debts, leases."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.ledger import Denied, Hold, Ledger, Limited
from proxy.values import Limits
from tests.fakes.shared_store import StillClock
from tests.unit.auth.ledgers import LEASE, LEDGERS, Open

ALICE = "alice"
Verb: TypeAlias = tuple[str, int]
each_ledger = pytest.mark.parametrize("opens", LEDGERS.values(), ids=LEDGERS)


async def held(ledger: Ledger, limits: Limits, tokens: int = 0, account: str = ALICE) -> Hold:
    outcome = await ledger.reserve(account, limits, tokens)
    assert isinstance(outcome, Hold)
    return outcome


async def denied(ledger: Ledger, limits: Limits, tokens: int = 0, account: str = ALICE) -> Denied:
    outcome = await ledger.reserve(account, limits, tokens)
    assert isinstance(outcome, Denied)
    return outcome


@each_ledger
async def test_a_minutes_requests_pass_at_once_and_the_next_one_waits(opens: Open) -> None:
    clock = StillClock()
    ledger, limits = opens(clock), Limits(rpm=6)
    for left in range(5, -1, -1):
        standing = (await held(ledger, limits)).standing
        assert standing.requests is not None
        assert (standing.requests.limit, standing.requests.remaining, standing.tokens) == (6, left, None)
    refusal = await denied(ledger, limits)
    assert refusal.limited is Limited.REQUESTS
    assert refusal.wait == pytest.approx(10)
    clock.now += refusal.wait
    await held(ledger, limits)


@each_ledger
async def test_accounts_are_apart(opens: Open) -> None:
    ledger, limits = opens(StillClock()), Limits(rpm=1, concurrency=1)
    await held(ledger, limits)
    await denied(ledger, limits)
    await held(ledger, limits, account="bob")


@each_ledger
async def test_tokens_that_were_not_used_come_back_and_more_become_a_debt(opens: Open) -> None:
    clock = StillClock()
    ledger, limits = opens(clock), Limits(tpm=600)
    first = await held(ledger, limits, 150)
    await ledger.settle(first, 50)
    standing = (await held(ledger, limits, 0)).standing
    assert standing.tokens is not None
    assert standing.tokens.remaining == 550
    await ledger.settle(await held(ledger, limits, 150), 1150)
    refusal = await denied(ledger, limits, 1)
    assert refusal.limited is Limited.TOKENS
    assert refusal.wait == pytest.approx(60.1)
    assert refusal.standing.tokens is not None
    assert refusal.standing.tokens.remaining == 0


@each_ledger
async def test_more_than_the_limit_passes_when_nothing_is_used(opens: Open) -> None:
    clock = StillClock()
    ledger, limits = opens(clock), Limits(tpm=600)
    await held(ledger, limits, 1200)
    assert (await denied(ledger, limits, 1200)).wait == pytest.approx(120)
    clock.now += 120
    await held(ledger, limits, 1200)


@each_ledger
async def test_slots_are_taken_and_freed(opens: Open) -> None:
    ledger, limits = opens(StillClock()), Limits(concurrency=2)
    first, second = await held(ledger, limits), await held(ledger, limits)
    assert (await denied(ledger, limits)).limited is Limited.CONCURRENCY
    await ledger.settle(first, 0)
    third = await held(ledger, limits)
    await denied(ledger, limits)
    await ledger.release(second)
    await ledger.release(third)
    await held(ledger, limits)
    await held(ledger, limits)
    await denied(ledger, limits)


@each_ledger
async def test_a_slot_that_nobody_frees_is_free_after_its_lease_and_its_tokens_stay_spent(opens: Open) -> None:
    clock = StillClock()
    ledger, limits = opens(clock), Limits(concurrency=1, tpm=10)
    lost = await held(ledger, limits, 300)  # of an instance that has ended, 30 minutes of the rate
    clock.now += LEASE - 1
    assert (await denied(ledger, limits)).limited in (Limited.CONCURRENCY, Limited.TOKENS)
    clock.now += 1
    await ledger.settle(lost, 0)
    assert (await denied(ledger, limits, 1)).limited is Limited.TOKENS
    await held(ledger, Limits(concurrency=1))


@each_ledger
async def test_a_call_that_ends_twice_ends_once(opens: Open) -> None:
    ledger, limits = opens(StillClock()), Limits(tpm=600, concurrency=1)
    hold = await held(ledger, limits, 100)
    await ledger.settle(hold, 300)
    await ledger.settle(hold, 600)
    await ledger.release(hold)
    standing = (await held(ledger, limits, 0)).standing
    assert standing.tokens is not None
    assert standing.tokens.remaining == 300
    await denied(ledger, limits)


@each_ledger
async def test_a_refused_call_takes_nothing(opens: Open) -> None:
    ledger = opens(StillClock())
    await held(ledger, Limits(rpm=3, tpm=100, concurrency=9), 100)
    for _ in range(20):
        assert (await denied(ledger, Limits(rpm=3, tpm=100, concurrency=9), 10)).limited is Limited.TOKENS
    standing = (await held(ledger, Limits(rpm=3, concurrency=9))).standing
    assert standing.requests is not None
    assert standing.requests.remaining == 1


@each_ledger
async def test_other_limits_of_the_same_name_hold_from_the_next_call_on(opens: Open) -> None:
    clock = StillClock()
    ledger = opens(clock)
    await held(ledger, Limits(rpm=1))
    await denied(ledger, Limits(rpm=1))
    await held(ledger, Limits())
    clock.now += 60
    standing = (await held(ledger, Limits(rpm=100))).standing
    assert standing.requests is not None
    assert standing.requests.remaining == 99


@each_ledger
async def test_the_longest_wait_is_told(opens: Open) -> None:
    ledger, limits = opens(StillClock()), Limits(rpm=1, tpm=600, concurrency=1)
    await held(ledger, limits, 600)
    refusal = await denied(ledger, limits, 10)
    assert refusal.limited is Limited.REQUESTS
    assert refusal.wait == pytest.approx(60)


rates = st.integers(min_value=1, max_value=600)
# A call that reserves, one of those in flight that settles with so many tokens or is released, or time that passes.
verbs: st.SearchStrategy[list[Verb]] = st.lists(
    st.tuples(st.sampled_from(("reserve", "settle", "release", "pass")), st.integers(0, 300)), max_size=80
)
Check: TypeAlias = Callable[[StillClock, list[Hold], list[tuple[float, int]]], None]


async def play(opens: Open, limits: Limits, played: list[Verb], check: Check) -> None:
    """Play verbs in turn; `check` sees the calls in flight and when how many tokens were used, after each."""
    clock = StillClock()
    ledger = opens(clock)
    running: list[Hold] = []
    admitted: list[tuple[float, int]] = []
    for verb, number in played:
        if verb == "pass":
            clock.now += number / 10
        elif verb == "reserve":
            outcome: Any = await ledger.reserve(ALICE, limits, number)
            if isinstance(outcome, Hold):
                running.append(outcome)
                admitted.append((clock.now, number))
            else:
                assert outcome.wait > 0
        elif running:
            hold = running.pop(number % len(running))
            await (ledger.settle(hold, min(number, hold.tokens)) if verb == "settle" else ledger.release(hold))
        check(clock, running, admitted)


@each_ledger
@given(rates, verbs)
def test_requests_never_exceed_the_limit_and_what_the_time_frees(opens: Open, rpm: int, played: list[Verb]) -> None:
    def check(clock: StillClock, _: list[Hold], admitted: list[tuple[float, int]]) -> None:
        for first, (start, _tokens) in enumerate(admitted):
            assert len(admitted) - first <= rpm * (1 + (clock.now - start) / 60) + 1e-3

    asyncio.run(play(opens, Limits(rpm=rpm), played, check))


@each_ledger
@given(rates, verbs)
def test_tokens_in_flight_never_exceed_the_limit_and_what_the_time_frees(
    opens: Open, tpm: int, played: list[Verb]
) -> None:
    def check(clock: StillClock, running: list[Hold], _: list[tuple[float, int]]) -> None:
        fitting = [hold.tokens for hold in running if hold.tokens <= tpm]
        elapsed = clock.now - StillClock().now
        assert sum(fitting) <= tpm * (1 + elapsed / 60) + 1e-3

    asyncio.run(play(opens, Limits(tpm=tpm), played, check))


@each_ledger
@given(st.integers(1, 5), verbs)
def test_slots_never_exceed_their_number(opens: Open, concurrency: int, played: list[Verb]) -> None:
    def check(clock: StillClock, running: list[Hold], _: list[tuple[float, int]]) -> None:
        if clock.now - StillClock().now < LEASE:
            assert len(running) <= concurrency

    asyncio.run(play(opens, Limits(concurrency=concurrency), played, check))


@each_ledger
@given(rates, verbs)
def test_when_all_is_released_no_token_is_missing(opens: Open, tpm: int, played: list[Verb]) -> None:
    async def run() -> None:
        ledger, limits = opens(StillClock()), Limits(tpm=tpm)
        running = [
            outcome
            for verb, number in played
            if verb == "reserve" and isinstance(outcome := await ledger.reserve(ALICE, limits, number), Hold)
        ]
        for hold in running:
            await ledger.release(hold)
        standing = (await held(ledger, limits, 0)).standing
        assert standing.tokens is not None
        assert standing.tokens.remaining == tpm

    asyncio.run(run())


@each_ledger
@given(rates, verbs)
def test_the_wait_of_a_refusal_is_enough(opens: Open, tpm: int, played: list[Verb]) -> None:
    async def run() -> None:
        clock = StillClock()
        ledger, limits = opens(clock), Limits(tpm=tpm, rpm=tpm)
        for _, number in played:
            outcome = await ledger.reserve(ALICE, limits, number)
            if isinstance(outcome, Denied):
                clock.now += outcome.wait
                await held(ledger, limits, number)

    asyncio.run(run())
