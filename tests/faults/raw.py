"""Upstreams made of plain sockets: they send the bytes of a test, and end or do not end as it says."""

import asyncio
import contextlib
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then sends RST: socket(7)
# A connection that nobody closes within this many seconds is left open.
PATIENCE = 30.0


class End(Enum):
    """What comes behind the bytes."""

    STAY = "the connection stays open until the client closes it"
    CLOSE = "the connection is closed"
    RESET = "the connection is reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What is sent in answer to one request.

    There are `pause` seconds between the parts. `whole` tells that it is an answer of HTTP behind which the connection
    can be used again; `at_once` that the server waits for no request, `early` that it does not wait for its body;
    `held` that the end waits until the client has read something of the answer: a reset overtakes what came before.
    `last` are bytes that come only then.
    """

    parts: tuple[bytes, ...] = ()
    pause: float = 0.0
    end: End = End.STAY
    whole: bool = False
    at_once: bool = False
    early: bool = False
    held: bool = False
    last: bytes = b""


class Upstream:
    """Serve one play on the loopback, chosen by the bytes of the request.

    `attempts` are the requests that came, or the connections where nobody waits for requests; None where they cannot be
    counted. `hear` tells that the client has read something.
    """

    def __init__(
        self, choose: Callable[[bytes], Play], *, scheme: str = "http", tls: ssl.SSLContext | None = None
    ) -> None:
        self.url = ""
        self.heard = asyncio.Event()
        self.requests: list[bytes] = []
        self._choose = choose
        self._scheme = scheme
        self._tls = tls
        self._busy: set[asyncio.Task[None] | None] = set()
        self._connected: set[asyncio.Task[None] | None] = set()
        self._changed = asyncio.Event()

    @property
    def attempts(self) -> int | None:
        """Return how often it was asked."""
        return len(self.requests)

    def hear(self) -> None:
        """Take in that the client has read something."""
        self.heard.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Upstream"]:
        """Serve on a free port; `url` tells where."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            self.url = f"{self._scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def left_open(self, *, idle: bool) -> int:
        """Return how many connections nobody closed, those that wait for another request only if `idle`."""
        connections = self._connected if idle else self._busy
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while connections:
                    self._changed.clear()
                    await self._changed.wait()
        return len(connections)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        self._connected.add(me)
        try:
            if self._tls is not None:
                self.requests.append(b"")
                await writer.start_tls(self._tls)
            while await self._answer(reader, writer, me):
                self._busy.discard(me)
                self._changed.set()
        except (OSError, asyncio.IncompleteReadError):
            pass  # The client has closed the connection.
        finally:
            writer.close()
            self._busy.discard(me)
            self._connected.discard(me)
            self._changed.set()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, me: asyncio.Task[None] | None
    ) -> bool:
        """Answer one request; tell whether another one may come."""
        play = self._choose(b"")
        head = b"" if play.at_once else await reader.readuntil(b"\r\n\r\n")
        body = b"" if play.at_once or play.early else await _body(reader, head)
        self._busy.add(me)
        self.requests.append(head + body)
        play = self._choose(head + body)
        for number, part in enumerate(play.parts):
            if number and play.pause:
                await _pause(reader, play.pause)
            writer.write(part)
            await writer.drain()
        if play.held:
            async with asyncio.timeout(PATIENCE):
                await self.heard.wait()
        if play.last:
            writer.write(play.last)
            await writer.drain()
        if play.end is End.RESET:
            reset(writer)
        elif play.end is End.STAY and not play.whole:
            await _closed(reader)
        return play.whole and play.end is End.STAY


async def _pause(reader: asyncio.StreamReader, seconds: float) -> None:
    """Wait, but not for a client that has left."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await _closed(reader)
            raise ConnectionResetError


async def _closed(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if length := _LENGTH.search(head):
        return await reader.readexactly(int(length[1]))
    return await reader.readuntil(b"0\r\n\r\n") if _CHUNKED.search(head) else b""


def reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a TCP reset."""
    endpoint: socket.socket = writer.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()


class Dead:
    """An address where nobody answers: it refuses, or without `refuses` lets every connection wait."""

    def __init__(self, *, refuses: bool) -> None:
        self.url = ""
        self._refuses = refuses

    @property
    def attempts(self) -> int | None:
        """Return that nobody can count."""
        return None

    def hear(self) -> None:
        """Do nothing: nobody waits for it."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Dead"]:
        """Hold a port; `url` tells which."""
        with contextlib.ExitStack() as sockets:
            held = sockets.enter_context(socket.socket())
            held.bind(("127.0.0.1", 0))
            self.url = f"http://127.0.0.1:{held.getsockname()[1]}"
            if not self._refuses:
                held.listen(0)
                # The queue is full with these; Linux then lets the next ones wait.
                for _ in range(3):
                    waiting = sockets.enter_context(socket.socket())
                    waiting.setblocking(False)
                    waiting.connect_ex(held.getsockname())
            yield self

    async def left_open(self, *, idle: bool) -> int:
        """Return that there is none."""
        return 0
