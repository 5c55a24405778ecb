"""Sixteen processes at one limit and one hard budget in a table, killed and stopped.

The limit is passed by no more than the guide says, and the budget is never overspent. At the end those that live leave
in peace, and the table has what was paid.
"""

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio

from proxy.auth.month_account import LARGEST_LEASE, Month, month_of
from proxy.azure_services.rows import Key
from proxy.azure_services.shared_budgets import ROW
from proxy.azure_services.table_store import TableStore
from tests.integration.azurite import running_azurite
from tests.integration.ledger_process import AT_ONCE, BOUND, BUDGET, CLIENT, LIMITS, NOBODY, Files, run

PROCESSES = 16
BLOWS = 36
# Seconds by which instances may see the table's clock differently (docs/clients-and-keys.md).
CLOCK = 2.0
TIMEOUT = 60.0
# What the processes import, so that it is read once for all.
MODULES = ["tests.integration.ledger_process", "aiohttp", "azure.data.tables.aio"]


class Storm:
    """The processes, what they were admitted and have paid, and what hits them; the order is that of a seed."""

    def __init__(self, table: str, files: Files, seed: int) -> None:
        self.files = files
        # What the row has counted each time, and what had been paid before.
        self.counted: list[tuple[int, int]] = []
        self.killed = 0
        self._table = table
        self._store = TableStore(table, NOBODY)
        self._month = month_of(time.time())
        self._random = random.Random(seed)
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(MODULES)
        self._running: list[ForkServerProcess] = []

    def start(self) -> None:
        process = self._context.Process(target=run, args=(self._table, str(self.files.folder)))
        process.start()
        self._running.append(process)

    @property
    def outages(self) -> int:
        """How often a process took the table for down, as it may when the machine is busy."""
        return self.files.log.read_text().count("limits_store_down: each")

    def admitted(self) -> list[float]:
        return sorted(float(line) for line in lines(self.files.admitted))

    def paid(self) -> Counter[str]:
        """Return what each instance has paid."""
        paid: Counter[str] = Counter()
        for line in lines(self.files.paid):
            instance, cost = line.split()
            paid[instance] += int(cost)
        return paid

    async def row(self) -> Month:
        """Return the row of the budget."""
        stored = await self._store.read(Key(CLIENT, ROW + self._month))
        return Month() if stored.value is None else msgspec.json.decode(stored.value, type=Month)

    async def begin(self) -> None:
        for _ in range(PROCESSES):
            self.start()
        await until(lambda: len(self.paid()) == PROCESSES)

    async def hit(self) -> None:
        """Kill a process and start another, or stop one for a while; look at the budget meanwhile."""
        victim = self._random.choice(self._running)
        if self._random.random() < 0.5:
            self._running.remove(victim)
            victim.kill()
            victim.join()
            self.killed += 1
            self.start()
            await self.count()
            return
        os.kill(victim.pid or 0, signal.SIGSTOP)
        await self.count()
        await asyncio.sleep(self._random.uniform(0.1, 1.0))
        os.kill(victim.pid or 0, signal.SIGCONT)

    async def count(self) -> None:
        paid = sum(self.paid().values())
        self.counted.append((paid, counted(await self.row())))

    async def calm(self) -> None:
        """Wait until nothing is left to spend, and let all end in peace."""
        await until(lambda: len(set(lines(self.files.refused))) >= PROCESSES)
        for process in self._running:
            process.terminate()
        for process in self._running:
            await asyncio.to_thread(process.join, TIMEOUT)
        assert [process.exitcode for process in self._running] == [0] * PROCESSES
        await self.count()

    async def end(self) -> None:
        for process in self._running:
            process.kill()
            process.join()
        await self._store.close()


def lines(path: Path) -> list[str]:
    """Return the lines of a file so far; each was written whole."""
    return path.read_text().splitlines() if path.exists() else []


def counted(row: Month) -> int:
    """Return what may be spent at most by all that a row has."""
    return row.settled + sum(entry.ceiling for entry in row.entries.values())


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT):
        while not is_true():  # noqa: ASYNC110  other processes make it true
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running_storm(folder: Path, seed: int) -> AsyncIterator[Storm]:
    async with running_azurite() as table:
        made = Storm(table, Files(folder), seed)
        try:
            await made.begin()
            yield made
        finally:
            await made.end()


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a storm has left: `joined` are the instances that came for killed ones, and have paid something."""

    times: list[float]
    outages: int
    killed: int
    joined: int
    counted: list[tuple[int, int]]
    paid: Counter[str]
    row: Month


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    async with running_storm(tmp_path_factory.mktemp("storm"), seed=1) as storm:
        first = storm.paid().keys()
        for _ in range(BLOWS):
            await storm.hit()
        times, outages = storm.admitted(), storm.outages
        joined = len(storm.paid().keys() - first)
        await storm.calm()
        return Outcome(
            times=times,
            outages=outages,
            killed=storm.killed,
            joined=joined,
            counted=storm.counted,
            paid=storm.paid(),
            row=await storm.row(),
        )


def most_in(times: list[float], seconds: float) -> int:
    """Return the most that were admitted in a window of so many seconds."""
    most = first = 0
    for last, moment in enumerate(times):
        while moment - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.nightly
@pytest.mark.serial
async def test_sixteen_processes_keep_a_limit_through_kills_and_pauses(outcome: Outcome) -> None:
    times, outages = outcome.times, outcome.outages
    assert LIMITS.rpm is not None
    print(f"{len(times)} admitted in {times[-1] - times[0]:.1f} s, {outages} outages")  # noqa: T201
    limit = LIMITS.rpm * (1 + outages)  # Each process that does not reach the table has its own part, at most all.
    for seconds in (1.0, 5.0, 10.0, 30.0, 60.0):
        assert most_in(times, seconds) <= limit * (1 + (seconds + CLOCK) / 60), seconds
    assert len(times) > LIMITS.rpm / 4


@pytest.mark.nightly
@pytest.mark.serial
async def test_sixteen_processes_never_overspend_a_budget_through_kills_and_pauses(outcome: Outcome) -> None:
    limit, paid = BUDGET.micro_dollars, outcome.paid
    print(f"{len(paid)} instances, {outcome.killed} killed, {paid.total()} of {limit} paid")  # noqa: T201
    assert all(before <= counted <= limit for before, counted in outcome.counted)
    assert outcome.joined >= outcome.killed / 2
    # All was spent that could be, so that more would have been, had anything let it pass.
    assert outcome.counted[-1][1] > limit - BOUND
    # Those that have left have settled what they paid; of a killed one all that it may have paid is counted.
    killed = outcome.row.entries
    assert outcome.row.settled == sum(cost for instance, cost in paid.items() if instance not in killed)
    most_lost = int(limit * LARGEST_LEASE) + (AT_ONCE + 1) * BOUND
    for instance, entry in killed.items():
        assert paid[instance] <= entry.ceiling <= paid[instance] + most_lost
    assert len(killed) <= outcome.killed
