"""Bytes out, and what came back: what one request on a connection of its own got from a host."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

TIMEOUT = 60.0
# A second request on the same connection: whether it is answered tells whether the host keeps the connection.
AGAIN = b"GET /again HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n\r\n"
# What differs from one run to the next.
_WORKER = re.compile(r"^127\.0\.0\.1:\d+$")
_UNIQUE = {"x-ms-invocation-id": "an id", "date": "a date"}
# Core Tools adds a trace to every request, as the host does where Application Insights is on.
ADDED = ("traceparent",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; `body` is the echo as a value where it is one."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: object
    is_complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """All that came back: every answer, interim ones among them, and whether the connection ended in time.

    Not how it ended: a host that has closed it resets it when a second request comes.
    """

    answers: tuple[Answer, ...]
    ended: bool


class _Protocol(asyncio.Protocol):
    """Feeds a reader that keeps what came before a reset, as `asyncio.open_connection` does not."""

    def __init__(self) -> None:
        self.reader = asyncio.StreamReader(limit=1 << 24)

    def data_received(self, data: bytes) -> None:
        self.reader.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self.reader.feed_eof()


async def exchange(url: str, request: bytes) -> Seen:
    """Send a request's bytes, and another request behind the answer; return what came, up to the connection's end."""
    address = urlsplit(url)
    assert address.hostname
    transport, protocol = await asyncio.get_running_loop().create_connection(
        _Protocol, address.hostname, address.port or 80
    )
    reader = protocol.reader
    method = request.partition(b" ")[0]
    answers: list[Answer] = []
    try:
        async with asyncio.timeout(TIMEOUT):
            transport.write(request)
            while True:
                answers.append(await _answer(reader, b"GET" if answers and answers[-1].status >= 200 else method))
                if sum(one.status >= 200 for one in answers) == 1 and answers[-1].status >= 200:
                    transport.write(AGAIN)
    except asyncio.IncompleteReadError:
        return Seen(answers=tuple(answers), ended=True)
    except TimeoutError:
        return Seen(answers=tuple(answers), ended=False)
    finally:
        transport.abort()


async def _answer(reader: asyncio.StreamReader, method: bytes) -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    status_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
    status = int(status_line.split(" ")[1])
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    body, is_complete = b"", True
    if method != b"HEAD" and status >= 200 and status not in (204, 304):
        body, is_complete = await _body(reader, dict(headers))
    value = _parsed(body)
    if isinstance(value, dict):  # whose length is that of a port's number
        headers = [pair for pair in headers if pair[0] != "content-length"]
    return Answer(status=status, headers=_steady(headers), body=value, is_complete=is_complete)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> tuple[bytes, bool]:
    """Return what came of a body and whether it is complete."""
    body = b""
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int(await reader.readuntil(b"\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.read()
    except asyncio.IncompleteReadError:
        return body, False
    return body, True


def _steady(headers: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Put headers into order, and a word in the place of what differs from one run to the next."""
    steady = []
    for name, value in headers:
        if name == "date" and "2001" in value:
            steady.append((name, value))  # the app's own
        else:
            steady.append((name, _WORKER.sub("the worker", _UNIQUE.get(name, value))))
    return tuple(sorted(steady))


def _parsed(body: bytes) -> object:
    if not body.startswith(b'{"method"'):
        return body.decode("latin-1")
    echo = json.loads(body)
    pairs = [(name, value) for name, value in echo["headers"] if name not in ADDED]
    return {**echo, "headers": _steady(pairs)}
