"""An Azure OpenAI that answers as the model's name says, holds on there, and knows when it was left.

It speaks through a plain socket, because a web framework hides when a connection ends and how much it takes.
"""

import asyncio
import re
import socket
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.load.scripts import IN_THE_MIDDLE, SCRIPTS, Arrival, Script

# `load-` and the script in the name of the model or of the file, `mark-` and a number anywhere: which request this is.
SCRIPT = re.compile(rb"load-([a-z]+)")
MARK = re.compile(rb"mark-(\d+)")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# What the system keeps of a stream that is not taken, on this side, in bytes.
SEND_BUFFER = 64 * 1024


class Connection(asyncio.Protocol):
    """One connection; it takes one request after the other."""

    def __init__(self, azure: "Azure") -> None:
        self._azure = azure
        self._buffer = b""
        self._script: asyncio.Task[None] | None = None
        self._arrival: Arrival | None = None
        self._transport: asyncio.Transport | None = None
        self.lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self._azure.open.add(self)
        self._azure.changed.set()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        asked, mark = SCRIPT.search(self._buffer), MARK.search(self._buffer)
        if not (separator and asked and mark) or self._script is not None:
            return
        length = _LENGTH.search(head)
        if asked[1] not in IN_THE_MIDDLE and length and len(body) < int(length[1]):
            return
        self._buffer = b""
        self._arrival = self._azure.arrivals[int(mark[1])]
        self._arrival.calls += 1
        self._arrival.arrived.set()
        self._script = asyncio.create_task(self._run(SCRIPTS[asked[1].decode()], self._arrival))

    def pause_writing(self) -> None:
        self._writable.clear()
        self._azure.paused += 1
        self._azure.changed.set()

    def resume_writing(self) -> None:
        self._writable.set()
        self._azure.paused -= 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._azure.open.discard(self)
        self.lost.set()
        if not self._writable.is_set():
            self.resume_writing()
        if self._script is not None:
            self._script.cancel()
        if self._arrival is not None:
            self._arrival.close()

    async def abort(self) -> None:
        """Break the connection, and the script with it."""
        assert self._transport is not None
        self._transport.abort()
        await self.lost.wait()

    def read_no_more(self) -> None:
        """Take nothing more from the other side."""
        assert self._transport is not None
        self._transport.pause_reading()

    async def write(self, data: bytes) -> None:
        """Write as soon as the other side takes it."""
        assert self._transport is not None
        await self._writable.wait()
        self._transport.write(data)
        if self._arrival is not None:
            self._arrival.sent += len(data)

    async def chunk(self, data: bytes) -> None:
        """Write one chunk of the body."""
        await self.write(b"%x\r\n%s\r\n" % (len(data), data))

    async def begin(self, kind: str = "text/event-stream") -> None:
        """Write the head of a body without a length."""
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        await self.write(head.encode())

    async def _run(self, script: Script, arrival: Arrival) -> None:
        await script(self, arrival)
        arrival.end()
        self._script = None


class Azure:
    """Serves the scripts; `arrivals` are its requests by their marks, `paused` counts connections that take no more."""

    def __init__(self) -> None:
        self.url = ""
        self.arrivals: defaultdict[int, Arrival] = defaultdict(Arrival)
        self.open: set[Connection] = set()
        self.paused = 0
        self.changed = asyncio.Event()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Azure"]:
        """Serve on a free port; `url` tells where."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self), "127.0.0.1", 0, backlog=1024)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for connection in tuple(self.open):
                await connection.abort()

    async def arrived(self, mark: int) -> Arrival:
        """Return the request with this mark as soon as it is here."""
        arrival = self.arrivals[mark]
        await arrival.arrived.wait()
        return arrival

    async def opened(self, before: set[Connection]) -> Connection:
        """Return a connection that was not there before as soon as there is one."""
        while not (new := self.open - before):
            self.changed.clear()
            await self.changed.wait()
        return new.pop()

    async def until_paused(self, connections: int) -> None:
        """Return as soon as so many connections take no more."""
        while self.paused < connections:
            self.changed.clear()
            await self.changed.wait()
