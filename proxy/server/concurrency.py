"""How many requests one instance works on at a time, how many bytes of bodies it holds, and how it stops.

A request is read first, and takes its place among those that are worked on once its body is here; a form, which is sent
on while it comes, takes its place at once. So clients that send slowly keep nobody but each other waiting.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from proxy.errors import Overloaded

_FULL = "This instance of the proxy has too many requests in flight."
_ENDING = "This instance of the proxy is about to end."
_TOO_MANY_UPLOADS = "This instance of the proxy has too many uploads in flight."
_NO_MEMORY = "This instance of the proxy has no memory left for your request."
# The limit of the control group, by versions 2 and 1. https://docs.kernel.org/admin-guide/cgroup-v2.html
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Time for the last words of what was stopped, in seconds.
LAST_WORDS = 1.0


def instance_memory(limits: Sequence[Path] = CGROUP_LIMITS) -> int:
    """Return the memory of this instance in bytes: that of its control group, or of its machine when that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    texts = [path.read_text().strip() for path in limits if path.is_file()]
    return min([machine, *(int(text) for text in texts if text.isdecimal())])


class Concurrency:
    """Counts the requests in flight: up to `limit` are read, and up to `limit` are worked on.

    At most half of those worked on are forms, and at most half of those read are of one client. `memory` is what their
    bodies may take, in bytes; `held` is what they take.
    """

    def __init__(self, limit: int, memory: int) -> None:
        self.limit = limit
        self.half = max(1, limit // 2)
        self.memory = memory
        self.slots: set[Slot] = set()
        self.readers: Counter[str] = Counter()
        self.reading = self.working = self.forms = self.held = 0
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def __len__(self) -> int:
        """Return how many requests are in flight."""
        return len(self.slots)

    def acquire(self, stop: Callable[[], None]) -> "Slot":
        """Count a request that `stop` would end; raise `Overloaded` when there are too many or the end is near.

        One too many is refused before its body is read.
        """
        if self._stopping:
            raise Overloaded(_ENDING)
        if self.reading >= self.limit or self.working >= self.limit:
            raise Overloaded(_FULL)
        self._idle.clear()
        return Slot(self, stop)

    def forget(self, slot: "Slot") -> None:
        """Count a request no more."""
        self.slots.discard(slot)
        if not self.slots:
            self._idle.set()

    async def shut_down(self, grace: float) -> None:
        """Admit nothing more; after `grace` seconds stop what is still in flight, and let it say so."""
        self._stopping = True
        if not await self._becomes_idle(grace):
            for slot in tuple(self.slots):
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
    """The place of one request in flight, first among those that are read, until it is released."""

    __slots__ = ("_client", "_concurrency", "_held", "_is_form", "_is_read", "stop")

    def __init__(self, concurrency: Concurrency, stop: Callable[[], None]) -> None:
        self._concurrency = concurrency
        self._client: str | None = None
        self._is_read, self._is_form = True, False
        self._held = 0
        self.stop = stop
        concurrency.slots.add(self)
        concurrency.reading += 1

    def read_for(self, client: str) -> None:
        """Be read for a client; raise `Overloaded` when it has too many requests that are read."""
        counts = self._concurrency
        if counts.readers[client] >= counts.half:
            raise Overloaded(_TOO_MANY_UPLOADS)
        counts.readers[client] += 1
        self._client = client

    def work(self, *, form: bool = False) -> None:
        """Be worked on; raise `Overloaded` when there are too many."""
        counts = self._concurrency
        if form and counts.forms >= counts.half:
            raise Overloaded(_TOO_MANY_UPLOADS)
        if counts.working >= counts.limit:
            raise Overloaded(_FULL)
        self._end_reading()
        self._is_form = form
        counts.working += 1
        counts.forms += form

    def take(self, size: int) -> None:
        """Hold so many bytes of a body; raise `Overloaded` when there is no memory for them."""
        counts = self._concurrency
        if counts.held + size > counts.memory:
            raise Overloaded(_NO_MEMORY)
        counts.held += size
        self._held += size

    def release(self) -> None:
        """Be in flight no more."""
        counts = self._concurrency
        if self not in counts.slots:
            return
        if self._is_read:
            self._end_reading()
        else:
            counts.working -= 1
            counts.forms -= self._is_form
        counts.held -= self._held
        counts.forget(self)

    def _end_reading(self) -> None:
        counts, client = self._concurrency, self._client
        counts.reading -= 1
        self._is_read = False
        if client is not None:
            counts.readers[client] -= 1
            if not counts.readers[client]:
                del counts.readers[client]
