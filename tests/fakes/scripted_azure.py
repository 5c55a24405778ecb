"""An Azure OpenAI that answers each deployment with the bytes that a test wrote for it, and ends as the test says.

It speaks through a plain socket, because a web framework ends no body wrongly.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

# In the path, in the JSON or in the form: whatever says which deployment is asked for.
_ASKED = re.compile(rb"script-[a-z0-9-]+")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then sends RST: socket(7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """The parts of a stream, each in a chunk of its own, and whether a TCP reset comes instead of the end."""

    parts: tuple[bytes, ...]
    reset: bool = False


class ScriptedAzure:
    """Serve the scripts, by deployment, on the loopback; the name of each begins with `script-`.

    Clearing `may_reset` holds every reset back until it is set.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.url = ""
        self.answered: list[str] = []  # the x-request-id of each answer
        self.may_reset = asyncio.Event()
        self.may_reset.set()
        self._scripts = scripts

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedAzure"]:
        """Serve on a free port; `url` tells where."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        body = await reader.readexactly(int(length[1]) if length else 0)
        asked = _ASKED.search(head + body)
        script = self._scripts.get(asked[0].decode()) if asked else None
        if script is not None:
            await self._answer(writer, script)
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, script: Script) -> None:
        self.answered.append(f"scripted-{len(self.answered) + 1}-of-azure")
        headers = (
            "content-type: text/event-stream; charset=utf-8",
            "transfer-encoding: chunked",
            "connection: close",
            f"x-request-id: {self.answered[-1]}",
        )
        writer.write("\r\n".join(("HTTP/1.1 200 OK", *headers, "\r\n")).encode())
        for part in script.parts:
            writer.write(_framed(part))
        await writer.drain()
        if script.reset:
            await self.may_reset.wait()
            _reset(writer)
        else:
            writer.write(b"0\r\n\r\n")


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _reset(writer: asyncio.StreamWriter) -> None:
    endpoint: socket.socket = writer.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
    writer.transport.abort()
