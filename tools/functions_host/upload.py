"""The client's body on its way to the worker: read whole when its length is known, streamed when it is chunked."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from aiohttp import ClientResponse, web


class BodyTooLarge(Exception):
    """The body is over the host's limit."""


class Upload(Protocol):
    """A body to forward."""

    @property
    def body(self) -> AsyncIterator[bytes] | None:
        """Return the pieces to send; None for no body."""
        ...

    async def ended(self, leg: ClientResponse) -> None:
        """Return once the client has sent everything; raise BodyTooLarge."""
        ...


class WholeUpload:
    """A body that the host holds in memory before the worker gets the request."""

    def __init__(self, pieces: deque[bytes]) -> None:
        self._pieces = pieces

    @property
    def body(self) -> AsyncIterator[bytes] | None:
        """Return the pieces, each dropped as it is sent."""
        return self._send() if self._pieces else None

    async def ended(self, leg: ClientResponse) -> None:
        """Return at once: the client ended before the worker began."""

    async def _send(self) -> AsyncIterator[bytes]:
        while self._pieces:
            yield self._pieces.popleft()


class StreamedUpload:
    """A chunked body that passes as it comes, never more than one read ahead."""

    def __init__(self, request: web.BaseRequest, limit: int, on_activity: Callable[[], None]) -> None:
        self._request = request
        self._left = limit
        self._on_activity = on_activity
        self._finished = asyncio.Event()
        self._too_large = False

    @property
    def body(self) -> AsyncIterator[bytes] | None:
        """Return the pieces as they come."""
        return self

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if piece := await self._read():
            return piece
        raise StopAsyncIteration

    async def ended(self, leg: ClientResponse) -> None:
        """Wait for the client's last byte; after the worker's answer is complete, read the rest of the body."""
        if not self._finished.is_set():
            answered = asyncio.ensure_future(leg.content.wait_eof())
            finished = asyncio.ensure_future(self._finished.wait())
            try:
                await asyncio.wait({answered, finished}, return_when=asyncio.FIRST_COMPLETED)
                if answered.done():
                    answered.result()
            finally:
                answered.cancel()
                finished.cancel()
        while not self._finished.is_set():
            await self._read()
        if self._too_large:
            raise BodyTooLarge

    async def _read(self) -> bytes:
        if self._too_large:
            raise BodyTooLarge
        piece = await self._request.content.readany()
        self._on_activity()
        self._left -= len(piece)
        self._too_large = self._left < 0
        if self._too_large or not piece:
            self._finished.set()
        if self._too_large:
            raise BodyTooLarge
        return piece


async def read_whole(request: web.BaseRequest) -> WholeUpload:
    """Read a body of known length (none is a body of length zero)."""
    pieces: deque[bytes] = deque()
    if request.can_read_body:
        await answer_expectation(request)
        while piece := await request.content.readany():
            pieces.append(piece)
    return WholeUpload(pieces)


async def answer_expectation(request: web.BaseRequest) -> None:
    """Answer `Expect: 100-continue`, as the host does once it wants the body, unless that comes already."""
    begun = request.content.is_eof() or request.content.total_bytes
    if request.headers.get("Expect", "").lower() == "100-continue" and not begun:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # what follows is the first of the answer


def is_chunked(request: web.BaseRequest) -> bool:
    """Tell whether the body's length is known only at its end."""
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower()


def is_over(request: web.BaseRequest, limit: int) -> bool:
    """Tell whether the announced length is over the limit."""
    return (request.content_length or 0) > limit
