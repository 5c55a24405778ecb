"""A process that stands for Azure OpenAI and costs as little as it can: the deployment's name picks prepared bytes.

It stands in the path, or in the body as the model.
"""

import asyncio
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tests.bench import samples

EVENTS = 400
# Slow enough that each write is read on its own, by the slower app too.
PAUSE = 0.004
BURST = 5

_DEPLOYMENT = re.compile(rb'POST /openai/deployments/(\w+)/|"model":"(\w+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Script:
    """The writes of one answer, with a pause in seconds between them."""

    writes: tuple[bytes, ...]
    pause: float = 0.0


def _bursts(size: int) -> Iterator[bytes]:
    events = samples.events(EVENTS)
    for _ in range(EVENTS // size):
        yield samples.chunk(b"".join(islice(events, size)))


SCRIPTS = {
    b"whole": Script((samples.answer(),)),
    b"short": Script((samples.opening(), samples.chunk(b"".join(samples.events(3))) + samples.ending()), 0.002),
    b"prompt": Script((samples.opening(), samples.chunk(b"".join(samples.events(3))) + samples.ending())),
    b"single": Script((samples.opening(), *_bursts(1), samples.ending()), PAUSE),
    b"burst": Script((samples.opening(), *_bursts(BURST), samples.ending()), BURST * PAUSE),
    b"response": Script(
        (
            samples.response_opening(),
            *map(samples.chunk, samples.response_events(EVENTS)),
            samples.response_ending(EVENTS),
        ),
        PAUSE,
    ),
    b"held": Script((samples.opening(),)),
}


class Connection(asyncio.Protocol):
    """One connection; a request is answered when the last byte of its body is here."""

    def __init__(self) -> None:
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, separator, body = self._buffer.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not separator or (length and len(body) < int(length[1])):
            return
        self._buffer = b""
        deployment = _DEPLOYMENT.match(head) or _DEPLOYMENT.search(body)
        assert deployment
        script = SCRIPTS[deployment[1] or deployment[2]]
        self._next(iter(script.writes), script.pause)

    def _next(self, writes: Iterator[bytes], pause: float) -> None:
        data = next(writes, None)
        if data is None or self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        asyncio.get_running_loop().call_later(pause, self._next, writes, pause)


async def serve() -> None:
    """Print the port and serve until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
