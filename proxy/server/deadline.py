"""One timer for everything that may take too long in one exchange.

| limit | starts | renewed by | ends how |
|---|---|---|---|
| total | with the request | nothing; it bounds all others | as the limit that it bounds |
| body stall | with the reading of the client's body | each part of it | 408 |
| patience | with the call of an operation that may stream | nothing | the head leaves, with a keep-alive |
| attempt: first byte | when the request has left for the first time | nothing; streams have all of total | 504 |
| attempt: target's share | with each attempt where several targets share the time | nothing | the next target, or 504 |
| attempt: upload movement | with each piece that Azure takes of a body | the next piece | 504 |
| idle, reasoning idle | with the first content of a stream | each read; not while the client reads | error event |
| last event | with an error of Azure in a stream | nothing | the proxy's own last event |
| silence | with the head of a stream of events | each chunk | a keep-alive, and it starts again |
| client stall | with the head of a stream | each chunk that was taken | the connection is closed |
| tail | behind the last event | nothing | Azure's connection is closed |
| connect, pool wait | with a sending | nothing | 502, or 503 where the pool is full (in the HTTP client) |
| shutdown grace | with SIGTERM | nothing | 503 or an error event (in `concurrency`) |

Setting a limit costs a dictionary entry: the timer of the event loop is touched only when a limit comes before it.
"""

import asyncio
import math
from collections.abc import Callable
from enum import Enum, auto


class Limit(Enum):
    """What may take too long."""

    __hash__ = object.__hash__  # in C: a limit is set and cleared with every request

    BODY_STALL = auto()
    PATIENCE = auto()
    ATTEMPT = auto()
    IDLE = auto()
    LAST_EVENT = auto()
    SILENCE = auto()
    CLIENT_STALL = auto()


# Called with the time of the loop when a limit is due; returns when it is due again, None when it is over.
Expire = Callable[[float], float | None]


class Deadline:
    """The limits of the task that makes it; all times are of its loop, in seconds.

    A limit without `expire` interrupts the task, which asks `interrupted` in its handler of CancelledError.
    """

    __slots__ = ("_interrupted_by", "_limits", "_loop", "_task", "_timer", "_when", "now")

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._limits: dict[Limit, tuple[float, Expire | None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._when = math.inf
        self._interrupted_by: Limit | None = None
        self.now = self._loop.time

    def set(self, limit: Limit, when: float, expire: Expire | None = None) -> None:
        """Let a limit be due at a time, in place of an earlier one of its kind."""
        self._limits[limit] = when, expire
        if when < self._when:
            self._arm(when)

    def clear(self, limit: Limit) -> None:
        """Take a limit away."""
        self._limits.pop(limit, None)

    def interrupted(self, limit: Limit) -> bool:
        """Tell whether a limit has cancelled the task, and take that cancellation back."""
        if self._interrupted_by is not limit or self._task is None:
            return False
        self._interrupted_by = None
        return not self._task.uncancel()

    def close(self) -> None:
        """Take all limits away."""
        self._limits.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._when = when
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        self._timer, self._when = None, math.inf
        now = self.now()
        for limit, entry in [(limit, entry) for limit, entry in self._limits.items() if entry[0] <= now]:
            # One that was due before it may have taken it away, or put it off.
            if self._limits.get(limit) is entry:
                self._expire(limit, entry[1], now)
        if self._limits:
            self._arm(min(when for when, _ in self._limits.values()))

    def _expire(self, limit: Limit, expire: Expire | None, now: float) -> None:
        del self._limits[limit]
        if expire is None:
            self._interrupt(limit)
        elif (again := expire(now)) is not None:
            self._limits[limit] = again, expire

    def _interrupt(self, limit: Limit) -> None:
        # A second cancellation would be one that nobody takes back.
        if self._interrupted_by is None and self._task is not None:
            self._interrupted_by = limit
            self._task.cancel()
