"""The backends of the ledger: every property of tests/unit/auth/test_ledger.py holds for each of them.

A backend is opened with a clock that stands still until a test moves it, and with the lease of its holds in seconds.
"""

from collections.abc import Callable, Mapping

from proxy.auth.ledger import Ledger, MemoryLedger
from tests.fakes.shared_store import StillClock, shared_ledger

LEASE = 600.0

Open = Callable[[StillClock], Ledger]
LEDGERS: Mapping[str, Open] = {
    "in memory": lambda clock: MemoryLedger(clock, LEASE),
    "shared": lambda clock: shared_ledger(clock, LEASE),
}
