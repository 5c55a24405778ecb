"""How many requests one instance works on at a time, how many bytes of bodies it holds, and how it stops.

A request is read first, and takes its place among those that are worked on once its body is here; a form, which is sent
on while it comes, takes its place at once. So clients that send slowly keep nobody but each other waiting.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from enum import Enum, auto
from pathlib import Path

from proxy.errors import Overloaded

_FULL = "This instance of the proxy has too many requests in flight. Please try again."
_ENDING = "This instance of the proxy is about to end. Please try again."
_TOO_MANY_UPLOADS = "This instance of the proxy has too many uploads in flight. Please try again."
_NO_MEMORY = "This instance of the proxy has no memory left for your request. Please try again."
# The limit of the control group, by versions 2 and 1. https://docs.kernel.org/admin-guide/cgroup-v2.html
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Time for the last words of what was stopped, in seconds.
LAST_WORDS = 1.0


def instance_memory(limits: Sequence[Path] = CGROUP_LIMITS) -> int:
    """Return the memory of this instance in bytes: that of its control group, or of its machine when that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    texts = [path.read_text().strip() for path in limits if path.is_file()]
    return min([machine, *(int(text) for text in texts if text.isdecimal())])


class Phase(Enum):
    """What a request in flight is at; there is a limit for each."""

    __hash__ = object.__hash__

    READING = auto()
    WORKING = auto()
    FORM = auto()


class Concurrency:
    """Counts the requests in flight: up to `limit` are read, and up to `limit` are worked on.

    At most half of those worked on are forms, and at most half of those read are of one client. `memory` is what their
    bodies may take, in bytes.
    """

    def __init__(self, limit: int, memory: int) -> None:
        self._limit = limit
        self._half = max(1, limit // 2)
        self._memory = memory
        self._stopping = False
        self._slots: set[Slot] = set()
        self._phases: Counter[Phase] = Counter()
        self._readers: Counter[str] = Counter()
        self._idle = asyncio.Event()
        self._idle.set()
        self.held = 0

    def __len__(self) -> int:
        """Return how many requests are in flight."""
        return len(self._slots)

    def acquire(self, stop: Callable[[], None]) -> "Slot":
        """Count a request that `stop` would end; raise `Overloaded` when there are too many or the end is near.

        One too many is refused before its body is read.
        """
        if self._stopping:
            raise Overloaded(_ENDING)
        if self._is_full(Phase.READING) or self._is_full(Phase.WORKING):
            raise Overloaded(_FULL)
        slot = Slot(self, stop)
        self._slots.add(slot)
        self._phases[Phase.READING] += 1
        self._idle.clear()
        return slot

    def read_for(self, slot: "Slot", client: str) -> None:
        """Count a request that is read as one of a client; raise `Overloaded` when it has too many of them."""
        if self._readers[client] >= self._half:
            raise Overloaded(_TOO_MANY_UPLOADS)
        self._readers[client] += 1
        slot.client = client

    def move(self, slot: "Slot", phase: Phase) -> None:
        """Count a request at its next phase; raise `Overloaded` when there are too many."""
        if phase is Phase.FORM and self._phases[Phase.FORM] >= self._half:
            raise Overloaded(_TOO_MANY_UPLOADS)
        if self._is_full(Phase.WORKING):
            raise Overloaded(_FULL)
        self._leave(slot)
        slot.phase = phase
        self._phases[phase] += 1

    def take(self, slot: "Slot", size: int) -> None:
        """Count bytes of a body that are held; raise `Overloaded` when there is no memory for them."""
        if self.held + size > self._memory:
            raise Overloaded(_NO_MEMORY)
        self.held += size
        slot.size += size

    def release(self, slot: "Slot") -> None:
        """Count a request no more."""
        if slot in self._slots:
            self._slots.discard(slot)
            self._leave(slot)
            self.held -= slot.size
        if not self._slots:
            self._idle.set()

    async def shut_down(self, grace: float) -> None:
        """Admit nothing more; after `grace` seconds stop what is still in flight, and let it say so."""
        self._stopping = True
        if not await self._becomes_idle(grace):
            for slot in tuple(self._slots):
                slot.stop()
            await self._becomes_idle(LAST_WORDS)

    def _is_full(self, phase: Phase) -> bool:
        if phase is Phase.READING:
            return self._phases[phase] >= self._limit
        return self._phases[Phase.WORKING] + self._phases[Phase.FORM] >= self._limit

    def _leave(self, slot: "Slot") -> None:
        self._phases[slot.phase] -= 1
        if slot.client is not None:
            self._readers[slot.client] -= 1
            if not self._readers[slot.client]:
                del self._readers[slot.client]
            slot.client = None

    async def _becomes_idle(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class Slot:
    """The place of one request in flight, until it is released; `size` is what its body takes, in bytes."""

    __slots__ = ("_concurrency", "client", "phase", "size", "stop")

    def __init__(self, concurrency: Concurrency, stop: Callable[[], None]) -> None:
        self._concurrency = concurrency
        self.stop = stop
        self.phase = Phase.READING
        self.client: str | None = None
        self.size = 0

    def read_for(self, client: str) -> None:
        """Be read for a client; raise `Overloaded` when it has too many requests that are read."""
        self._concurrency.read_for(self, client)

    def work(self, *, form: bool = False) -> None:
        """Be worked on; raise `Overloaded` when there are too many."""
        self._concurrency.move(self, Phase.FORM if form else Phase.WORKING)

    def take(self, size: int) -> None:
        """Hold so many bytes of a body; raise `Overloaded` when there is no memory for them."""
        self._concurrency.take(self, size)

    def release(self) -> None:
        """Be in flight no more."""
        self._concurrency.release(self)
