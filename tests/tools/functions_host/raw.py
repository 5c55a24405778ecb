"""An HTTP client that hides nothing: bytes out, status, headers and chunks in."""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.processes import HostProcess


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Status and headers of a response, names in lower case."""

    status: int
    headers: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """Return every value of a header."""
        return [value for key, value in self.headers if key == name]

    def one(self, name: str) -> str | None:
        """Return the only value of a header, None without it."""
        values = self.all(name)
        assert len(values) < 2
        return values[0] if values else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply(Head):
    """A whole response."""

    body: bytes

    def json(self) -> Any:
        """Parse the body."""
        return json.loads(self.body)

    def is_empty(self, status: int) -> bool:
        """Tell whether this is the host's own answer: a status, no body, no type."""
        return (self.status, self.body, self.one("content-type")) == (status, b"", None)


class Connection:
    """One TCP connection to the host."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, method: str, target: str, *headers: str, body: bytes = b"") -> None:
        """Send a request's head, and `body` as it is."""
        lines = (f"{method} {target} HTTP/1.1", "Host: public.example", *headers, "", "")
        self.writer.write("\r\n".join(lines).encode() + body)
        await self.writer.drain()

    async def send_chunk(self, data: bytes) -> None:
        """Send one chunk; an empty one ends the body."""
        self.writer.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        await self.writer.drain()

    async def head(self) -> Head:
        """Read status and headers."""
        status_line, *lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return Head(status=int(status_line.split(" ")[1]), headers=[(name.lower(), value) for name, value in pairs])

    async def chunk(self) -> bytes:
        """Read one HTTP chunk; the last is empty."""
        size = int(await self.reader.readuntil(b"\n"), 16)
        return (await self.reader.readexactly(size + 2))[:-2]

    async def reply(self) -> Reply:
        """Read a whole response."""
        head = await self.head()
        return Reply(status=head.status, headers=head.headers, body=await self.body(head))

    async def body(self, head: Head) -> bytes:
        """Read the body behind a head; raises `asyncio.IncompleteReadError` where it breaks off."""
        if head.one("transfer-encoding") != "chunked":
            return await self.reader.readexactly(int(head.one("content-length") or 0))
        body = b""
        while chunk := await self.chunk():
            body += chunk
        return body

    async def is_reset(self) -> bool:
        """Wait until the connection ends; tell whether by a reset."""
        try:
            return await self.reader.read() != b""
        except ConnectionResetError:
            return True

    def leave(self, how: str) -> None:
        """Leave by `close`, `reset` or `half close`."""
        if how == "half close":
            self.writer.write_eof()
        if how == "reset":
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        if how != "half close":
            self.writer.transport.abort()


@asynccontextmanager
async def connected(host: HostProcess) -> AsyncIterator[Connection]:
    """Open a connection, close it at the end."""
    address = urlsplit(host.url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.transport.abort()


async def exchange(host: HostProcess, method: str, target: str, *headers: str, body: bytes = b"") -> Reply:
    """Send one request with `body` after its head, read its answer."""
    async with connected(host) as connection:
        await connection.send(method, target, *headers, body=body)
        return await connection.reply()


async def get(host: HostProcess, target: str, *headers: str) -> Reply:
    """Get `target`."""
    return await exchange(host, "GET", target, *headers)
