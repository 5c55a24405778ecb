"""The upstream: it answers with the bytes of a case, and keeps what came and how each connection ended."""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager

import trustme

from tests.oracle import normalise
from tests.oracle.board import Running
from tests.oracle.case import Address, End, Mark, Reads, Reply, Resource, Send, Sleep, UpstreamStep, Wait
from tests.oracle.normalise import Addresses

HOLD = 8.0
"""Seconds for which a connection waits for the app to close it."""
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then sends RST: socket(7)
# Seconds after which the app knows that the connection stands.
_STANDS = 0.03
# The same until the app knows that its upload is over.
_UPLOADED = 0.05
_NOT_FOUND = b"HTTP/1.1 599 Nobody\r\ncontent-length: 0\r\n\r\n"
Find = Callable[[bytes, bool], Running | None]


class Gone(Exception):
    """The app has closed the connection."""


class Connection(asyncio.Protocol):
    """One connection of the app."""

    def __init__(self, accept: Callable[["Connection"], None]) -> None:
        self._accept = accept
        self._received = bytearray()
        self._change = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self.how = ""
        self.running: Running | None = None
        self.last: dict[str, object] | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(high=0)  # So that what was sent has left.
        self.transport = transport
        self._accept(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        self._change.set()

    def eof_received(self) -> bool:
        self._ends("closed by the app")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        # Whether a close shows as a reset depends on what was still on its way.
        self._ends("closed by the app")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def _ends(self, how: str) -> None:
        self.how = self.how or how
        self._change.set()
        self._writable.set()
        if self.running is not None:
            self.running.board.mark("closed")

    async def write(self, data: bytes) -> None:
        """Send; raise Gone when the app does not listen any more."""
        await asyncio.sleep(0)  # That the app has left shows when the loop turns.
        await self._writable.wait()
        if self.how:
            raise Gone
        self.transport.write(data)
        await self._writable.wait()

    async def until(self, mark: bytes) -> bytes:
        """Return the bytes up to and with a mark."""
        start = 0
        while (at := self._received.find(mark, start)) < 0:
            start = max(0, len(self._received) - len(mark))
            await self._more()
        return self._take(at + len(mark))

    async def exactly(self, size: int) -> bytes:
        """Return so many bytes."""
        while len(self._received) < size:
            await self._more()
        return self._take(size)

    async def gone(self) -> None:
        """Return when the app has closed the connection."""
        while not self.how:
            self._received.clear()
            self._change.clear()
            await self._change.wait()

    def rest(self) -> bytes:
        """Return what has come of a request that is not complete."""
        return self._take(len(self._received))

    def _take(self, size: int) -> bytes:
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    async def _more(self) -> None:
        if self.how:
            raise Gone
        self._change.clear()
        await self._change.wait()

    def close(self) -> None:
        self.how = self.how or "closed by the upstream"
        self.transport.close()

    def reset(self) -> None:
        self.how = self.how or "reset by the upstream"
        endpoint: socket.socket | None = self.transport.get_extra_info("socket")
        if endpoint is not None and not self.transport.is_closing():
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.transport.abort()


class Upstream:
    """Serves one resource of a group; `find` tells to which case a request belongs."""

    def __init__(self, resource: Resource, find: Find, addresses: Addresses) -> None:
        self.resource = resource
        self.url = ""
        self.strangers: list[dict[str, object]] = []
        self.greeted = 0
        self.busy = 0
        self.app_ends = False
        self._find = find
        self._addresses = addresses
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> int:
        """Return how many connections stand."""
        return sum(not one.how for one in self._open)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["Upstream"]:
        """Serve on a free port."""
        if self.resource.address in (Address.REFUSES, Address.UNROUTABLE):
            with ExitStack() as sockets:
                self._hold_port(sockets)
                yield self
            return
        tls = _stranger() if self.resource.address is Address.TLS else None
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(self._accept), "127.0.0.1", 0, ssl=tls, backlog=1024)
        try:
            self._learn(server.sockets[0].getsockname()[1])
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            for connection in self._open:
                connection.transport.abort()

    def _hold_port(self, sockets: ExitStack) -> None:
        held = sockets.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        self._learn(held.getsockname()[1])
        if self.resource.address is Address.UNROUTABLE:
            held.listen(0)
            # The queue is full with these; Linux then lets the next ones wait.
            for _ in range(3):
                waiting = sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(held.getsockname())

    def _learn(self, port: int) -> None:
        self.url = f"{self.resource.scheme}://127.0.0.1:{port}"
        self._addresses.add(port, self.resource.name)

    def _accept(self, connection: Connection) -> None:
        self._open.add(connection)
        task = asyncio.create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection: Connection) -> None:
        try:
            if self.resource.greeting is not None:
                self.greeted += 1
                if self.resource.greeting.end is End.RESET:
                    await asyncio.sleep(_STANDS)
                await self._play(self.resource.greeting, connection, None)
                return
            while await self._answer(connection):
                pass
        except Gone:
            pass
        finally:
            connection.close()

    async def _answer(self, connection: Connection) -> bool:
        """Answer one request; tell whether another may come."""
        head = await self._head(connection)
        seen: dict[str, object] = {"resource": self.resource.name, **self._read_head(head)}
        running = self._find(head, bool(self.resource.standing))
        if running is None:
            self.strangers.append(seen)
            seen["body"] = normalise.body(await _body(connection, head), self._addresses)
            first = head.partition(b"\r\n")[0].decode("latin-1")
            reply = next((reply for text, reply in self.resource.standing if text in first), Reply((Send(_NOT_FOUND),)))
            await self._play(reply, connection, None)
            return reply.end is End.REUSE
        return await self._answer_for(running, connection, head, seen)

    async def _head(self, connection: Connection) -> bytes:
        try:
            return await connection.until(b"\r\n\r\n")
        except Gone:
            if connection.last is not None and not self.app_ends:
                connection.last["connection"] = connection.how
            raise

    async def _answer_for(self, running: Running, connection: Connection, head: bytes, seen: dict[str, object]) -> bool:
        """Answer a request of a case, and keep what became of its connection."""
        running.upstream.append(seen)
        running.board.mark("asked head")
        running.busy += 1
        self.busy += 1
        connection.running = running
        try:
            again = await self._reply(self._next_reply(running), running, connection, head, seen)
        except Gone:
            seen["connection"] = connection.how
            raise
        finally:
            connection.running = None
            running.busy -= 1
            self.busy -= 1
            running.board.mark("answered")
        seen["connection"] = "kept" if again else connection.how or "still open"
        connection.last = seen
        return again

    def _next_reply(self, running: Running) -> Reply:
        name = self.resource.name
        replies = running.case.replies.get(name) or (Reply((Send(_NOT_FOUND),)),)
        number = min(running.replied[name], len(replies) - 1)
        running.replied[name] += 1
        return replies[number]

    async def _reply(
        self, reply: Reply, running: Running, connection: Connection, head: bytes, seen: dict[str, object]
    ) -> bool:
        if reply.reads is Reads.ALL:
            await self._take_body(connection, head, seen)
            if _uploads(head):
                await asyncio.sleep(_UPLOADED)
        running.board.mark("asked")
        await self._play(reply, connection, running)
        if reply.end is End.REUSE and reply.reads is not Reads.ALL:
            await self._take_body(connection, head, seen)
        return reply.end is End.REUSE

    async def _take_body(self, connection: Connection, head: bytes, seen: dict[str, object]) -> None:
        try:
            seen["body"] = normalise.body(await _body(connection, head), self._addresses)
        except Gone:
            seen["body"] = "not complete"
            raise

    async def _play(self, reply: Reply, connection: Connection, running: Running | None) -> None:
        for step in reply.steps:
            await _step(step, connection, running)
        if reply.end is End.CLOSE:
            connection.close()
        elif reply.end is End.RESET:
            connection.reset()
        elif reply.end is End.HOLD:
            try:
                async with asyncio.timeout(HOLD):
                    await connection.gone()
            except TimeoutError:
                connection.how = "still open"

    def _read_head(self, head: bytes) -> dict[str, object]:
        line, _, rest = head.partition(b"\r\n")
        method, _, target = line.rpartition(b" ")[0].partition(b" ")
        pairs = [(one.partition(b":")[0], one.partition(b":")[2].strip()) for one in rest.split(b"\r\n") if one]
        return {
            "method": method.decode("latin-1"),
            "target": self._addresses.text(target.decode("latin-1")),
            "headers": normalise.headers(pairs, self._addresses),
        }


async def _step(step: UpstreamStep, connection: Connection, running: Running | None) -> None:
    if isinstance(step, Send):
        for _ in range(step.times):
            await connection.write(step.data)
    elif isinstance(step, Sleep):
        await _sleep(step.seconds, connection)
    elif running is not None and isinstance(step, Mark):
        running.board.mark(step.name if step.name.startswith("all ") else f"gate {step.name}")
    elif running is not None and isinstance(step, Wait):
        happened = await running.board.wait(step.event, step.count, step.seconds)
        running.board.notes.append(f"upstream: {step.event}: {happened}")


async def _sleep(seconds: float, connection: Connection) -> None:
    """Wait, but not for an app that has left."""
    try:
        async with asyncio.timeout(seconds):
            await connection.gone()
    except TimeoutError:
        return
    raise Gone


_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)

# What passes while it comes, whatever it is.
_PASSING = re.compile(rb"^[A-Z]+ \S*/(?:unknown|videos|containers|uploads|files|calls)\b")
_JSON = re.compile(rb"\r\ncontent-type: *application/json", re.IGNORECASE)


def _uploads(head: bytes) -> bool:
    """Tell whether the app may have sent the body piece by piece."""
    if _CHUNKED.search(head) or _PASSING.search(head):
        return True
    return _LENGTH.search(head) is not None and not _JSON.search(head)


async def _body(connection: Connection, head: bytes) -> bytes:
    if length := _LENGTH.search(head):
        return await connection.exactly(int(length[1]))
    parts: list[bytes] = []
    if _CHUNKED.search(head):
        while size := int((await connection.until(b"\r\n")).split(b";")[0], 16):
            parts.append(await connection.exactly(size))
            await connection.exactly(2)
        await connection.exactly(2)
    return b"".join(parts)


def _stranger() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context
