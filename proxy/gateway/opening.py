"""The head of an answer: when it leaves, and what the client hears while there is nothing to tell."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any

from proxy.azure_api.headers import EVENTS
from proxy.edge.delivery import KEEP_ALIVE
from proxy.edge.request_log import write_surprise
from proxy.errors import ProxyError, ShuttingDown, UpstreamError, UpstreamTimeout
from proxy.gateway.answers import Stream
from proxy.values import BodyStream, Response

NO_STREAM = "Azure OpenAI answered without the stream that was asked for."
_TOO_LATE = (
    "Azure OpenAI did not answer in time. Ask for a stream, which has more time than a whole answer, or use the "
    "background mode of the Responses API."
)


class Opening:
    """What is known of an answer before its head has left: whether it is a stream, and how long it may take.

    `end` is the time of the loop by which everything must be over. In seconds: `first_byte` bounds the wait for an
    answer that is no stream, from the moment at which the request has left for the first time; `idle` is how long a
    target may take nothing of a body that is sent, and `head` how long one of several may leave a stream silent.
    """

    def __init__(self, *, end: float, first_byte: float, idle: float, head: float) -> None:
        self.end = end
        self._first_byte = first_byte
        self._idle = idle
        self._head = head
        self._shares = 1
        self._whole_by: float | None = None
        self._timer: asyncio.Timeout | None = None
        self._now = asyncio.get_running_loop().time
        self.streams = asyncio.Event()

    def share(self, targets: int) -> None:
        """Give each of the targets its share of the time: the next one is asked when one is silent for so long."""
        self._shares = targets

    @contextlib.asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Raise `UpstreamTimeout` when an attempt takes too long."""
        try:
            async with asyncio.timeout_at(self._due()) as self._timer:
                yield
        except TimeoutError:
            raise UpstreamTimeout(_TOO_LATE) from None
        finally:
            self._timer = None

    def moves(self) -> None:
        """Note that Azure takes more of the body."""
        if self._timer is not None:
            self._timer.reschedule(min(self.end, self._now() + self._idle))

    def sent(self) -> None:
        """Begin to wait for Azure."""
        if self._whole_by is None:
            self._whole_by = self._now() + self._first_byte
        if self._timer is not None:
            self._timer.reschedule(self._due())

    def is_stream(self) -> None:
        """Give the answer all the time there is: its head can leave before its first word."""
        self.streams.set()
        if self._timer is not None:
            self._timer.reschedule(self._due())

    def _due(self) -> float:
        if self._whole_by is None:
            return self.end
        streams = self.streams.is_set()
        due = self.end if streams else min(self.end, self._whole_by)
        if self._shares == 1:
            return due
        return min(due, self._now() + (self._head if streams else self._first_byte / self._shares))


async def begin_stream(
    work: Coroutine[Any, Any, Response],
    opening: Opening,
    failed: Callable[[ProxyError], bytes],
    left: Callable[[], None],
    *,
    patience: float,
    keep_alive: float,
) -> Response:
    """Return the answer or, after `patience` seconds of silence, the head of a stream that waits for it.

    Until the head has left, an error of Azure can become a real status: what the work raises is raised. Behind it
    `failed` encodes an error for the stream, and notes it; `left` notes that the client has left.
    """
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task}, timeout=patience)
        if not task.done():
            await _until_stream(task, opening)
    except BaseException:
        await _abandon(task)
        raise
    if task.done():
        return task.result()
    late = _Late(task, failed, left)
    body = Stream(late.chunks(), abandon=late.abandon, stop=late.stop)
    return Response(status=200, headers=EVENTS, body=body, keep_alive=keep_alive)


async def _until_stream(task: asyncio.Task[Response], opening: Opening) -> None:
    """Wait until the answer is there or known to be a stream, which a form does not tell before Azure does."""
    told = asyncio.ensure_future(opening.streams.wait())
    try:
        await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()


class _Late:
    """The body of an answer whose head has left before it."""

    def __init__(
        self, task: asyncio.Task[Response], failed: Callable[[ProxyError], bytes], left: Callable[[], None]
    ) -> None:
        self._task = task
        self._failed = failed
        self._left = left
        self._abandoning: asyncio.Task[None] | None = None

    def abandon(self) -> None:
        """End the work for a body that nobody has begun to read."""
        self._left()
        self._abandoning = asyncio.create_task(_abandon(self._task))

    def stop(self) -> None:
        """End with an error for the client."""
        if not self._task.cancel() and (body := _body_of(self._task)) is not None:
            body.stop()

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield what comes, or the error in its place."""
        task = self._task
        try:
            yield KEEP_ALIVE
            await asyncio.wait({task})
        except BaseException:
            self._left()
            await _abandon(task)
            raise
        if (error := self._error()) is not None:
            yield self._failed(error)
        elif (body := _body_of(task)) is not None:
            async with contextlib.aclosing(body):
                async for chunk in body:
                    yield chunk

    def _error(self) -> ProxyError | None:
        if self._task.cancelled():
            return ShuttingDown()
        error = self._task.exception()
        if error is None:
            return UpstreamError(NO_STREAM) if _body_of(self._task) is None else None
        return error if isinstance(error, ProxyError) else write_surprise(error)


def _body_of(task: asyncio.Task[Response]) -> BodyStream | None:
    """Return the stream that a task has brought."""
    if task.cancelled() or task.exception() is not None:
        return None
    body = task.result().body
    return None if isinstance(body, bytes) else body


async def _abandon(task: asyncio.Task[Response]) -> None:
    """End the work and, if it has just brought an answer, close that."""
    task.cancel()
    await asyncio.wait({task})
    if (body := _body_of(task)) is not None:
        await body.aclose()
