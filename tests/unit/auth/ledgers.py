"""The backends of the ledger: every property of tests/unit/auth/test_ledger.py holds for each of them.

A backend is opened with a clock that stands still until a test moves it, and with the lease of its holds in seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proxy.auth.ledger import Ledger, MemoryLedger

LEASE = 600.0


@dataclass
class StillClock:
    """A clock that a test moves; it can go back, as those of instances do."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


Open = Callable[[StillClock], Ledger]
LEDGERS: Mapping[str, Open] = {"in memory": lambda clock: MemoryLedger(clock, LEASE)}
