"""Writes a stream to its connection, and simulates the faults of connections."""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from weakref import WeakKeyDictionary

from aiohttp import web

from tools.azure_openai_simulator.answers import Chunk, Comment, Hold, Reset, Stall, Step, Stream
from tools.azure_openai_simulator.oddities import STREAM_ODDITIES, USUAL, Form
from tools.azure_openai_simulator.state import Content

PIECE = 64 * 1024  # a large file is sent in pieces and never held whole
_NO_LINGER = struct.pack("ii", 1, 0)  # closing then sends RST and drops what is unsent: socket(7)


@dataclass(slots=True, kw_only=True)
class Tempo:
    """When the next write may happen: `pace` seconds after the last one, and when the gate permits it."""

    gate: asyncio.Semaphore
    pace: float
    sleep: Callable[[float], Awaitable[None]]


class IdleConnections:
    """Closes connections that wait for another request, as gateways do.

    `draw` returns the seconds for each answer, 0.0 to close behind it at once; None leaves all connections open.
    """

    def __init__(self, draw: Callable[[], float] | None) -> None:
        self._draw = draw
        self._closing: WeakKeyDictionary[asyncio.BaseTransport, asyncio.TimerHandle] = WeakKeyDictionary()

    def begin(self, request: web.Request) -> None:
        """Keep the connection of a request open."""
        closing = self._closing.pop(request.transport, None) if request.transport is not None else None
        if closing is not None:
            closing.cancel()

    async def end(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        """Send what is left of an answer, and let its connection be closed."""
        if self._draw is not None and request.transport is not None:
            await response.prepare(request)
            await response.write_eof()
            if seconds := self._draw():
                later = asyncio.get_running_loop().call_later(seconds, _close_idle, request.protocol)
                self._closing[request.transport] = later
            else:
                _close(request.transport)
        return response


def _close_idle(protocol: web.RequestHandler) -> None:
    """Close a connection, unless a request has come that nobody has looked at yet."""
    if not protocol._messages and protocol.transport is not None:
        _close(protocol.transport)


def _close(transport: asyncio.BaseTransport) -> None:
    """Close a connection so that the other side can see it now; asyncio would tell it a turn of the loop later."""
    if isinstance(transport, asyncio.WriteTransport) and not transport.is_closing():
        transport.write_eof()
    transport.close()


async def send_stream(
    request: web.Request, headers: Mapping[str, str], answer: Stream, deployment: str, tempo: Tempo
) -> web.StreamResponse:
    """Send a stream as its deployment does."""
    oddity = STREAM_ODDITIES.get(deployment, USUAL)
    form = oddity.form if answer.done else replace(oddity.form, ending=b"")
    response = web.StreamResponse(headers={**headers, "Content-Type": "text/event-stream; charset=utf-8"})
    await response.prepare(request)
    if await send_steps(response, oddity.play(answer.chunks), form, tempo):
        await response.write_eof()
    else:
        reset(request)
    return response


async def send_content(request: web.Request, headers: Mapping[str, str], content: Content) -> web.StreamResponse:
    """Send the bytes of a file, zeros where they were not kept."""
    response = web.StreamResponse(headers={**headers, "Content-Type": content.media_type})
    response.content_length = content.size
    await response.prepare(request)
    for start in range(0, content.size, PIECE):
        size = min(PIECE, content.size - start)
        await response.write(bytes(size) if content.data is None else content.data[start : start + size])
    await response.write_eof()
    return response


def encode_step(step: Chunk | Comment, form: Form) -> bytes:
    """Encode one event or comment with its blank lines."""
    if isinstance(step, Comment):
        line = b": " + step.text
    else:
        name = b"event: " + step.event + form.newline if step.event else b""
        line = name + b"data: " + step.data
    return line + form.newline * (1 + form.blank_lines)


async def send_steps(response: web.StreamResponse, steps: Iterator[Step], form: Form, tempo: Tempo) -> bool:
    """Write each step at its time; return False if the connection is to be reset."""
    pace = form.pace or tempo.pace
    for step in steps:
        if isinstance(step, Chunk | Comment):
            await _write(response, encode_step(step, form), form)
            if pace:
                await tempo.sleep(pace)
        elif isinstance(step, Reset):
            return False
        else:
            await wait_for(step, tempo)
    await _write(response, form.ending, form)
    return True


async def wait_for(step: Hold | Stall, tempo: Tempo) -> None:
    """Wait for a permit of the gate, or forever."""
    if isinstance(step, Hold):
        await tempo.gate.acquire()
    else:
        await asyncio.Event().wait()


def reset(request: web.BaseRequest) -> None:
    """End the connection of a request with a TCP reset."""
    if request.transport is None:
        return
    endpoint = request.transport.get_extra_info("socket")
    endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    request.transport.abort()


async def _write(response: web.StreamResponse, data: bytes, form: Form) -> None:
    size = form.fragment or len(data) or 1
    for start in range(0, len(data), size):
        await response.write(data[start : start + size])
