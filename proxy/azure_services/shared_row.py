"""One row of a store that several instances change, each change conditional on the row being as it was read.

A change whose answer never came may have been made. So each has a number, which the row keeps for its instance: whoever
reads the row sees whether the change is in it. A change that is still under way cannot come late, once the row is
another one than that on which it was conditional.
"""

import random
from collections.abc import Awaitable, Callable
from typing import Generic, Protocol, TypeVar

import msgspec

from proxy.auth.store_clock import StoreClock
from proxy.azure_services.rows import Key, RowChanged, Store, StoreUnavailable

# Attempts at one change, and at how many failures of the store the change fails. 50 instances that change one row at
# the same time need 8 attempts.
MOST_ATTEMPTS, MOST_FAILURES = 12, 2
# Seconds; the longest pause behind the first conflict, which doubles up to the other.
FIRST_PAUSE, LONGEST_PAUSE = 0.01, 0.25


class Row(Protocol):
    """What a row keeps."""

    def sequence_of(self, instance: str) -> int | None:
        """Return the number of the latest change of an instance."""
        ...


R = TypeVar("R", bound=Row)
A = TypeVar("A")
Step = Callable[[R, float, int], tuple[R, A]]


class SharedRow(Generic[R, A]):
    """A row as one instance sees it; a `step` makes of it the next row and an answer, by the store's time."""

    def __init__(
        self,
        store: Store,
        key: Key,
        empty: R,
        instance: str,
        clock: "Clock",
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._store = store
        self._key = key
        self._empty = empty
        self._instance = instance
        self._clock = clock
        self._draw = draw
        self._known: tuple[R, str | None] | None = None
        self._unsure: dict[int, tuple[str | None, A]] = {}
        self._sequence = 0

    async def change(self, step: Step[R, A], late: Callable[[A], None], *, cached: bool) -> A:
        """Change the row; raise `StoreUnavailable` if it is not known whether it was changed.

        `cached` tries with the row as it was left, for an instance that is alone. `late` hears the answer of an earlier
        change that was made although its answer never came.
        """
        known, self._known = self._known if cached else None, None
        first, failures = self._sequence, 0
        for attempt in range(MOST_ATTEMPTS):
            try:
                row, version = known or await self._read()
                known = None
                booked = self._booked(row, version)
                if booked is not None and booked[0] > first:
                    self._known = row, version
                    return booked[1]
                if booked is not None:
                    late(booked[1])
                return await self._write(row, version, step)
            except RowChanged:
                pass
            except StoreUnavailable:
                failures += 1
                if failures == MOST_FAILURES:
                    raise
            await self._clock.sleep(self._draw() * min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**attempt))
        raise StoreUnavailable

    async def _read(self) -> tuple[R, str | None]:
        stored = await self._store.read(self._key)
        self._clock.observe(stored.date)
        if stored.value is None:
            return self._empty, stored.version
        try:
            return msgspec.json.decode(stored.value, type=type(self._empty)), stored.version
        except ValueError:
            raise StoreUnavailable from None

    def _booked(self, row: R, version: str | None) -> tuple[int, A] | None:
        """Return the change that is in the row although its answer never came, if any."""
        number = row.sequence_of(self._instance)
        found = self._unsure.get(number) if number is not None else None
        # Of the others, only those can still come that are conditional on this very row.
        self._unsure = {one: kept for one, kept in self._unsure.items() if kept[0] == version and one != number}
        return None if found is None or number is None else (number, found[1])

    async def _write(self, row: R, version: str | None, step: Step[R, A]) -> A:
        self._sequence += 1
        changed, answer = step(row, self._clock.now(), self._sequence)
        self._unsure[self._sequence] = version, answer
        stored = await self._store.write(self._key, msgspec.json.encode(changed), version)
        self._clock.observe(stored.date)
        self._unsure.clear()
        self._known = changed, stored.version
        return answer


class Clock:
    """The store's time by the clock of this machine; `guess` is their difference until the store has answered."""

    def __init__(
        self, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]], guess: float = 0.0
    ) -> None:
        self._monotonic = monotonic
        self._store = StoreClock(guess)
        self.sleep = sleep

    def now(self) -> float:
        """Return the store's time."""
        return self._store.now(self._monotonic())

    def observe(self, date: float) -> None:
        """Learn from an answer of the store."""
        self._store.observe(date, self._monotonic())
