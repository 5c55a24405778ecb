"""A client that disconnects is noticed at once, by the protocol of a real server on the loopback."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from uvicorn.server import ServerState

from proxy.server.connection import connection_of
from proxy.server.worker_extension import Protocol
from proxy.values import Receive, Scope, Send
from tests.fakes.uvicorn_server import serving

HANG = 30.0
HELLO = b"GET /path HTTP/1.1\r\nhost: x\r\n\r\n"
MEGABYTE = 1024 * 1024

Work = Callable[[Receive, Send], Awaitable[None]]


class Application:
    """Does its work for each request, and notes which clients were lost and what the work ended with."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self.lost: list[str] = []
        self.one_is_lost = asyncio.Event()
        self.ended: list[str] = []
        self.one_has_ended = asyncio.Event()
        self.break_off: Callable[[], None] | None = None
        self.abort: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        self.break_off, self.abort = connection.close, connection.abort
        connection.on_lost(lambda: self._lose(scope["path"]))
        try:
            await self._work(receive, send)
        finally:
            self.ended.append(scope["path"])
            self.one_has_ended.set()

    def _lose(self, path: str) -> None:
        self.lost.append(path)
        self.one_is_lost.set()


class Client:
    """A client on a plain socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def reset(self) -> None:
        endpoint: socket.socket = self.writer.get_extra_info("socket")
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.writer.transport.abort()

    async def read_answer(self) -> bytes:
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return await self.reader.readexactly(length)


@asynccontextmanager
async def client_of(application: Application) -> AsyncIterator[Client]:
    async with asyncio.timeout(HANG), serving(application) as port:
        client = Client(*await asyncio.open_connection("127.0.0.1", port))
        try:
            yield client
        finally:
            client.writer.close()


async def answer(send: Send, body: bytes = b"hello") -> None:
    length = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def silent(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What uvicorn and asyncio log of a trouble, which should be nothing."""
    caplog.set_level(logging.WARNING)
    return caplog


@pytest.mark.parametrize("leave", [Client.reset, lambda client: client.writer.close()], ids=["reset", "closed"])
async def test_a_client_that_leaves_before_the_head_is_lost(
    leave: Callable[[Client], None], silent: pytest.LogCaptureFixture
) -> None:
    begun = asyncio.Event()

    async def work(receive: Receive, send: Send) -> None:
        begun.set()
        await application.one_is_lost.wait()

    application = Application(work)
    async with client_of(application) as client:
        client.writer.write(HELLO)
        await begun.wait()
        leave(client)
        await application.one_has_ended.wait()
    assert application.lost == ["/path"]
    assert silent.messages == []


async def test_a_client_that_leaves_in_the_middle_of_a_stream_is_lost(silent: pytest.LogCaptureFixture) -> None:
    async def work(receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"a", "more_body": True})
        await application.one_is_lost.wait()
        await send({"type": "http.response.body", "body": b"b", "more_body": True})

    application = Application(work)
    async with client_of(application) as client:
        client.writer.write(HELLO)
        await client.reader.readuntil(b"1\r\na\r\n")
        client.reset()
        await application.one_has_ended.wait()
    assert application.lost == ["/path"]
    assert silent.messages == []


async def test_a_client_that_leaves_while_it_uploads_is_lost_and_its_body_ends() -> None:
    messages: list[str] = []

    async def work(receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] == "http.request":
            messages.append(message["type"])
            half.set()

    application, half = Application(work), asyncio.Event()
    async with client_of(application) as client:
        client.writer.write(b"POST /upload HTTP/1.1\r\ncontent-length: 10\r\n\r\nhalf")
        await half.wait()
        client.reset()
        await application.one_has_ended.wait()
    assert application.lost == ["/upload"]
    assert messages == ["http.request"]


@pytest.mark.parametrize("reads", [True, False], ids=["was read", "was not read"])
async def test_a_client_that_leaves_behind_a_large_body_is_lost(reads: bool) -> None:
    """uvicorn stops reading within a large body, and does not see then that the client goes."""
    begun = asyncio.Event()

    async def work(receive: Receive, send: Send) -> None:
        size, more = 0, reads
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        assert size == (MEGABYTE if reads else 0)
        begun.set()
        await application.one_is_lost.wait()

    application = Application(work)
    async with client_of(application) as client:
        size = MEGABYTE if reads else 60_000
        client.writer.write(b"POST /large HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % size + bytes(size))
        await begun.wait()
        client.reset()
        await application.one_has_ended.wait()
    assert application.lost == ["/large"]


class Transport(asyncio.Transport):
    """A connection without a network, on which reading is paused or not."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False

    def write(self, data: object) -> None:
        """Send nothing."""


@asynccontextmanager
async def protocol_of(work: Work) -> AsyncIterator[tuple[Protocol, Transport]]:
    """Give a protocol to be fed, without a server around it; what still works at the end is cancelled."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await work(receive, send)

    state, transport = ServerState(), Transport()
    protocol = Protocol(uvicorn.Config(application, lifespan="off", log_config=None), state, {})
    protocol.connection_made(transport)
    async with asyncio.timeout(HANG):
        yield protocol, transport
    for task in tuple(state.tasks):
        task.cancel()
        await asyncio.wait({task})
    protocol._unset_keepalive_if_required()


async def test_reading_goes_on_behind_a_large_body_that_its_reader_has_waited_for() -> None:
    async def work(receive: Receive, send: Send) -> None:
        begun.set()
        sizes.append(len((await receive())["body"]))
        has_read.set()
        await asyncio.Event().wait()

    begun, has_read, sizes = asyncio.Event(), asyncio.Event(), list[int]()
    async with protocol_of(work) as (protocol, transport):
        protocol.data_received(b"POST /large HTTP/1.1\r\ncontent-length: 140000\r\n\r\n")
        await begun.wait()
        await asyncio.sleep(0)
        reads = []
        for _ in range(2):
            protocol.data_received(bytes(70_000))
            reads.append(transport.reads)
        await has_read.wait()
    assert (reads, sizes) == ([False, True], [140_000])


async def test_no_more_is_read_while_a_pipelined_request_waits() -> None:
    async def work(receive: Receive, send: Send) -> None:
        begun.set()
        await asyncio.Event().wait()

    begun = asyncio.Event()
    async with protocol_of(work) as (protocol, transport):
        protocol.data_received(HELLO)
        await begun.wait()
        reads = [transport.reads]
        protocol.data_received(HELLO)
        reads.append(transport.reads)
    assert reads == [True, False]


async def test_a_client_that_goes_after_its_answer_was_not_lost(silent: pytest.LogCaptureFixture) -> None:
    async def work(receive: Receive, send: Send) -> None:
        await receive()
        await answer(send)

    application = Application(work)
    async with client_of(application) as client:
        for _ in range(2):
            client.writer.write(HELLO)
            assert await client.read_answer() == b"hello"
        client.reset()
    assert application.ended == ["/path", "/path"]
    assert application.lost == []
    assert silent.messages == []


async def test_a_connection_that_idles_belongs_to_no_request() -> None:
    async def work(receive: Receive, send: Send) -> None:
        await answer(send)

    application = Application(work)
    async with client_of(application) as client:
        client.writer.write(HELLO)
        await client.read_answer()
        client.writer.write(b"GET /half-a-requ")
        await client.writer.drain()
        client.reset()
    assert application.lost == []


async def test_the_client_of_a_second_request_on_a_connection_is_lost_for_that_one_alone() -> None:
    async def work(receive: Receive, send: Send) -> None:
        if not application.ended:
            await answer(send)
        else:
            second.set()
            await application.one_is_lost.wait()

    application, second = Application(work), asyncio.Event()
    async with client_of(application) as client:
        client.writer.write(HELLO)
        await client.read_answer()
        client.writer.write(HELLO.replace(b"/path", b"/second"))
        await second.wait()
        client.reset()
        while len(application.ended) < 2:
            application.one_has_ended.clear()
            await application.one_has_ended.wait()
    assert application.lost == ["/second"]


async def test_half_a_next_request_does_not_hide_whose_client_is_lost() -> None:
    async def work(receive: Receive, send: Send) -> None:
        begun.set()
        await application.one_is_lost.wait()

    application, begun = Application(work), asyncio.Event()
    async with client_of(application) as client:
        client.writer.write(HELLO + b"GET /half-a-requ")
        await begun.wait()
        client.reset()
        await application.one_has_ended.wait()
    assert application.lost == ["/path"]


async def test_a_pipelined_request_waits_for_the_one_before_it() -> None:
    first, may_answer = asyncio.Event(), asyncio.Event()
    bodies: list[bytes] = []

    async def work(receive: Receive, send: Send) -> None:
        bodies.append((await receive())["body"])
        first.set()
        await may_answer.wait()
        await answer(send, bodies[-1])

    application = Application(work)
    async with client_of(application) as client:
        request = b"POST /path HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\n\r\n"
        client.writer.write(request + b"a" + request + b"b")
        await first.wait()
        assert bodies == [b"a"]
        may_answer.set()
        assert [await client.read_answer() for _ in range(2)] == [b"a", b"b"]
    assert application.lost == []


async def test_an_answer_that_is_broken_off_sends_what_was_written_and_no_end(
    silent: pytest.LogCaptureFixture,
) -> None:
    async def work(receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        assert application.break_off is not None
        application.break_off()

    application = Application(work)
    async with client_of(application) as client:
        client.writer.write(HELLO)
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await client.reader.readuntil(b"0\r\n\r\n")
        assert caught.value.partial.endswith(b"\r\n\r\n5\r\nbegun\r\n")
    assert silent.messages == []


async def test_a_client_that_has_stopped_reading_is_let_go_with_what_it_has_not_read(
    silent: pytest.LogCaptureFixture,
) -> None:
    async def work(receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                while True:
                    await send({"type": "http.response.body", "body": bytes(MEGABYTE), "more_body": True})
        assert application.abort is not None
        application.abort()

    application = Application(work)
    async with client_of(application) as client:
        client.writer.write(HELLO)
        await application.one_is_lost.wait()
        await application.one_has_ended.wait()
    assert silent.messages == []
