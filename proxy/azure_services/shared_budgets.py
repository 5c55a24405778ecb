"""The budgets of all instances together: each leases money from a store, and admits calls by what it has."""

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context

from proxy.auth.budget_account import GIVE_BACK_ALONE, BudgetAccount, BudgetDenied, BudgetHold
from proxy.auth.month_account import Given, Month, change, month_of
from proxy.azure_services.rows import Key, Store, StoreUnavailable
from proxy.azure_services.shared_ledger import KEEPING, LEAVING, PATIENCE
from proxy.azure_services.shared_row import Clock, SharedRow
from proxy.azure_services.store_outage import StoreOutage
from proxy.values import Budget

log = logging.getLogger("proxy.azure_services.shared_budgets")

ROW = "budget-"
# Seconds between two looks at what the store has to hear.
LOOK = 1.0
# Seconds between two tries to give back what is left at the end.
LEAVING_PAUSE = 0.1


class _Kept:
    """An account of a month: what this instance has of it, its row, and one change of it at a time."""

    def __init__(self, account: BudgetAccount, row: SharedRow[Month, Given]) -> None:
        self.account = account
        self.row = row
        self.lock = asyncio.Lock()
        self.keeping: asyncio.Task[None] | None = None


class SharedBudgets:
    """The budgets of all instances that have the same store."""

    def __init__(self, store: Store, instance: str, clock: Clock, draw: Callable[[], float] = random.random) -> None:
        self._store = store
        self._draw = draw
        self._instance = instance
        self._clock = clock
        self._kept: dict[tuple[str, str], _Kept] = {}
        self._outage = StoreOutage(clock, log, "budget_store_down", "hard budgets refuse what they have no lease for")

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        """Reserve what a call may cost; raise `StoreUnavailable` where that is hard and the store has to be asked."""
        kept = self._open(account)
        limit = budget.micro_dollars if budget.is_hard else None
        outcome = kept.account.reserve(limit, bound, self._clock.now())
        if outcome is None:
            async with kept.lock:
                # Another call may have got a lease.
                outcome = kept.account.reserve(limit, bound, self._clock.now()) or await self._change(kept, bound)
        self._keep(kept)
        return outcome

    def settle(self, hold: BudgetHold, amount: int) -> None:
        """End a call that has cost so much; the store hears of it later."""
        kept = self._kept[hold.account, hold.month]
        kept.account.settle(hold, amount)
        self._keep(kept)

    async def read(self, account: str) -> BudgetAccount:
        """Return the account of this month as the store has it, or as it is known here."""
        kept = self._open(account)
        with suppress(StoreUnavailable):
            async with kept.lock:
                await self._change(kept, None)
        self._keep(kept)
        return kept.account

    def known(self, account: str) -> BudgetAccount:
        """Return the account of this month as it is known here."""
        return self._open(account).account

    async def close(self) -> None:
        """Give everything back, as far as the store takes it at once."""
        for kept in self._kept.values():
            if kept.keeping is not None:
                kept.keeping.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                await asyncio.gather(*map(self._leave, self._kept.values()))

    async def _leave(self, kept: _Kept) -> None:
        """Give back what an account has, again and again while the store does not take it."""
        while True:
            with suppress(StoreUnavailable):
                await self._change(kept, None, leaving=True)
                return
            await self._clock.sleep(LEAVING_PAUSE)

    def _open(self, account: str) -> _Kept:
        month = month_of(self._clock.now())
        kept = self._kept.get((account, month))
        if kept is None:
            row: SharedRow[Month, Given] = SharedRow(
                self._store, Key(account, ROW + month), Month(), self._instance, self._clock, self._draw
            )
            kept = self._kept[account, month] = _Kept(BudgetAccount(account, self._instance, month), row)
        return kept

    async def _change(self, kept: _Kept, bound: int | None, *, leaving: bool = False) -> BudgetHold | BudgetDenied:
        """Ask the store; raise `StoreUnavailable` if it is down."""
        account = kept.account
        if self._outage.lasts and not leaving:
            raise StoreUnavailable

        def step(row: Month, now: float, sequence: int) -> tuple[Month, Given]:
            changed, given = change(row, account.want(row, bound, leaving=leaving), now, sequence)
            account.propose(given, bound)
            return changed, given

        try:
            async with asyncio.timeout(PATIENCE):
                given = await kept.row.change(step, lambda _: None, cached=account.is_alone)
        except (StoreUnavailable, TimeoutError):
            account.fail()
            self._outage.note_failure()
            raise StoreUnavailable from None
        except BaseException:
            account.fail()
            raise
        self._outage.note_success()
        return account.adopt(given, bound, self._clock.now(), left=leaving)

    def _keep(self, kept: _Kept) -> None:
        """Have the store hear of what nobody waits for."""
        if kept.account.due(self._clock.now()) is None or (kept.keeping is not None and not kept.keeping.done()):
            return
        # An empty context, because the task outlives the request that starts it.
        kept.keeping = asyncio.get_running_loop().create_task(self._keeping(kept), context=Context())

    async def _keeping(self, kept: _Kept) -> None:
        account = kept.account
        while (due := account.due(now := self._clock.now())) is not None:
            # A call that ends in the meantime may have something to give back.
            await self._clock.sleep(max(KEEPING, min(LOOK, due - now), self._outage.until - now))
            async with kept.lock:
                due = account.due(now := self._clock.now())
                if due is None or due > now + GIVE_BACK_ALONE:
                    continue
                with suppress(StoreUnavailable):
                    await self._change(kept, None, leaving=account.leaves(now))
        if account.month != month_of(now):
            self._kept.pop((account.account, account.month), None)
