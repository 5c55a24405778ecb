"""The head of an answer: when it leaves, and what the client hears while there is nothing to tell."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any

from proxy.edge.delivery import KEEP_ALIVE
from proxy.errors import ProxyError, UpstreamTimeout
from proxy.gateway.answers import Stream
from proxy.messages import Response
from proxy.translation.headers import EVENTS

_TOO_LATE = (
    "Azure OpenAI did not answer in time. Ask for a stream, which has more time than a whole answer, or use the "
    "background mode of the Responses API."
)


class Opening:
    """What is known of an answer before its head has left: whether it is a stream, and how long it may take.

    `end` is the time of the loop by which everything must be over; `first_byte` is in seconds and bounds the wait for
    an answer that is no stream, from the moment at which the request has left.
    """

    def __init__(self, *, end: float, first_byte: float) -> None:
        self.end = end
        self._first_byte = first_byte
        self._timer: asyncio.Timeout | None = None
        self.streams = asyncio.Event()

    @contextlib.asynccontextmanager
    async def bounded(self) -> AsyncIterator[None]:
        """Raise `UpstreamTimeout` when it takes too long."""
        try:
            async with asyncio.timeout_at(self.end) as self._timer:
                yield
        except TimeoutError:
            raise UpstreamTimeout(_TOO_LATE) from None

    def sent(self) -> None:
        """Begin to wait for Azure."""
        if self._timer is not None and not self.streams.is_set():
            self._timer.reschedule(min(self.end, asyncio.get_running_loop().time() + self._first_byte))

    def is_stream(self) -> None:
        """Give the answer all the time there is: its head can leave before its first word."""
        self.streams.set()
        if self._timer is not None:
            self._timer.reschedule(self.end)


async def begin_stream(
    work: Coroutine[Any, Any, Response],
    opening: Opening,
    failed: Callable[[ProxyError], bytes],
    *,
    patience: float,
    keep_alive: float,
) -> Response:
    """Return the answer or, after `patience` seconds of silence, the head of a stream that waits for it.

    Until the head has left, an error of Azure can become a real status.

    `failed` encodes an error for the stream, and notes it. Raises what the work raises while the head can still say it.
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
    body = Stream(_late(task, failed), lambda: asyncio.ensure_future(_abandon(task)))
    return Response(status=200, headers=EVENTS, body=body, keep_alive=keep_alive)


async def _until_stream(task: asyncio.Task[Response], opening: Opening) -> None:
    """Wait until the answer is there or known to be a stream, which a form does not tell before Azure does."""
    told = asyncio.ensure_future(opening.streams.wait())
    try:
        await asyncio.wait({task, told}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        told.cancel()


async def _late(task: asyncio.Task[Response], failed: Callable[[ProxyError], bytes]) -> AsyncGenerator[bytes, None]:
    try:
        yield KEEP_ALIVE
        await asyncio.wait({task})
    finally:
        if not task.done():
            await _abandon(task)
    try:
        answer = task.result()
    except ProxyError as error:
        yield failed(error)
        return
    if isinstance(answer.body, bytes):
        yield failed(UpstreamTimeout(_TOO_LATE))
        return
    async with contextlib.aclosing(answer.body) as body:
        async for chunk in body:
            yield chunk


async def _abandon(task: asyncio.Task[Response]) -> None:
    """End the work and, if it has just brought an answer, close that."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is None and not isinstance(task.result().body, bytes):
        await task.result().body.aclose()  # type: ignore[union-attr]
