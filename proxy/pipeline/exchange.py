"""The lifetime of one request: what must end with it, ends here, in the reverse order of its start.

It carries no data of the call. Who starts something pushes its end onto `stack`; nobody else closes it.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from enum import Enum
from types import TracebackType
from typing import Self

from proxy.errors import ProxyError, ShuttingDown
from proxy.server.access_log import CLIENT_CLOSED_REQUEST, AccessLogEntry, log_unexpected
from proxy.server.connection import ClientDisconnected, Connection
from proxy.server.deadline import Deadline


class Reason(Enum):
    """Why an exchange ends before its answer does."""

    DISCONNECTED = "the client has disconnected"
    STALLED = "the client has stopped reading"
    SHUTDOWN = "the instance is about to end"


class Exchange:
    """The slot, the upstream answer, the spooled files, the deadline and the access-log entry of one request."""

    __slots__ = ("_connection", "_on_stop", "_task", "deadline", "entry", "reason", "stack")

    def __init__(self, entry: AccessLogEntry, connection: Connection) -> None:
        self.entry = entry
        self.deadline = Deadline()
        self.stack = AsyncExitStack()
        self.reason: Reason | None = None
        self._connection = connection
        self._task = asyncio.current_task()
        self._on_stop: Callable[[], None] | None = None

    def end(self, reason: Reason) -> None:
        """End the work for the client; the first reason counts."""
        if self.reason is None:
            self.reason = reason
            if self._task is not None:
                self._task.cancel()

    def stop(self) -> None:
        """End because the instance ends, in words that the client can read."""
        if self._on_stop is not None:
            self._on_stop()
        else:
            self.end(Reason.SHUTDOWN)

    def on_stop(self, call: Callable[[], None]) -> None:
        """Let a stream be told of the end of the instance in its own way."""
        self._on_stop = call

    def error_of(self, failure: BaseException) -> ProxyError:
        """Return what the client reads of a failure; raise it again when there is nobody to read it."""
        if isinstance(failure, ProxyError):
            return failure
        if isinstance(failure, asyncio.CancelledError) and self.reason is Reason.SHUTDOWN and self._task is not None:
            self._task.uncancel()
            return ShuttingDown()
        if isinstance(failure, Exception) and not isinstance(failure, ClientDisconnected):
            return log_unexpected(failure)
        raise failure

    async def __aenter__(self) -> Self:
        self._connection.on_lost(self._disconnected)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self._connection.on_lost(None)
        self.deadline.close()
        gone = self._is_gone(error)
        await self.stack.aclose()
        if not self.entry.is_written:
            outcome = "client_left" if gone and self.reason is not Reason.SHUTDOWN else "failed"
            self.entry.write(outcome=outcome, status=self.entry.status or CLIENT_CLOSED_REQUEST)
        if gone and self.reason is Reason.STALLED:
            self._connection.abort()
        elif gone and self.reason is Reason.SHUTDOWN:
            self._connection.close()
        return gone

    def stalled(self) -> None:
        """End because the client has stopped reading."""
        self.end(Reason.STALLED)

    def _disconnected(self) -> None:
        self.end(Reason.DISCONNECTED)

    def _is_gone(self, error: BaseException | None) -> bool:
        """Tell whether nothing more can be said to the client, and take the cancellation for it back."""
        if isinstance(error, ClientDisconnected):
            return True
        if self.reason is not None and isinstance(error, asyncio.CancelledError) and self._task is not None:
            self._task.uncancel()
            return True
        return False
