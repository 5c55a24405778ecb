"""The client's side of a request: its body as it comes, and its leaving before the answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from starlette.requests import ClientDisconnect

from proxy.errors import BodyTooLarge, InvalidRequest, RequestTimeout, UnsupportedEncoding
from proxy.values import STOPPED, Request

# A client that sends nothing for this long, in seconds, in the middle of its own body has gone.
BODY_STALL = 30.0
_TOO_SLOW = "The body of your request did not arrive in time."

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def read_body(request: Request, limit: int, end: float) -> bytes:
    """Return the client's body; `limit` is in bytes, `end` is the time of the loop by which it must be here.

    Raises `BodyTooLarge`, before reading where the length is told, `RequestTimeout` and `UnsupportedEncoding`.
    """
    if (told_length(request) or 0) > limit:
        raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
    _check_encoding(request)
    parts: list[bytes] = []
    size, now = 0, asyncio.get_running_loop().time
    try:
        async with asyncio.timeout_at(min(end, now() + BODY_STALL)) as timer:
            async for part in request.body:
                size += len(part)
                if size > limit:
                    raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
                parts.append(part)
                timer.reschedule(min(end, now() + BODY_STALL))
    except TimeoutError:
        raise RequestTimeout(_TOO_SLOW) from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


async def body_parts(request: Request, end: float) -> AsyncIterator[bytes]:
    """Yield the client's body as it comes, until the time `end` of the loop.

    Raises `RequestTimeout` when it stops coming and `UnsupportedEncoding` when it is compressed.
    """
    _check_encoding(request)
    loop = asyncio.get_running_loop()
    while True:
        try:
            async with asyncio.timeout_at(min(end, loop.time() + BODY_STALL)):
                part = await anext(request.body, None)
        except TimeoutError:
            raise RequestTimeout(_TOO_SLOW) from None
        if part is None:
            return
        yield part


def _check_encoding(request: Request) -> None:
    if request.headers.get("content-encoding", "").lower() not in ("", "identity"):
        raise UnsupportedEncoding("The body of your request must not be compressed.")


def told_length(request: Request) -> int | None:
    """Return the length of the body as the client tells it, in bytes; raise `InvalidRequest` when it is no number."""
    told = request.headers.get("content-length")
    if told is None:
        return None
    if not (told.isascii() and told.isdigit() and len(told) < 19):
        raise InvalidRequest("The Content-Length of your request is not a number.")
    return int(told)


class Departure:
    """Ends what is done for a client when the client leaves: before the headers of the answer, or within a stream.

    Before the headers the platform cancels nothing by itself, and Azure would go on working for nobody. Leaving shows
    only in the events of the connection, and those before the end of the body are the body: the watch begins behind it.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watcher: asyncio.Task[None] | None = None
        self._handler: asyncio.Task[Any] | None = None
        self.left = False

    async def watched(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the body, then begin to watch."""
        try:
            async for part in body:
                if part:
                    yield part
        except ClientDisconnect:
            self._leave()
            raise asyncio.CancelledError from None
        self.watch()

    def watch(self) -> None:
        """Begin to watch."""
        self._watcher = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._leave()

    def stop(self) -> None:
        """End what is done for the client, as the instance is about to end."""
        if self._handler is not None:
            self._handler.cancel(STOPPED)

    def _leave(self) -> None:
        self.left = True
        if self._handler is not None and self._handler is not asyncio.current_task():
            self._handler.cancel()

    async def __aenter__(self) -> Self:
        # The body may be read by another task, which sends it on.
        self._handler = asyncio.current_task()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._watcher is not None:
            self._watcher.cancel()
        if not self.left or self._handler is None:
            return False
        self._handler.uncancel()
        return isinstance(error, asyncio.CancelledError)
