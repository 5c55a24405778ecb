"""An Azure OpenAI that answers one recorded stream and cuts it where, and how, the name of the deployment says.

    cut-3-close      three events, then the body ends as it should
    cut-3-halfway    three events and one half of the next, then the body ends as it should
    cut-3-reset      three events, then a TCP reset instead of an end

It speaks through a plain socket, because a web framework ends no body wrongly.
"""

import asyncio
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum

_ASK = re.compile(rb"POST /openai/deployments/cut-(\d+)-(\w+)/chat/completions\?")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_LINGER_NOT = struct.pack("ii", 1, 0)  # closing then sends RST: socket(7)
_TAIL = (
    b'"created":1772304649,"id":"chatcmpl-DEtY","model":"gpt-4o-2024-11-20","object":"chat.completion.chunk",'
    b'"system_fingerprint":"fp_c79ab13e31"'
)


class Kind(Enum):
    """How a stream is cut."""

    CLOSE = "close"
    HALFWAY = "halfway"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One event: its bytes, the text that it adds, and the choices that it finishes."""

    raw: bytes
    text: str = ""
    finishes: frozenset[int] = frozenset()


def _chunk(index: int, delta: bytes, reason: bytes = b"null", **said: str) -> Recorded:
    choice = b'{"content_filter_results":{},"delta":%s,"finish_reason":%s,"index":%d,"logprobs":null}'
    raw = b'data: {"choices":[' + choice % (delta, reason, index) + b"]," + _TAIL + b"}\n\n"
    finishes = frozenset() if reason == b"null" else frozenset({index})
    return Recorded(raw=raw, finishes=finishes, **said)


_OPENING = b'{"content":"","refusal":null,"role":"assistant"}'
EVENTS = (
    Recorded(
        raw=b'data: {"choices":[],"created":0,"id":"","model":"","object":"","prompt_filter_results":['
        b'{"prompt_index":0,"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}}}]}\n\n'
    ),
    _chunk(0, _OPENING),
    _chunk(1, _OPENING),
    _chunk(1, b'{"content":"A"}', text="A"),
    _chunk(0, b'{"content":"B"}', text="B"),
    _chunk(1, b"{}", b'"stop"'),
    _chunk(0, b'{"content":"C"}', text="C"),
    _chunk(0, b"{}", b'"length"'),
    Recorded(
        raw=b'data: {"choices":[],'
        + _TAIL
        + b',"usage":{"completion_tokens":3,"prompt_tokens":9,"total_tokens":12}}\n\n'
    ),
    Recorded(raw=b"data: [DONE]\n\n"),
)
CHOICES = frozenset({0, 1})


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A place to cut the recorded stream at, and how."""

    after: int
    kind: Kind

    @property
    def deployment(self) -> str:
        """Return the name that asks for this cut."""
        return f"cut-{self.after}-{self.kind.value}"

    @property
    def text(self) -> str:
        """Return what both choices have said before the cut."""
        return "".join(event.text for event in EVENTS[: self.after])

    @property
    def chunks(self) -> int:
        """Return how many events came whole that mean something to a client of OpenAI, `[DONE]` not counted."""
        return sum(1 for index in range(self.after) if 0 < index < len(EVENTS) - 1)

    @property
    def complete(self) -> bool:
        """Tell whether every choice had its finish_reason before the cut."""
        return frozenset[int]().union(*(event.finishes for event in EVENTS[: self.after])) == CHOICES


CUTS = tuple(
    Cut(after=after, kind=kind)
    for after in range(len(EVENTS) + 1)
    for kind in Kind
    if after < len(EVENTS) or kind is not Kind.HALFWAY  # behind the last event there is nothing to halve
)


class ScriptedAzure:
    """Serve the recorded stream on the loopback; clearing `may_reset` holds every reset back until it is set."""

    def __init__(self) -> None:
        self.url = ""
        self.answered: list[str] = []  # the x-request-id of each answer
        self.may_reset = asyncio.Event()
        self.may_reset.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedAzure"]:
        """Serve on a free port; `url` tells where."""
        async with await asyncio.start_server(self._serve, "127.0.0.1", 0) as server:
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = _LENGTH.search(head)
        await reader.readexactly(int(length[1]) if length else 0)
        asked = _ASK.match(head)
        if asked:
            await self._answer(writer, Cut(after=int(asked[1]), kind=Kind(asked[2].decode())))
        else:
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, cut: Cut) -> None:
        self.answered.append(f"scripted-{len(self.answered) + 1}-of-azure")
        headers = (
            "content-type: text/event-stream; charset=utf-8",
            "transfer-encoding: chunked",
            "connection: close",
            f"x-request-id: {self.answered[-1]}",
        )
        writer.write("\r\n".join(("HTTP/1.1 200 OK", *headers, "\r\n")).encode())
        for event in EVENTS[: cut.after]:
            writer.write(_framed(event.raw))
        if cut.kind is Kind.HALFWAY:
            half = EVENTS[cut.after].raw
            writer.write(_framed(half[: len(half) // 2]))
        await writer.drain()
        if cut.kind is Kind.RESET:
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
