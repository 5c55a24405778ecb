"""A server on a plain socket of the loopback that does with each connection what the test says, and calls of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from proxy.azure_services.http_client import HttpClient, UpstreamAnswer
from proxy.azure_services.sending import Sending
from proxy.config.timeouts import Timeouts
from proxy.values import UpstreamRequest

HANG = 30.0
TIMEOUTS = Timeouts(connect=1.0, first_byte=5.0, idle=0.2, total=5.0)
KEY = ("api-key", "secret")
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
BEGUN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
END = b"0\r\n\r\n"
MEGABYTE = 1024 * 1024

Answers = Callable[[int, int, asyncio.StreamWriter], Awaitable[None]]


class RawAzure:
    """Counts connections and requests; `answers` gets both numbers and writes what it wants."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.url = ""
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.closed = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heads.append(head)
                self.bodies.append(await _body(head.lower(), reader))
                await self._answers(connection, len(self.bodies), writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed.set()
            writer.close()


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    if b"transfer-encoding: chunked" not in head:
        return await reader.readexactly(int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0))
    parts = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    return b"".join(parts)


@asynccontextmanager
async def serving(answers: Answers) -> AsyncIterator[RawAzure]:
    """Serve on a free port; `url` tells where."""
    server = RawAzure(answers)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/path"
    try:
        yield server
    finally:
        listener.close()  # Waiting for the end would wait for connections that the pool still holds.


class Sendings:
    """What a client is told to report its sendings to."""

    def __init__(self) -> None:
        self.begun: list[Sending] = []
        self.reported: list[Sending] = []

    def begin(self) -> Sending:
        self.begun.append(Sending(self.reported.append))
        return self.begun[-1]


def post(server: RawAzure, body: bytes | AsyncIterator[bytes] = b"{}", *, repeatable: bool = True) -> UpstreamRequest:
    headers = {"content-type": "application/json"}
    return UpstreamRequest(method="POST", url=server.url, headers=headers, body=body, repeatable=repeatable)


async def fetch(client: HttpClient, request: UpstreamRequest, sendings: Sendings | None = None) -> bytes:
    """Return the body of an answer."""
    async with asyncio.timeout(HANG):
        answer = await client.send(request, KEY, (sendings or Sendings()).begin)
        try:
            return await answer.read_whole(MEGABYTE)
        finally:
            answer.close()


@asynccontextmanager
async def answered(client: HttpClient, answers: Answers) -> AsyncIterator[tuple[RawAzure, UpstreamAnswer]]:
    """Give an answer whose headers are here, and close it."""
    async with asyncio.timeout(HANG), serving(answers) as server:
        answer = await client.send(post(server), KEY, Sendings().begin)
        try:
            yield server, answer
        finally:
            answer.close()


async def begun(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    """Begin an answer and say nothing more."""
    writer.write(BEGUN)


async def whole(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    """Answer at once."""
    writer.write(HELLO)
