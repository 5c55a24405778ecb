"""The money of a month: what is reserved, settled, leased and given back."""

from random import Random

import pytest

from proxy.auth.budget_account import GIVE_BACK, IDLE, REPORT, BudgetAccount, BudgetDenied, BudgetHold
from proxy.auth.budgets import MemoryBudgets
from proxy.auth.month_account import FORGOTTEN, GONE, Entry, Month, View, Wanted, change, month_of, next_month, view
from proxy.values import Budget
from tests.fakes.shared_store import StillClock

HARD, SOFT = Budget(micro_dollars=1000), Budget(micro_dollars=1000, is_hard=False)
NOW = 1_796_083_200.0  # 2026-12-01 UTC


def entry(spent: int, ceiling: int, seen: float = NOW) -> Entry:
    return Entry(sequence=1, spent=spent, ceiling=ceiling, seen=seen)


def wanted(instance: str = "one", **changed: object) -> Wanted:
    return Wanted(**{"instance": instance, "limit": 1000, "spent": 0, "reserved": 0, **changed})  # type: ignore[arg-type]


async def held(budgets: MemoryBudgets, bound: int, budget: Budget = HARD) -> BudgetHold:
    hold = await budgets.reserve("alice", budget, bound)
    assert isinstance(hold, BudgetHold)
    return hold


async def test_what_is_reserved_is_not_there_for_others_until_it_is_settled() -> None:
    budgets = MemoryBudgets(StillClock(NOW))
    hold = await held(budgets, 900)
    assert await budgets.reserve("alice", HARD, 200) == BudgetDenied(left=1000)
    # A refusal is repeated for a while.
    assert await budgets.reserve("alice", HARD, 300) == BudgetDenied(left=1000)
    budgets.settle(hold, 500)
    await held(budgets, 200)
    account = await budgets.read("alice")
    assert (account.settled, account.available(1000)) == (500, 300)


async def test_a_month_begins_with_the_whole_budget_and_a_call_counts_where_it_began() -> None:
    clock = StillClock(NOW - 1)
    budgets = MemoryBudgets(clock)
    hold = await held(budgets, 1000)
    clock.now = NOW
    await held(budgets, 1000)
    budgets.settle(hold, 700)
    assert budgets.known("alice").settled == 0


async def test_a_soft_budget_refuses_nothing_and_counts_everything() -> None:
    budgets = MemoryBudgets(StillClock(NOW))
    for _ in range(3):
        budgets.settle(await held(budgets, 900, SOFT), 900)
    assert budgets.known("alice").settled == 2700


@pytest.mark.parametrize("seed", range(50))
async def test_whatever_is_asked_and_settled_a_hard_budget_is_kept(seed: int) -> None:
    random, budgets, paid = Random(seed), MemoryBudgets(StillClock(NOW)), 0
    holds: list[BudgetHold] = []
    for _ in range(200):
        if holds and random.random() < 0.5:
            hold = holds.pop(random.randrange(len(holds)))
            paid += (cost := random.randint(0, hold.amount))
            budgets.settle(hold, cost)
        elif isinstance(outcome := await budgets.reserve("alice", HARD, random.randint(1, 100)), BudgetHold):
            holds.append(outcome)
        assert paid + sum(hold.amount for hold in holds) <= HARD.micro_dollars
    assert budgets.known("alice").settled == paid


def test_ceilings_together_never_exceed_the_budget() -> None:
    row, first = change(Month(), wanted(bound=600), NOW, 1)
    assert first.is_admitted
    row, other = change(row, wanted("two", bound=500), NOW, 1)
    assert not other.is_admitted
    row, other = change(row, wanted("two", bound=400), NOW, 2)
    assert other.is_admitted
    assert sum(one.ceiling for one in row.entries.values()) == 1000


def test_an_instance_gets_a_lease_of_a_thousandth_where_that_is_worth_a_call() -> None:
    _, given = change(Month(), wanted(limit=1_000_000, bound=100, usual=100), NOW, 1)
    assert given.ceiling == 100 + 1000
    _, given = change(Month(), wanted(limit=1_000_000, bound=5000, usual=5000), NOW, 1)
    assert given.ceiling == 5000


def test_the_more_crashes_have_lost_the_smaller_leases_are() -> None:
    asking = wanted(limit=1_000_000, bound=100, usual=100)
    gone = {"gone": entry(0, 3000, NOW - GONE), "here": entry(0, 3000)}
    for row, lease in (
        (Month(entries=gone), 700),
        (Month(lost=2000, entries=gone), 500),
        (Month(lost=6500), 350),
        (Month(lost=9500), 0),
        (Month(lost=20_000), 0),
    ):
        assert change(row, asking, NOW, 1)[1].ceiling == 100 + lease


def test_an_instance_that_leaves_keeps_only_what_it_has_spent() -> None:
    row, given = change(Month(entries={"one": entry(10, 500)}), wanted(spent=30, leaving=True), NOW, 2)
    assert (row.settled, row.entries, given.ceiling) == (30, {}, 30)
    assert row.sequence_of("one") is None
    row, _ = change(Month(entries={"one": entry(10, 500)}), wanted(spent=30, reserved=5, leaving=True), NOW, 2)
    assert row.entries["one"].ceiling == 35
    assert row.sequence_of("one") == 2


def test_what_a_gone_instance_had_counts_as_spent_and_later_for_good() -> None:
    row = Month(settled=1, entries={"gone": entry(10, 500, NOW - GONE), "here": entry(20, 60)})
    assert view(row, "one", NOW) == View(settled=1 + 500 + 20, committed=1 + 500 + 60)
    row, _ = change(row, wanted(), NOW - GONE + FORGOTTEN, 1)
    assert (row.settled, row.lost, set(row.entries)) == (501, 490, {"here", "one"})


def test_months_are_those_of_utc() -> None:
    assert (month_of(NOW - 1), month_of(NOW)) == ("2026-11", "2026-12")
    assert next_month(NOW).isoformat() == "2027-01-01T00:00:00+00:00"
    assert next_month(NOW - 1).isoformat() == "2026-12-01T00:00:00+00:00"


def asked(account: BudgetAccount, row: Month, bound: int | None, now: float = NOW, *, leaving: bool = False) -> Month:
    """Ask the store, which answers."""
    row, given = change(row, account.want(row, bound, leaving=leaving), now, 1)
    account.propose(given, bound)
    account.adopt(given, bound, now, left=leaving)
    return row


def test_while_a_change_is_under_way_nothing_is_taken_twice() -> None:
    account = BudgetAccount("alice", "one", "2026-12")
    assert account.reserve(1000, 100, NOW) is None
    _, given = change(Month(), account.want(Month(), 100), NOW, 1)
    account.propose(given, 100)
    assert account.reserve(1000, 100, NOW) is None
    account.fail()
    assert account.reserve(1000, 100, NOW) is None
    # The store may count the call, which nobody has made.
    assert account.due(NOW) == NOW + GIVE_BACK
    asked(account, Month(), None)
    assert account.due(NOW) == NOW + IDLE


def test_what_a_call_has_left_goes_back_soon_where_others_are() -> None:
    account, row = BudgetAccount("alice", "one", "2026-12"), Month(entries={"two": entry(0, 500)})
    assert account.due(NOW) is None
    account.reserve(1000, 300, NOW)
    row = asked(account, row, 300)
    assert account.due(NOW) == NOW + REPORT
    account.settle(BudgetHold(account="alice", month="2026-12", generation=0, amount=300), 100)
    assert account.due(NOW) == NOW + GIVE_BACK
    row = asked(account, row, None)
    assert row.entries["one"].ceiling == 100
    assert account.due(NOW) == NOW + IDLE
    assert not account.leaves(NOW)
    assert account.leaves(NOW + IDLE)
    asked(account, row, None, NOW + IDLE, leaving=True)
    assert account.due(NOW + IDLE) is None
    assert account.settled == 100


def test_calls_of_an_instance_that_was_forgotten_count_as_spent_already() -> None:
    account = BudgetAccount("alice", "one", "2026-12")
    account.reserve(1000, 300, NOW)
    asked(account, Month(), 300)
    row = asked(account, Month(settled=300), None)
    account.settle(BudgetHold(account="alice", month="2026-12", generation=0, amount=300), 100)
    assert (account.spent, row.settled, account.settled) == (0, 300, 300)
