"""The client's side of a request: its body as it comes, and its leaving before the answer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Self

from starlette.requests import ClientDisconnect

from proxy.errors import BodyTooLarge, InvalidRequest, RequestTimeout, UnsupportedEncoding
from proxy.messages import Request

# A client that sends nothing for this long, in seconds, in the middle of its own body has gone.
BODY_STALL = 30.0

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def read_body(request: Request, limit: int, end: float) -> bytes:
    """Return the client's body; `limit` is in bytes, `end` is the time of the loop by which it must be here.

    Raises `BodyTooLarge`, before reading where the length is told, `RequestTimeout` and `UnsupportedEncoding`.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedEncoding("The body of your request must not be compressed.")
    if _told_length(request) > limit:
        raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
    parts: list[bytes] = []
    size = 0
    try:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(min(end, loop.time() + BODY_STALL)) as stall:
            async for part in request.body:
                size += len(part)
                if size > limit:
                    raise BodyTooLarge(f"The body of your request is larger than {limit} bytes.")
                parts.append(part)
                stall.reschedule(min(end, loop.time() + BODY_STALL))
    except TimeoutError:
        raise RequestTimeout("The body of your request did not arrive in time.") from None
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _told_length(request: Request) -> int:
    told = request.headers.get("content-length", "0")
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
        self.left = False

    async def watched(self, body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """Yield the body, then begin to watch."""
        try:
            async for part in body:
                if part:
                    yield part
        except ClientDisconnect:
            self.left = True
            raise asyncio.CancelledError from None
        self.watch()

    def watch(self) -> None:
        """Begin to watch, on behalf of the task that runs now."""
        handler = asyncio.current_task()
        if handler is not None:
            self._watcher = asyncio.create_task(self._watch(handler))

    async def _watch(self, handler: asyncio.Task[Any]) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        handler.cancel()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if self._watcher is not None:
            self._watcher.cancel()
        handler = asyncio.current_task()
        if not self.left or handler is None:
            return False
        handler.uncancel()
        return isinstance(error, asyncio.CancelledError)
