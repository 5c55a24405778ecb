"""What one instance knows of an account's money in one month: what it has spent, reserved and may still spend.

It admits calls up to its ceiling. Where that does not do, `reserve` returns None, and the store is asked: `want` says
what for, `adopt` takes the answer. Until a change is confirmed the lowest ceiling counts of all that it may have made.
Nothing here waits. All amounts are whole micro-dollars; `now` is the store's time.
"""

import msgspec

from proxy.auth.month_account import Given, Month, View, Wanted

# Seconds for which a refusal of the store is repeated without asking it again.
REFUSAL = 2.0
# Seconds after which what has changed is written down, and what is left goes back to others, or to nobody yet.
REPORT, GIVE_BACK, GIVE_BACK_ALONE = 60.0, 0.25, 5.0
# Seconds without a call after which an instance leaves the row.
IDLE = 120.0
# Of so many calls the latest counts for one in what is usual.
_WEIGHT = 8
# The generation of calls for which nothing is reserved, because nothing is refused.
_UNRESERVED = -1


class BudgetHold(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may be made: so much is reserved for it in the account's month."""

    account: str
    month: str
    generation: int
    amount: int


class BudgetDenied(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may not be made; `left` is what nobody has spent for sure, although it may be reserved."""

    left: int


class BudgetAccount:
    """One account in one month, as one instance knows it."""

    def __init__(self, account: str, instance: str, month: str) -> None:
        self.account, self.instance, self.month = account, instance, month
        self.spent = self.reserved = 0
        self.view = View()
        self._limit: int | None = None
        self._usable = self._lease = self._usual = self._asked = self._generation = 0
        self._is_in_row = self._is_changed = self._is_unsure = False
        self._reported = self._called = 0.0
        self._denied: tuple[int, float] | None = None

    @property
    def is_alone(self) -> bool:
        """Tell whether no other instance is known to have anything, so that nobody else has changed the row."""
        return self.view.committed == self.view.settled

    @property
    def settled(self) -> int:
        """Return what is spent in the month for sure, as far as is known."""
        return self.view.settled + self.spent

    def reserve(self, limit: int | None, bound: int, now: float) -> BudgetHold | BudgetDenied | None:
        """Reserve the bound of a call or refuse it, None if the store has to be asked; without a limit it passes."""
        self._limit, self._called = limit, now
        if limit is None:
            return BudgetHold(account=self.account, month=self.month, generation=_UNRESERVED, amount=0)
        self._usual = bound if not self._usual else max(1, (self._usual * (_WEIGHT - 1) + bound) // _WEIGHT)
        if self.spent + self.reserved + self._asked + bound <= min(self._usable, limit):
            return self._hold(bound)
        if self._denied is not None and bound >= self._denied[0] and now < self._denied[1]:
            return BudgetDenied(left=limit - self.settled)
        return None

    def settle(self, hold: BudgetHold, amount: int) -> None:
        """End a call that has cost so much; one before the account was begun anew counts as spent already."""
        if hold.generation not in (_UNRESERVED, self._generation):
            return
        self.reserved -= hold.amount
        self.spent += amount
        self._is_changed, self._denied = True, None

    def want(self, row: Month, bound: int | None, *, leaving: bool = False) -> Wanted:
        """Return what to ask for, by the row as it is; `propose` follows, and `adopt` if the change is confirmed."""
        if self._is_in_row and self.instance not in row.entries:
            self._begin_anew()
        self._is_changed = False
        return Wanted(
            instance=self.instance,
            limit=self._limit,
            spent=self.spent,
            reserved=self.reserved,
            bound=bound,
            usual=self._usual,
            leaving=leaving,
        )

    def propose(self, given: Given, bound: int | None) -> None:
        """Spend no more than what a change leaves that is about to be written, and may be made without an answer."""
        self._usable, self._asked = min(self._usable, given.ceiling), bound or 0

    def adopt(self, given: Given, bound: int | None, now: float, *, left: bool = False) -> BudgetHold | BudgetDenied:
        """Take the store's answer; return what becomes of the call that was asked for, if any."""
        self._usable, self.view, self._reported = given.ceiling, given.view, now
        self._is_in_row, self._is_unsure, self._asked = True, False, 0
        if left and not self.reserved:
            self._begin_anew()
        hold = self._hold(bound or 0) if given.is_admitted or bound is None else None
        self._lease = self._usable - self.spent - self.reserved
        self._denied = None if hold else (bound or 0, now + REFUSAL)
        return hold or BudgetDenied(left=(self._limit or 0) - self.settled)

    def fail(self) -> None:
        """Note that nobody knows whether the store has made a change: it hears of everything again.

        It does so soon, for it may count the bound of a call that was not admitted.
        """
        self._is_changed, self._is_unsure, self._asked = True, True, 0

    def due(self, now: float) -> float | None:
        """Return when the store has to hear what nobody waits for, None if there is nothing."""
        surplus = self._usable - self.spent - self.reserved
        if self._is_unsure:
            return now + GIVE_BACK
        if self._is_changed and surplus > max(0, self._lease):
            return now + (GIVE_BACK_ALONE if self.is_alone else GIVE_BACK)
        if self.reserved or self._is_changed:
            return self._reported + REPORT
        return max(self._reported + REPORT, self._called + IDLE) if self._is_in_row else None

    def leaves(self, now: float) -> bool:
        """Tell whether the instance has had no call for a while, so that it leaves the row."""
        return not self.reserved and now >= self._called + IDLE

    def available(self, limit: int) -> int:
        """Return what nobody has spent or reserved of a budget, as far as is known."""
        return limit - self.view.committed - self.spent - self.reserved

    def _hold(self, bound: int) -> BudgetHold:
        self.reserved += bound
        return BudgetHold(account=self.account, month=self.month, generation=self._generation, amount=bound)

    def _begin_anew(self) -> None:
        """Begin with what the row has not counted: all up to the ceiling is among what others have settled."""
        self.spent, self.reserved = max(0, self.spent - self._usable), 0
        self._usable = self._lease = 0
        self._generation += 1
        self._is_in_row = False
