"""Budgets that are opened when the first of them is used, so that an app without budgets pays nothing."""

from collections.abc import Callable
from typing import Protocol

from proxy.auth.budget_account import BudgetAccount, BudgetDenied, BudgetHold
from proxy.auth.budgets import Budgets
from proxy.values import Budget


class OpenBudgets(Budgets, Protocol):
    """Budgets that have something to close."""

    async def close(self) -> None:
        """Give back what is leased, and close connections."""
        ...


class LateBudgets:
    """The budgets that `opens` returns."""

    def __init__(self, opens: Callable[[], OpenBudgets]) -> None:
        self._opens = opens
        self._budgets: OpenBudgets | None = None

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        """Reserve what a call may cost at most."""
        return await self._opened().reserve(account, budget, bound)

    def settle(self, hold: BudgetHold, amount: int) -> None:
        """End a call that has cost so much."""
        self._opened().settle(hold, amount)

    async def read(self, account: str) -> BudgetAccount:
        """Return the account of this month, as far as it is known."""
        return await self._opened().read(account)

    def known(self, account: str) -> BudgetAccount:
        """Return the same without asking anybody."""
        return self._opened().known(account)

    async def close(self) -> None:
        """Close the budgets if they were opened."""
        if self._budgets is not None:
            await self._budgets.close()

    def _opened(self) -> OpenBudgets:
        if self._budgets is None:
            self._budgets = self._opens()
        return self._budgets
