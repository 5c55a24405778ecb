"""Many instances that spend one budget over a store that fails in every way, in virtual time and a seed's order."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import msgspec

from proxy.auth.budget_account import BudgetHold
from proxy.auth.month_account import Month
from proxy.azure_services.rows import Key, StoreUnavailable
from proxy.azure_services.shared_budgets import ROW, SharedBudgets
from proxy.azure_services.shared_row import Clock
from proxy.values import Budget
from tests.fakes.shared_store import FakeStore
from tests.fakes.virtual_time import time_now
from tests.unit.azure_services.ledger_storm import CALM, View, Weather

CLIENT = "alice"
# Two minutes before December 2026, UTC, so that a month ends in the storm.
EPOCH = 1_796_083_080.0
STORMY = Weather(conflict=0.1, unanswered=0.05, delayed=0.03, kills=0.01, pauses=0.01)


@dataclass
class Spy:
    """What Azure was paid in each month by each instance, and what was still running when it was killed.

    `asking` are the bounds of calls that were killed before they were admitted, which the store may have granted.
    """

    paid: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    asking: int = 0
    admitted: int = 0
    refused: int = 0

    def spent(self, month: str, instance: str | None = None) -> int:
        """Return what was paid and lost in a month, by all or by one instance."""
        both = self.paid + self.lost
        return sum(amount for (one, name), amount in both.items() if one == month and instance in {None, name})


@dataclass
class Instance:
    """One process, and its calls."""

    budgets: SharedBudgets
    view: View
    # In the order in which they began, which the seed decides.
    tasks: dict["asyncio.Task[None]", None] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.budgets.known(CLIENT).instance

    def kill(self) -> None:
        keeping = [kept.keeping for kept in self.budgets._kept.values() if kept.keeping is not None]
        for task in (*self.tasks, *keeping):
            task.cancel()


@dataclass
class BudgetStorm:
    """A run of so many requests with its own seed; a call costs at most `bound`."""

    seed: int
    limit: int = 1_000_000
    bound: int = 4_000
    weather: Weather = STORMY
    counts: tuple[int, ...] = (1, 32, 4)
    pause: float = 0.3  # seconds between two calls, on average
    spy: Spy = field(default_factory=Spy)

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.store = FakeStore(lambda: EPOCH + time_now())
        self.running: list[Instance] = []
        self.leaving: list[asyncio.Task[None]] = []
        self.kills = 0

    def open(self) -> Instance:
        """Start an instance whose clock is wrong in its own way."""
        random = Random(self.random.random())
        view = View(self.store, random, self.weather)
        clock = Clock(time_now, asyncio.sleep, EPOCH + random.uniform(-60, 60))
        instance = Instance(SharedBudgets(view, f"{random.getrandbits(32):08x}", clock, random.random), view)
        self.running.append(instance)
        return instance

    async def run(self, requests: int) -> None:
        """Make requests while instances come, are killed and pause, so many at a time."""
        for number in range(requests):
            self._scale(self.counts[number * len(self.counts) // requests])
            instance = self.random.choice(self.running)
            task = asyncio.get_running_loop().create_task(self._call(instance))
            instance.tasks[task] = None
            task.add_done_callback(instance.tasks.pop)
            await asyncio.sleep(self.random.expovariate(1 / self.pause))
            if self.random.random() < self.weather.kills:
                self.running.remove(instance)
                self.kills += 1
                instance.kill()
            elif self.random.random() < self.weather.pauses:
                instance.view.paused_until = time_now() + self.random.uniform(1, 20)

    async def calm(self) -> None:
        """End all calls and let the living leave."""
        await asyncio.gather(*self.leaving)
        for instance in self.running:
            instance.view.weather = CALM
            await asyncio.gather(*instance.tasks)
        await asyncio.sleep(40)
        for instance in self.running:
            await instance.budgets.close()

    def rows(self) -> Iterator[tuple[str, Month]]:
        """Yield the account of each month as the store has it."""
        for key, (value, _) in self.store.rows.items():
            assert key == Key(CLIENT, key.row)
            yield key.row.removeprefix(ROW), msgspec.json.decode(value, type=Month)

    def _scale(self, count: int) -> None:
        while len(self.running) < count:
            self.open()
        while len(self.running) > count:
            self.leaving.append(asyncio.get_running_loop().create_task(self._leave(self.running.pop())))

    async def _leave(self, instance: Instance) -> None:
        """End an instance as the platform does: its calls end, and it gives everything back."""
        await asyncio.gather(*instance.tasks)
        await instance.budgets.close()

    async def _call(self, instance: Instance) -> None:
        bound = self.random.randint(1, self.bound)
        try:
            hold = await instance.budgets.reserve(CLIENT, Budget(micro_dollars=self.limit), bound)
        except StoreUnavailable:
            self.spy.refused += 1
            return
        except asyncio.CancelledError:
            self.spy.asking += bound
            raise
        if not isinstance(hold, BudgetHold):
            self.spy.refused += 1
            return
        self.spy.admitted += 1
        cost = self.random.randint(bound // 4, bound)
        who = hold.month, instance.name
        self.spy.paid[who] += cost
        try:
            await asyncio.sleep(self.random.uniform(0.1, 5))
            await instance.view.until_awake()
        except asyncio.CancelledError:
            # The ledger counts the whole bound, which Azure may have billed.
            self.spy.lost[who] += bound - cost
            raise
        instance.budgets.settle(hold, cost)
