"""A value that is fetched in the background and kept fresh."""

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

PATIENCE = 20.0  # seconds; clients rarely time out before 30 s, so they still get an answer
FETCH_LIMIT = 90.0  # seconds; two slow calls of the identity endpoint take 60 s
REREAD_PAUSE = 30.0  # seconds; a wrong key in the vault must not cause a read of the vault for each refused request
LONGEST_PAUSE = 30.0
LONGEST_RETRY_AFTER = 55.0  # seconds; with jitter still below the minute within which a repaired set-up must work
JITTER = 0.2  # so that instances started at the same time do not stay in step


class Cached(Generic[T]):
    """Keeps one value: one read at a time, a refresh in the background, and the old value when a refresh fails.

    `fetch` reads the value, or raises `ConfigurationError` with a `retry-after` header if Azure asks to wait.
    `lifetime` returns after how many seconds a value is read again. `clock` is monotonic; `draw` returns a number from
    0 to 1.
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
        self._settled = asyncio.Event()  # set when the first read has ended, whether it succeeded or not
        self._one_at_a_time = asyncio.Lock()
        self._refreshing: asyncio.Task[None] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._next_reread = float("-inf")

    def start(self) -> None:
        """Begin to read in the background of the running loop, unless it has begun already."""
        if self._refreshing is None:
            # An empty context, because the task outlives the request that starts it.
            self._refreshing = asyncio.get_running_loop().create_task(self._refresh(), context=Context())

    async def get(self) -> T:
        """Return the value, however old; wait only for the first read."""
        self.start()
        if self._held is None and not self._settled.is_set():
            await self._wait_for_first_read()
        if self._held is not None:
            return self._held[0]
        raise self.missing() or _pending()

    async def reread(self, refused: T) -> T:
        """Return the value after another read, because Azure refused the value `refused`.

        Concurrent callers share one read, and there is at most one in 30 s. Returns the old value if there is no new
        one.
        """
        if await self.get() != refused:
            return await self.get()
        if self._rereading is None or self._rereading.done():
            if self._clock() < self._next_reread:
                return refused
            self._next_reread = self._clock() + REREAD_PAUSE
            self._rereading = asyncio.get_running_loop().create_task(self._read_unless_new(refused), context=Context())
        # Unlike `wait_for`, `wait` neither cancels the shared read nor raises after the timeout.
        await asyncio.wait({self._rereading}, timeout=self._patience)
        return await self.get()

    @property
    def problem(self) -> str | None:
        """The reason code as long as there is no value."""
        missing = self.missing()
        return missing.reason if missing else None

    def missing(self) -> ConfigurationError | None:
        """Return why there is no value, None if there is one."""
        if self._held is not None:
            return None
        # A copy, because an exception that is raised repeatedly collects the frames of every request.
        return copy.copy(self._failure) if self._failure else _pending()

    async def close(self) -> None:
        """Stop reading; keep the value."""
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
            if self._held == (refused,):  # else a background read came first
                await self._read_now()

    async def _read(self) -> None:
        async with self._one_at_a_time:
            await self._read_now()

    async def _read_now(self) -> None:
        try:
            async with asyncio.timeout(FETCH_LIMIT):
                self._held = (await self._fetch(),)
        except ConfigurationError as failure:
            self._note(copy.copy(failure))  # a copy without a traceback keeps no request of the SDK alive
        except TimeoutError:
            self._note(ConfigurationError(f"A credential did not arrive within {FETCH_LIMIT:.0f} s.", reason=TIMED_OUT))
        except Exception as error:  # noqa: BLE001 - an unexpected error of an SDK must not end the refreshing
            log.warning("unexpected %s while reading a credential", type(error).__name__)
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
