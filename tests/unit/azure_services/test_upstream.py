"""Calls to Azure over real sockets, against a server that does with each connection what the test says."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from proxy.edge.upstream import Upstream

from proxy.config.timeouts import Timeouts
from proxy.errors import UpstreamError
from proxy.values import UpstreamRequest

TIMEOUTS = Timeouts(connect=1.0, first_byte=5.0, idle=0.2, total=5.0)
KEY = ("api-key", "secret")
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
MEGABYTE = 1024 * 1024

Answers = Callable[[int, int, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """Counts connections and requests; `answers` gets both numbers and writes what it wants."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.url = ""
        self.connections = 0
        self.bodies: list[bytes] = []
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
                self.bodies.append(await reader.readexactly(length))
                await self._answers(connection, len(self.bodies), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


@asynccontextmanager
async def serving(answers: Answers) -> AsyncIterator[Server]:
    server = Server(answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/path"
    try:
        yield server
    finally:
        listener.close()  # Waiting for the end would wait for connections that the pool still holds.


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(TIMEOUTS, 8)
    yield upstream
    await upstream.close()


def post(server: Server, body: bytes = b"{}") -> UpstreamRequest:
    return UpstreamRequest(method="POST", url=server.url, headers={"content-type": "application/json"}, body=body)


def later(seconds: float = 5.0) -> float:
    return asyncio.get_running_loop().time() + seconds


async def fetch(upstream: Upstream, request: UpstreamRequest) -> bytes:
    answer = await upstream.send(request, KEY, later())
    try:
        return await answer.read(MEGABYTE)
    finally:
        answer.close()


async def whole(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    writer.write(HELLO)


async def test_a_connection_is_used_again(upstream: Upstream) -> None:
    async with serving(whole) as server:
        assert [await fetch(upstream, post(server)) for _ in range(3)] == [b"hello"] * 3
        assert server.connections == 1


async def test_a_stale_pooled_connection_is_repeated_once_on_a_new_one(upstream: Upstream) -> None:
    async def stale(connection: int, request: int, writer: asyncio.StreamWriter) -> None:
        if (connection, request) == (1, 2):
            writer.transport.abort()
        else:
            writer.write(HELLO)

    async with serving(stale) as server:
        assert [await fetch(upstream, post(server, b"abc")) for _ in range(2)] == [b"hello"] * 2
        assert server.connections == 2
        assert server.bodies == [b"abc"] * 3


async def test_a_new_connection_that_resets_is_not_repeated(upstream: Upstream) -> None:
    async def reset(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    async with serving(reset) as server:
        with pytest.raises(UpstreamError):
            await fetch(upstream, post(server))
        assert len(server.bodies) == 1


async def test_an_answer_that_began_is_not_repeated(upstream: Upstream) -> None:
    async def torn(_connection: int, request: int, writer: asyncio.StreamWriter) -> None:
        if request == 1:
            writer.write(HELLO)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await writer.drain()
        writer.close()

    async with serving(torn) as server:
        assert await fetch(upstream, post(server)) == b"hello"
        with pytest.raises(UpstreamError):
            await fetch(upstream, post(server))
        assert len(server.bodies) == 2


async def test_a_large_body_arrives_whole(upstream: Upstream) -> None:
    body = bytes(range(256)) * 4096 * 3
    async with serving(whole) as server:
        assert await fetch(upstream, post(server, body)) == b"hello"
        assert server.bodies == [body]


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", id="a length that is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", id="compressed"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="a header without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000, id="too large"),
    ],
)
async def test_an_answer_that_is_not_what_it_should_be_is_an_error(upstream: Upstream, raw: bytes) -> None:
    async def odd(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    async with serving(odd) as server:
        with pytest.raises(UpstreamError):
            await fetch(upstream, post(server))


async def test_a_redirect_is_not_followed(upstream: Upstream) -> None:
    async def elsewhere(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")

    async with serving(elsewhere) as server:
        answer = await upstream.send(post(server), KEY, later())
        answer.close()
        assert answer.status == 302
        assert len(server.bodies) == 1


async def test_a_call_that_is_given_up_closes_its_connection(upstream: Upstream) -> None:
    asked = asyncio.Event()

    async def never(_connection: int, _request: int, _writer: asyncio.StreamWriter) -> None:
        asked.set()

    async with serving(never) as server:
        call = asyncio.create_task(upstream.send(post(server), KEY, later()))
        await asked.wait()
        call.cancel()
        await server.closed.wait()
    with pytest.raises(asyncio.CancelledError):
        await call
