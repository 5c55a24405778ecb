"""How many requests one instance works on at a time, and how it stops."""

import asyncio
from collections.abc import Callable

from proxy.errors import Overloaded

_FULL = "This instance of the proxy has too many requests in flight."
_ENDING = "This instance of the proxy is about to end."
# Time for the last words of what was stopped, in seconds.
LAST_WORDS = 1.0


class Concurrency:
    """Counts the requests in flight, up to `limit`: one too many is refused before its body is read."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._stopping = False
        self._slots: set[Slot] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Return how many requests are in flight."""
        return len(self._slots)

    def acquire(self, stop: Callable[[], None]) -> "Slot":
        """Count a request that `stop` would end; raise `Overloaded` when there are too many or the end is near."""
        if self._stopping or len(self._slots) >= self._limit:
            raise Overloaded(_ENDING if self._stopping else _FULL)
        slot = Slot(self, stop)
        self._slots.add(slot)
        self._idle.clear()
        return slot

    def release(self, slot: "Slot") -> None:
        """Count a request no more."""
        self._slots.discard(slot)
        if not self._slots:
            self._idle.set()

    async def shut_down(self, grace: float) -> None:
        """Admit nothing more; after `grace` seconds stop what is still in flight, and let it say so."""
        self._stopping = True
        if not await self._becomes_idle(grace):
            for slot in tuple(self._slots):
                slot.stop()
            await self._becomes_idle(LAST_WORDS)

    async def _becomes_idle(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class Slot:
    """The place of one request in flight, until it is released."""

    __slots__ = ("_concurrency", "stop")

    def __init__(self, concurrency: Concurrency, stop: Callable[[], None]) -> None:
        self._concurrency = concurrency
        self.stop = stop

    def release(self) -> None:
        """Be in flight no more."""
        self._concurrency.release(self)
