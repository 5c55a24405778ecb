"""A store of rows in memory, with the faults of a real one, and ledgers that share it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from proxy.azure_services.rows import Key, RowChanged, Stored, StoreUnavailable
from proxy.azure_services.shared_ledger import SharedLedger
from proxy.azure_services.shared_row import Clock


@dataclass
class StillClock:
    """A clock that a test moves; it can go back, as those of instances do."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


Fault = Callable[[str], Awaitable[None]]


async def no_fault(_: str) -> None:
    """Let everything pass."""


@dataclass
class FakeStore:
    """Rows with versions. `fault` is awaited with `read` or `write` before and `answer` behind each of them.

    It may raise `StoreUnavailable`, so that a write is lost, or made without an answer.
    """

    clock: Callable[[], float]
    fault: Fault = no_fault
    rows: dict[Key, tuple[bytes, int]] = field(default_factory=dict)
    reads: int = 0
    writes: int = 0
    conflicts: int = 0
    unavailable: bool = False

    async def read(self, key: Key) -> Stored:
        self.reads += 1
        await self._fault("read")
        value, version = self.rows.get(key, (None, None))
        date = float(int(self.clock()))
        await self._fault("answer")
        return Stored(value=value, version=None if version is None else str(version), date=date)

    async def write(self, key: Key, value: bytes, version: str | None) -> Stored:
        self.writes += 1
        await self._fault("write")
        kept = self.rows.get(key)
        if version != (None if kept is None else str(kept[1])):
            self.conflicts += 1
            await self._fault("answer")
            raise RowChanged
        number = 1 if kept is None else kept[1] + 1
        self.rows[key] = value, number
        date = float(int(self.clock()))
        await self._fault("answer")
        return Stored(value=value, version=str(number), date=date)

    async def _fault(self, place: str) -> None:
        if self.unavailable:
            raise StoreUnavailable
        await self.fault(place)


def shared_ledger(
    clock: Callable[[], float],
    lease: float,
    store: FakeStore | None = None,
    *,
    instance: str = "one",
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    draw: Callable[[], float] = lambda: 0.5,
) -> SharedLedger:
    """Return the ledger of one instance."""
    return SharedLedger(store or FakeStore(clock), instance, Clock(clock, sleep), lease, draw)
