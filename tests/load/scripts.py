"""What the Azure of these tests does with a request, by the name of the script in its model."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from tests.integration.recordings import CHAT, RESPONSE

FLOOD = b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % (b"x" * 16_000)
WORD = b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n'
# More than the system keeps for a connection, as images are.
LARGE = 20 * 1024 * 1024
# Scripts that begin before the body is here.
IN_THE_MIDDLE = (b"upload", b"deaf")
ANNOUNCED, OPENING, *_ = CHAT.events
WHOLE = b'{"id":"1","object":"chat.completion","choices":[]}'


class Arrival:
    """A request that has arrived: `go` lets its script go on.

    `over` comes when its connection is closed or when it has been answered whole, `closed` with the first alone.
    """

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self.go = asyncio.Event()
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        self.over: asyncio.Future[None] = loop.create_future()
        self.calls = 0
        self.sent = 0

    def end(self) -> None:
        """Note that it is over."""
        if not self.over.done():
            self.over.set_result(None)

    def close(self) -> None:
        """Note that its connection is closed."""
        self.end()
        if not self.closed.done():
            self.closed.set_result(None)


class Line(Protocol):
    """The connection, as scripts write on it."""

    def read_no_more(self) -> None:
        """Take nothing more from the other side."""
        ...

    async def write(self, data: bytes) -> None:
        """Write as soon as the other side takes it."""
        ...

    async def chunk(self, data: bytes) -> None:
        """Write one chunk of the body."""
        ...

    async def begin(self, kind: str = "text/event-stream") -> None:
        """Write the head of a body without a length."""
        ...


Script = Callable[[Line, Arrival], Awaitable[None]]


async def _hold(connection: Line, arrival: Arrival) -> None:
    await asyncio.Event().wait()


async def _deaf(connection: Line, arrival: Arrival) -> None:
    connection.read_no_more()
    await asyncio.Event().wait()


async def _whole(connection: Line, arrival: Arrival, body: bytes = WHOLE) -> None:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    await connection.write(head.encode() + body)


async def _whole_when_told(connection: Line, arrival: Arrival) -> None:
    await arrival.go.wait()
    await _whole(connection, arrival)


async def _large_when_told(connection: Line, arrival: Arrival) -> None:
    await arrival.go.wait()
    await _whole(connection, arrival, b'{"id":"%s"}' % (b"x" * LARGE))


async def _half(connection: Line, arrival: Arrival) -> None:
    await connection.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{")
    await asyncio.Event().wait()


async def _headed(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    await connection.chunk(ANNOUNCED.raw + OPENING.raw)
    await asyncio.Event().wait()


async def _first(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    await connection.chunk(OPENING.raw + WORD)
    await asyncio.Event().wait()


async def _first_when_told(connection: Line, arrival: Arrival) -> None:
    await arrival.go.wait()
    await _first(connection, arrival)


async def _endless(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    while True:
        await connection.chunk(WORD)
        await asyncio.sleep(0.002)


async def _flood(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    while True:
        await connection.chunk(FLOOD)
        await asyncio.sleep(0)


async def _ending(connection: Line, arrival: Arrival) -> None:
    """Begin a chat, and end it as it should when told."""
    await connection.begin()
    *begun, last = CHAT.events
    for event in begun[:4]:
        await connection.chunk(event.raw)
    await arrival.go.wait()
    for event in (*begun[4:], last):
        await connection.chunk(event.raw)
    await connection.write(b"0\r\n\r\n")


async def _response(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    for event in RESPONSE.events[:-1]:
        await connection.chunk(event.raw)
    await asyncio.Event().wait()


async def _file(connection: Line, arrival: Arrival) -> None:
    await connection.begin("application/octet-stream")
    await connection.chunk(b"line\n")
    await asyncio.Event().wait()


async def _refused(connection: Line, arrival: Arrival) -> None:
    await connection.write(b"HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")


async def _broken(connection: Line, arrival: Arrival) -> None:
    await connection.begin()
    await connection.chunk(OPENING.raw + WORD)
    await connection.write(b"0\r\n\r\n")


SCRIPTS: Mapping[str, Script] = {
    "silent": _hold,
    "upload": _hold,
    "deaf": _deaf,
    "whole": _whole,
    "wholelater": _whole_when_told,
    "largelater": _large_when_told,
    "half": _half,
    "headed": _headed,
    "first": _first,
    "firstlater": _first_when_told,
    "endless": _endless,
    "flood": _flood,
    "ending": _ending,
    "response": _response,
    "file": _file,
    "refused": _refused,
    "broken": _broken,
}
