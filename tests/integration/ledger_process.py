"""An instance of its own for the storm: takes all that a client's limits give, and spends a hard budget besides.

It goes on until it is killed, or until SIGTERM: then its calls end, and it gives back what it has. It writes lines to
files that all processes append to: when a call was admitted, by the machine's monotonic clock; before a call is paid,
what it costs; and that the budget has refused one.
"""

import asyncio
import logging
import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

from proxy.auth.budget_account import BudgetHold
from proxy.auth.ledger import Hold
from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import StoreUnavailable
from proxy.azure_services.table_budgets import TableBudgets
from proxy.azure_services.table_ledger import TableLedger
from proxy.values import Budget, Limits

CLIENT = "storm"
LEASE = 660.0
LIMITS = Limits(rpm=1200, tpm=12_000)
TOKENS = 10
# Micro-dollars; a lease is a thousandth of the budget, so that it pays for some calls.
BUDGET = Budget(micro_dollars=1_500_000)
BOUND = 1_000
# Calls that a process makes at once for the budget, and the most seconds that one takes.
AT_ONCE, LONGEST_CALL = 2, 0.2
LONGEST_PAUSE = 0.2
NOBODY = Identity(client_id=None, managed=False)


@dataclass(frozen=True)
class Files:
    """Where the processes write, all to the same folder."""

    folder: Path

    @property
    def admitted(self) -> Path:
        return self.folder / "admitted"

    @property
    def paid(self) -> Path:
        return self.folder / "paid"

    @property
    def refused(self) -> Path:
        return self.folder / "refused"

    @property
    def log(self) -> Path:
        return self.folder / "log"


class _File:
    """A file to which each line is written whole, before anything else happens."""

    def __init__(self, path: Path) -> None:
        self._number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, line: str) -> None:
        os.write(self._number, f"{line}\n".encode())


def run(table: str, folder: str) -> None:
    """Be one of the instances."""
    files = Files(Path(folder))
    logging.basicConfig(filename=files.log, level=logging.WARNING)
    asyncio.run(_run(table, files))


async def _run(table: str, files: Files) -> None:
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)
    ledger, budgets = TableLedger(table, NOBODY, LEASE), TableBudgets(table, NOBODY)
    spending = (_spend(budgets, files, stopping) for _ in range(AT_ONCE))
    await asyncio.gather(_take_all(ledger, files, stopping), *spending)
    await asyncio.gather(ledger.close(), budgets.close())


async def _take_all(ledger: TableLedger, files: Files, stopping: asyncio.Event) -> None:
    admitted = _File(files.admitted)
    while not stopping.is_set():
        outcome = await ledger.reserve(CLIENT, LIMITS, TOKENS)
        if isinstance(outcome, Hold):
            admitted.write(f"{time.monotonic():.6f}")
            await ledger.settle(outcome, TOKENS)
        else:
            await asyncio.sleep(min(outcome.wait, LONGEST_PAUSE))


async def _spend(budgets: TableBudgets, files: Files, stopping: asyncio.Event) -> None:
    paid, refused = _File(files.paid), _File(files.refused)
    while not stopping.is_set():
        bound = random.randint(1, BOUND)
        try:
            hold = await budgets.reserve(CLIENT, BUDGET, bound)
        except StoreUnavailable:
            await asyncio.sleep(LONGEST_PAUSE)
            continue
        instance = budgets.known(CLIENT).instance
        if not isinstance(hold, BudgetHold):
            refused.write(instance)
            await asyncio.sleep(LONGEST_PAUSE)
            continue
        cost = random.randint(bound // 2, bound)
        paid.write(f"{instance} {cost}")
        await asyncio.sleep(random.uniform(0, LONGEST_CALL))
        budgets.settle(hold, cost)
