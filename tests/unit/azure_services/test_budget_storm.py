"""A hard budget is never overspent: whatever is killed, lost, repeated or late, and whatever the clocks say.

Time is virtual and the order is that of a seed, which a failure names.
"""

from dataclasses import replace

import pytest

from tests.fakes.virtual_time import in_virtual_time
from tests.unit.azure_services.budget_storm import STORMY, BudgetStorm

SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.nightly) for seed in range(20, 200))]


@pytest.mark.parametrize("seed", SEEDS)
@in_virtual_time
async def test_a_hard_budget_is_never_overspent_and_nearly_all_of_it_can_be_spent(seed: int) -> None:
    storm = BudgetStorm(seed=seed)
    await storm.run(1000)
    await storm.calm()
    assert storm.spy.admitted > 100
    stranded = months = 0
    for month, row in storm.rows():
        paid, lost = storm.spy.paid.get(month, 0), storm.spy.lost.get(month, 0)
        counted = row.settled + sum(entry.ceiling for entry in row.entries.values())
        assert paid + lost <= counted <= storm.limit
        stranded, months = stranded + counted - paid - lost, months + 1
    # No more than a hundredth is lost of the budgets, besides what killed instances had asked for.
    assert stranded <= months * storm.limit // 100 + storm.spy.asking


@pytest.mark.parametrize("seed", range(3))
@in_virtual_time
async def test_what_is_settled_is_what_was_paid_when_nobody_is_killed(seed: int) -> None:
    storm = BudgetStorm(seed=seed, weather=replace(STORMY, kills=0), counts=(8,))
    await storm.run(500)
    await storm.calm()
    assert storm.kills == 0
    assert {month: row.settled for month, row in storm.rows()} == storm.spy.paid
    assert all(not row.entries for _, row in storm.rows())
