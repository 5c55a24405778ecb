"""Counts what clients use, and has it written down each minute: beside the requests, which never wait for it.

Counts that the store does not take stay here and go with the next ones. Without a store they stay in this instance.
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Protocol

from proxy.azure_services.rows import StoreUnavailable
from proxy.pipeline.resources import Resources
from proxy.routing.targets import Target
from proxy.server.access_log import AccessLogEntry
from proxy.usage.counts import HOUR, KINDS, MINUTE, Counts, Key, Line, Lines, fold, folded
from proxy.usage.rows import Inserted, day_of, first_part

_LOG = logging.getLogger(__name__)
# Seconds between two writings, on average: instances do not write at the same moment.
FLUSH = 60.0
# Counts that are held, each about 300 bytes: an hour of 30 clients with 5 models each, when the store is away.
MAX_LINES = 10_000
# The part of the writings behind which older rows are taken up; the store does that no more often than it needs to.
TAKE_UP = 0.2
# Seconds for the last writing.
LEAVING = 5.0
# Names of models that are remembered.
MAX_NAMES = 1024
_LEFT = frozenset({"client_left"})


class UsageStore(Protocol):
    """Keeps the usage of all instances; its methods raise `StoreUnavailable`."""

    async def insert(self, row: Inserted) -> None:
        """Insert a row, unless it is there."""
        ...

    async def read(self, first: float, end: float, width: int) -> Lines:
        """Return the sums of all days from that of `first` to that before `end`, for each span of `width` seconds."""
        ...

    async def take_up(self, now: float) -> None:
        """Let the rows of days take up those of instances, and delete what is too old."""
        ...

    async def close(self) -> None:
        """Close connections."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageClock:
    """Where time and chance come from; `now` is in seconds since 1970 UTC, `draw` from 0 to 1."""

    now: Callable[[], float] = time.time
    draw: Callable[[], float] = random.random


class UsageLog:
    """The usage that an instance counts; `instance` is its name among all, `resources` know the deployments."""

    def __init__(
        self, instance: str, store: UsageStore | None, resources: Resources | None, clock: UsageClock | None = None
    ) -> None:
        self._instance = instance
        self._store = store
        self._resources = resources
        self._clock = clock or UsageClock()
        self._now = self._clock.now
        self._lines: Lines = {}
        self._sending: Inserted | None = None
        self._numbers: dict[str, int] = {}
        self._names: dict[tuple[int | None, str | None], str] = {}
        self._lost = 0
        # Rows that have left this instance; who keeps what was read sees by it that the store has more.
        self.written = 0
        self._is_down = False
        self._flushing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        # Without a store there is nothing to wait for.
        self._waits = store is None

    def note(self, entry: AccessLogEntry, outcome: str, seconds: float) -> None:
        """Count a request that has ended; in one piece, because every request comes here."""
        kind = KINDS.get(entry.operation or "")
        if kind is None or entry.client is None:
            return
        name = self._names.get((entry.target, entry.deployment)) or self._name(entry)
        now, usage = int(self._now()), entry.usage
        key = Key(now - now % MINUTE, entry.client, name, kind)
        counts = self._lines.get(key)
        if counts is None:
            if len(self._lines) >= MAX_LINES and not self._make_room():
                self._lost += 1
                return
            self._lines[key] = counts = Counts()
        counts.requests += 1
        counts.milliseconds += int(seconds * 1000)
        counts.cost += entry.cost or 0
        counts.units += entry.units
        if outcome in _LEFT:
            counts.cancelled += 1
        elif outcome != "completed":
            counts.errors += 1
        if usage is not None:
            counts.input += usage.input_tokens
            counts.cached += usage.cached_tokens
            counts.output += usage.output_tokens
            counts.reasoning += usage.reasoning_tokens
            counts.units += usage.seconds
        if not self._waits:
            self._wait()

    async def read(self, first: float, end: float, width: int = MINUTE) -> Lines:
        """Return the sums of the days of a time, for each span of `width` seconds, also those of this instance.

        Raises `StoreUnavailable`.
        """
        return fold(await self.read_stored(first, end, width), self.held(), width)

    async def read_stored(self, first: float, end: float, width: int) -> Lines:
        """Return the sums that the store has of the days of a time; raise `StoreUnavailable`."""
        if self._store is None:
            return {}
        await self._flush(self._store)
        return await self._store.read(first, end, width)

    def held(self) -> list[Line]:
        """Return the counts of this instance that the store does not have yet."""
        return list(self._lines.items())

    async def close(self) -> None:
        """Write down what is left, as far as the store takes it at once."""
        self._waits = True
        if self._timer is not None:
            self._timer.cancel()
        if self._store is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    await self._flush(self._store)
            self._note_lost(len(self._lines))
            await self._store.close()

    def _wait(self) -> None:
        """Have the counts written down in a while."""
        self._waits = True
        self._timer = asyncio.get_running_loop().call_later(FLUSH * (0.5 + self._clock.draw()), self._begin)

    def _begin(self) -> None:
        # An empty context, because the task belongs to no request.
        self._task = asyncio.get_running_loop().create_task(self._write(), context=Context())

    async def _write(self) -> None:
        if self._store is None:
            return
        self._names.clear()  # Azure may list other models by now.
        try:
            await self._flush(self._store)
            self._note_lost(0)
            if not self._is_down and self._clock.draw() < TAKE_UP:
                with suppress(StoreUnavailable):
                    await self._store.take_up(self._now())
        finally:  # Whatever goes wrong, the next minute is written again.
            self._waits = False
            if self._lines or self._sending is not None:
                self._wait()

    async def _flush(self, store: UsageStore) -> None:
        """Insert rows until there is nothing to insert, or the store takes no more.

        A row that may have been inserted comes first, as it was: the row of a day takes up numbers without gaps.
        """
        async with self._flushing:
            while (row := self._sending or self._next_row()) is not None:
                self._sending = row
                try:
                    await store.insert(row)
                except StoreUnavailable:
                    self._note_down()
                    return
                self._sending = None
                self.written += 1
            if self._is_down:
                _LOG.info("usage_store_down: solved")
            self._is_down = False

    def _next_row(self) -> Inserted | None:
        """Return the counts of the first minute as a row, as many as it may have."""
        if not self._lines:
            return None
        start = min(key.start for key in self._lines)
        content, keys = first_part((key, counts) for key, counts in self._lines.items() if key.start == start)
        for key in keys:
            del self._lines[key]
        day = day_of(start)
        self._numbers[day] = self._numbers.get(day, 0) + 1
        return Inserted(instance=self._instance, number=self._numbers[day], start=start, lines=content)

    def _note_down(self) -> None:
        if not self._is_down:
            _LOG.warning("usage_store_down: usage is held in memory until the store takes it")
        self._is_down = True

    def _note_lost(self, more: int) -> None:
        if self._lost + more:
            _LOG.error("usage_lost: the counts of %d requests could not be kept, nor %d sums", self._lost, more)
        self._lost = 0

    def _make_room(self) -> bool:
        """Give up the minutes of older hours where counts stay in memory, and then the oldest hours."""
        if self._store is not None:
            return False
        recent = int(self._now()) - HOUR
        older = folded(_before(self._lines, recent), HOUR)
        kept = {key: counts for key, counts in self._lines.items() if key.start >= recent}
        while older and len(older) + len(kept) > MAX_LINES // 2:
            oldest = min(key.start for key in older)
            older = {key: counts for key, counts in older.items() if key.start > oldest}
        self._lines = {**older, **kept}
        return len(self._lines) < MAX_LINES

    def _name(self, entry: AccessLogEntry) -> str:
        """Return the model of what has answered; of what has not, only a name that is known."""
        if entry.target is None or entry.deployment is None:
            return ""
        target = Target(resource=entry.target, deployment=entry.deployment)
        deployed = None if self._resources is None else self._resources.catalogue().describe(target)
        if deployed is None and entry.status >= 400:
            return ""  # It may be a name that a client has made up.
        name = entry.deployment if deployed is None else deployed.model
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        self._names[entry.target, entry.deployment] = name
        return name


def _before(lines: Lines, end: int) -> Iterable[Line]:
    return ((key, counts) for key, counts in lines.items() if key.start < end)
