"""One keep-alive connection that costs the machine as little as it can: bytes out, two moments in."""

import asyncio
import re
import time
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_BODY_END = b"\r\n0\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# Where a model's first words begin in an event.
_CONTENT = b'"content":" '
_TAIL = 64  # enough for the end of a stream: `[DONE]` and the last chunk


@dataclass(frozen=True, slots=True)
class Exchange:
    """How a request went: its status, seconds to the first byte and to the first words, and the last bytes."""

    status: int
    first_chunk: float
    first_content: float
    tail: bytes


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[None] | None = None
        self._begun: asyncio.Future[None] | None = None
        self._forget()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    async def exchange(self, request: bytes) -> Exchange:
        """Send a request and wait for the end of its answer."""
        self._done = asyncio.get_running_loop().create_future()
        started = self._send(request)
        await self._done
        return Exchange(self._status, self._first - started, self._content - started, self._tail)

    async def begin(self, request: bytes) -> None:
        """Send a request and wait only for the first byte of the answer's body."""
        self._begun = asyncio.get_running_loop().create_future()
        self._send(request)
        await self._begun
        assert self._status == 200

    def close(self) -> None:
        """Leave."""
        assert self._transport
        self._transport.close()

    def _send(self, request: bytes) -> float:
        assert self._transport
        self._forget()
        started = time.perf_counter()
        self._transport.write(request)
        return started

    def _forget(self) -> None:
        self._head, self._tail = b"", b""
        self._status, self._length, self._received = 0, -1, 0
        self._first = self._content = 0.0

    def data_received(self, data: bytes) -> None:
        if not self._status:
            data = self._take_head(data)
        if data and not self._received:
            self._first = time.perf_counter()
            if self._begun and not self._begun.done():
                self._begun.set_result(None)
        if not self._content and _CONTENT in data:
            self._content = time.perf_counter()
        self._received += len(data)
        self._tail = (self._tail + data[-_TAIL:])[-_TAIL:]
        complete = self._tail.endswith(_BODY_END) if self._length < 0 else self._received >= self._length
        if self._status and complete and self._done and not self._done.done():
            self._done.set_result(None)

    def _take_head(self, data: bytes) -> bytes:
        self._head += data
        head, separator, body = self._head.partition(_HEAD_END)
        if not separator:
            return b""
        self._status = int(head[9:12])
        length = _LENGTH.search(head)
        self._length = int(length[1]) if length else -1
        return body

    def connection_lost(self, exc: Exception | None) -> None:
        for waiter in (self._done, self._begun):
            if waiter and not waiter.done():
                waiter.set_exception(ConnectionError("The connection to the worker ended."))


async def connect(host: str, port: int) -> Connection:
    """Open a connection."""
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
    return connection
