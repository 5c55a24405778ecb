"""How often the store is asked for a budget under a steady load; docs/costs.md has these numbers."""

import pytest

from tests.fakes.virtual_time import in_virtual_time
from tests.unit.azure_services.budget_storm import BudgetStorm
from tests.unit.azure_services.ledger_storm import CALM

BUDGET = 100_000_000
PAUSE = 0.1  # ten calls a second, of all instances together


async def operations_for_a_call(instances: int, bound: int, calls: int) -> float:
    storm = BudgetStorm(seed=1, limit=BUDGET, bound=bound, weather=CALM, counts=(instances,), pause=PAUSE)
    await storm.run(100)
    before, admitted = storm.store.reads + storm.store.writes, storm.spy.admitted
    await storm.run(calls)
    asked, made = storm.store.reads + storm.store.writes - before, storm.spy.admitted - admitted
    await storm.calm()
    assert storm.spy.refused == 0
    return asked / made


@pytest.mark.parametrize(
    ("instances", "bound", "most"),
    [
        # A budget for ten thousand calls: a lease pays for ten of them.
        (1, 20_000, 0.1),
        (8, 20_000, 0.3),
        (32, 20_000, 0.5),
        # A budget for two thousand: a lease pays for two.
        (1, 100_000, 0.4),
        (8, 100_000, 1.2),
        (32, 100_000, 1.8),
        # A budget for five hundred: nothing is leased.
        (1, 400_000, 1),
        (8, 400_000, 3.5),
        (32, 400_000, 5),
    ],
)
@in_virtual_time
async def test_the_store_is_asked_so_often_for_each_call(instances: int, bound: int, most: float) -> None:
    found = await operations_for_a_call(instances, bound, calls=500 if bound > 100_000 else 1200)
    print(f"{instances} instances, {bound}: {found:.2f} operations for each call")  # noqa: T201
    assert found <= most
