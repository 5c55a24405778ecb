"""A hard budget is never overspent: whatever is killed, lost, repeated or late, and whatever the clocks say.

Time is virtual and the order is that of a seed, which a failure names.
"""

from dataclasses import replace

import pytest

from proxy.auth.month_account import LARGEST_LEASE, Month
from tests.fakes.virtual_time import in_virtual_time
from tests.unit.azure_services.budget_storm import STORMY, BudgetStorm

SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(20, 200))]


async def raged(seed: int) -> BudgetStorm:
    """Return a storm that is over; in every tenth one a budget pays for so many calls that it is leased."""
    small = seed % 10 == 3
    storm = BudgetStorm(seed=seed, limit=400_000, bound=400) if small else BudgetStorm(seed=seed)
    await storm.run(2500 if small else 1000)
    await storm.calm()
    return storm


@pytest.mark.parametrize("seed", SEEDS)
@in_virtual_time
async def test_a_hard_budget_is_never_overspent_and_nearly_all_of_it_can_be_spent(seed: int) -> None:
    storm = await raged(seed)
    assert storm.spy.admitted > 100
    stranded = months = 0
    for month, row in storm.rows():
        spent = storm.spy.spent(month)
        counted = row.settled + sum(entry.ceiling for entry in row.entries.values())
        assert spent <= counted <= storm.limit
        # One that is gone has taken with it a lease, the bound of a call that was being admitted, and what calls have
        # not used that had just ended.
        for name, entry in row.entries.items():
            most = int(storm.limit * LARGEST_LEASE) + 3 * storm.bound
            assert 0 <= entry.ceiling - storm.spy.spent(month, name) <= most, (month, name)
        assert counted - spent <= storm.limit // 50  # in each month; on average no more than the half of it
        stranded, months = stranded + counted - spent, months + 1
    assert stranded <= months * storm.limit // 100


@pytest.mark.parametrize("seed", range(3))
@in_virtual_time
async def test_what_is_settled_is_what_was_paid_when_nobody_is_killed(seed: int) -> None:
    storm = BudgetStorm(seed=seed, weather=replace(STORMY, kills=0), counts=(8,))
    await storm.run(500)
    await storm.calm()
    assert storm.kills == 0
    assert all(row.settled == storm.spy.spent(month) and not row.entries for month, row in storm.rows())


def test_a_seed_decides_everything() -> None:
    first, second = rows_of(3), rows_of(3)
    assert first
    assert first == second


def rows_of(seed: int) -> list[tuple[str, Month]]:
    rows: list[tuple[str, Month]] = []

    @in_virtual_time
    async def rage() -> None:
        rows.extend((await raged(seed)).rows())

    rage()
    return rows
