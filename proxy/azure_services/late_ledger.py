"""A ledger that is opened when the first key with limits is used, so that an app without such keys pays nothing."""

from collections.abc import Callable
from typing import Protocol

from proxy.auth.ledger import Denied, Hold, Ledger
from proxy.values import Limits


class OpenLedger(Ledger, Protocol):
    """A ledger that has something to close."""

    async def close(self) -> None:
        """Give back what is leased, and close connections."""
        ...


class LateLedger:
    """The ledger that `opens` returns."""

    def __init__(self, opens: Callable[[], OpenLedger]) -> None:
        self._opens = opens
        self._ledger: OpenLedger | None = None

    async def reserve(self, account: str, limits: Limits, tokens: int) -> Hold | Denied:
        """Take a request, so many tokens and a slot, or nothing."""
        if self._ledger is None:
            self._ledger = self._opens()
        return await self._ledger.reserve(account, limits, tokens)

    async def settle(self, hold: Hold, tokens: int) -> None:
        """Correct what was reserved by what was used, and free the slot."""
        if self._ledger is not None:
            await self._ledger.settle(hold, tokens)

    async def release(self, hold: Hold) -> None:
        """Give the tokens back, and free the slot."""
        if self._ledger is not None:
            await self._ledger.release(hold)

    async def close(self) -> None:
        """Close the ledger if it was opened."""
        if self._ledger is not None:
            await self._ledger.close()
