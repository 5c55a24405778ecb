"""Who keeps the budgets of clients, and that of the whole proxy: `reserve` before a call, then `settle`.

A call that goes to several targets may be charged more than once: it then has several holds. What is reserved and never
settled, because the instance is gone, counts as spent. Amounts are whole micro-dollars; budgets are those of a calendar
month, UTC.
"""

from collections.abc import Callable
from typing import Protocol

from proxy.auth.budget_account import BudgetAccount, BudgetDenied, BudgetHold
from proxy.auth.month_account import Month, change, month_of
from proxy.values import Budget

# The account of the whole proxy; no client has this name.
WHOLE_PROXY = "*"


class Budgets(Protocol):
    """Keeps the accounts."""

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        """Reserve what a call may cost at most; a soft budget refuses nothing.

        Raises `StoreUnavailable` where a hard budget cannot be kept.
        """
        ...

    def settle(self, hold: BudgetHold, amount: int) -> None:
        """End a call that has cost so much; it waits for nothing, so that no cancellation can lose it."""
        ...

    async def read(self, account: str) -> BudgetAccount:
        """Return the account of this month, as far as it is known."""
        ...

    def known(self, account: str) -> BudgetAccount:
        """Return the same without asking anybody."""
        ...


class MemoryBudgets:
    """The budgets of this process, which forgets them when it ends; `now` is in seconds since 1970 UTC."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._accounts: dict[tuple[str, str], tuple[BudgetAccount, Month]] = {}

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        """Reserve what a call may cost at most, if there is so much."""
        now = self._now()
        kept, row = self._kept(account)
        limit = budget.micro_dollars if budget.is_hard else None
        outcome = kept.reserve(limit, bound, now)
        if outcome is None:
            row, given = change(row, kept.want(row, bound), now, 0)
            self._accounts[account, kept.month] = kept, row
            outcome = kept.adopt(given, bound, now)
        return outcome

    def settle(self, hold: BudgetHold, amount: int) -> None:
        """End a call that has cost so much."""
        self._accounts[hold.account, hold.month][0].settle(hold, amount)

    async def read(self, account: str) -> BudgetAccount:
        """Return the account of this month."""
        return self.known(account)

    def known(self, account: str) -> BudgetAccount:
        """Return the account of this month."""
        return self._kept(account)[0]

    def _kept(self, account: str) -> tuple[BudgetAccount, Month]:
        month = month_of(self._now())
        return self._accounts.setdefault((account, month), (BudgetAccount(account, "", month), Month()))
