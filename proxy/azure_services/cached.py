"""One value that is fetched from the world and kept fresh in the background."""

import asyncio
import copy
import logging
import random
import time
from collections.abc import Awaitable, Callable
from contextvars import Context
from typing import Generic, TypeVar

from proxy.errors import ConfigurationError

T = TypeVar("T")

log = logging.getLogger("proxy.azure_services.cached")

PENDING = "credential_pending"
TIMED_OUT = "credential_timeout"
UNREADABLE = "credential_unreadable"

PATIENCE = 20.0  # a client's own time limit is rarely shorter than 30 s, so it still reads our answer
FETCH_LIMIT = 90.0  # longer than two slow calls of the identity endpoint (30 s each); a hang must not last for ever
REREAD_PAUSE = 30.0  # a wrong key in the vault must not turn each refused request into a read of the vault
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 55.0  # with its jitter still below the minute within which a repaired set-up must work again
JITTER = 0.2  # so that many instances started together drift apart


class Cached(Generic[T]):
    """Keep one value: single-flight reads, a background refresh, and the old value when a refresh fails.

    `fetch` reads the value and raises ConfigurationError, with a `retry-after` header if the world named a time.
    `lifetime` says after how many seconds the value should be read again; `clock` is monotonic; `draw` gives 0..1.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        lifetime: Callable[[T], float],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        patience: float = PATIENCE,
    ) -> None:
        self._fetch = fetch
        self._lifetime = lifetime
        self._sleep = sleep
        self._clock = clock
        self._draw = draw
        self._patience = patience
        self._held: tuple[T] | None = None  # a tuple, because None may be a value
        self._failure: ConfigurationError | None = None  # how the latest read ended
        self._settled = asyncio.Event()  # set when the first read has ended, well or badly
        self._one_at_a_time = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._next_reread = float("-inf")

    def start(self) -> None:
        """Begin to read in the background of the running loop; once is enough."""
        if self._refreshing is None:
            # An empty context: the task outlives the request that starts it and must not log in its name.
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh(), context=Context())

    async def get(self) -> T:
        """Return the value, however old; only while the first read is under way is there a wait."""
        self.start()
        if self._held is None and not self._settled.is_set():
            await self._wait_for_first_read()
        if self._held is not None:
            return self._held[0]
        raise self.missing() or _pending()

    async def reread(self, refused: T) -> T:
        """Return the value after a read that was asked for because the world refused `refused`.

        Callers at the same time share one read; there is at most one in 30 s; without a new value the old one returns.
        """
        if await self.get() != refused:
            return await self.get()
        if self._rereading is None or self._rereading.done():
            if self._clock() < self._next_reread:
                return refused
            self._next_reread = self._clock() + REREAD_PAUSE
            self._rereading = asyncio.get_running_loop().create_task(self._read_unless_new(refused), context=Context())
        # `wait` neither cancels the shared read with its caller nor raises when time is up.
        await asyncio.wait({self._rereading}, timeout=self._patience)
        return await self.get()

    @property
    def problem(self) -> str | None:
        """The reason code while there is no value."""
        missing = self.missing()
        return missing.reason if missing else None

    def missing(self) -> ConfigurationError | None:
        """Return why there is no value yet; None as soon as one was read."""
        if self._held is not None:
            return None
        # A copy: an exception that is raised again and again would collect the frames of every request.
        return copy.copy(self._failure) if self._failure else _pending()

    async def close(self) -> None:
        """Stop reading; the value stays."""
        tasks = [task for task in (self._refreshing, self._rereading) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _wait_for_first_read(self) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._settled.wait()
        except TimeoutError:
            return

    async def _refresh(self) -> None:
        failures = 0
        while True:
            await self._read()
            failures = failures + 1 if self._failure else 0
            await self._sleep(self._pause(failures))

    async def _read_unless_new(self, refused: T) -> None:
        async with self._one_at_a_time:
            if self._held == (refused,):  # a background read may have come first
                await self._read_now()

    async def _read(self) -> None:
        async with self._one_at_a_time:
            await self._read_now()

    async def _read_now(self) -> None:
        try:
            async with asyncio.timeout(FETCH_LIMIT):
                self._held = (await self._fetch(),)
        except ConfigurationError as failure:
            self._note(copy.copy(failure))  # the copy has no traceback, so it keeps no SDK request alive
        except TimeoutError:
            self._note(ConfigurationError(f"A credential did not arrive within {FETCH_LIMIT:.0f} s.", reason=TIMED_OUT))
        except Exception as surprise:  # noqa: BLE001 - an SDK's surprise must not end the refreshing for good
            log.warning("unexpected %s while reading a credential", type(surprise).__name__)
            self._note(ConfigurationError("A credential could not be read; see the log.", reason=UNREADABLE))
        else:
            self._note(None)
        self._settled.set()

    def _note(self, failure: ConfigurationError | None) -> None:
        before = self._failure.reason if self._failure else None
        self._failure = failure
        if failure and failure.reason != before:
            log.warning("%s: %s", failure.reason, "the old value stays in use" if self._held else "no value yet")
        elif before and not failure:
            log.info("%s: solved", before)

    def _pause(self, failures: int) -> float:
        if self._failure is None and self._held is not None:
            return self._lifetime(self._held[0]) * (1 - JITTER + 2 * JITTER * self._draw())
        asked = _retry_after(self._failure)
        if asked is not None:
            return asked + self._draw()
        return self._draw() * min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 10))


def _pending() -> ConfigurationError:
    return ConfigurationError("The proxy is still reading its credentials; try again in a moment.", reason=PENDING)


def _retry_after(failure: ConfigurationError | None) -> float | None:
    seconds = failure.headers.get("retry-after", "") if failure else ""
    return min(float(seconds), LONGEST_RETRY_AFTER) if seconds.isdecimal() else None
