"""One exchange of a client: the bytes of a case out, and the answers as they came."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import Callable

import h11

from tests.oracle import normalise
from tests.oracle.board import Running
from tests.oracle.case import ClientStep, Exchange, Leave, Mark, Read, Send, Sleep, Terminate, Wait
from tests.oracle.normalise import Addresses

# By a reset or by a close: which one it is depends on the host.
_BROKEN = "broken off"
_LINGER_NOT = struct.pack("ii", 1, 0)


class Answer:
    """What has come of an answer."""

    def __init__(self) -> None:
        self.interim: list[int] = []
        self.head: h11.Response | None = None
        self.body = bytearray()
        self.end = ""


class Client:
    """A connection; it reads all the time from its first `Read` on."""

    def __init__(
        self,
        exchange: Exchange,
        running: Running,
        address: tuple[str, int],
        addresses: Addresses,
        end: Callable[[], None],
    ) -> None:
        self._exchange = exchange
        self._running = running
        self._address = address
        self._addresses = addresses
        self._terminate = end
        self._change = asyncio.Event()
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None] | None = None
        self.answers = [Answer()]
        self._parser = _parser(exchange.method)

    async def run(self) -> None:
        """Make the exchange and keep what was seen."""
        self._reader, self._writer = await asyncio.open_connection(*self._address)
        try:
            for step in self._exchange.steps:
                await self._step(step)
        finally:
            if self._reading is not None:
                self._reading.cancel()
                await asyncio.wait({self._reading})
            self._writer.close()
            with contextlib.suppress(OSError):
                await self._writer.wait_closed()
        self._running.client += [self._seen(answer) for answer in self.answers]

    async def _step(self, step: ClientStep) -> None:
        board = self._running.board
        if isinstance(step, Send):
            await self._send(step)
        elif isinstance(step, Read):
            self._reading = self._reading or asyncio.create_task(self._read())
            await self._until(step)
        elif isinstance(step, Wait):
            happened = await board.wait(step.event, step.count, step.seconds)
            board.notes.append(f"client: {step.event}: {happened}")
        elif isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
        elif isinstance(step, Mark):
            board.mark(step.name if step.name.startswith("all ") else f"gate {step.name}")
        elif isinstance(step, Terminate):
            self._terminate()
        else:
            self._leave(step)

    async def _send(self, step: Send) -> None:
        try:
            for _ in range(step.times):
                self._writer.write(step.data)
                await self._writer.drain()
        except OSError:
            self.answers[-1].end = self.answers[-1].end or "reset while sending"

    async def _until(self, read: Read) -> None:
        answer = self.answers[-1]
        if answer.end == "complete":  # The steps go on with another request on the same connection.
            answer = Answer()
            self.answers.append(answer)
            self._parser.start_next_cycle()
            _pretend(self._parser, self._exchange.method)
            self._feed(None)
        try:
            async with asyncio.timeout(read.seconds):
                while not (answer.end or _reached(answer, read.until)):
                    self._change.clear()
                    await self._change.wait()
        except TimeoutError:
            answer.end = "timeout"

    def _leave(self, how: Leave) -> None:
        if how is Leave.HALF:
            self._writer.write_eof()
            return
        if how is Leave.RESET:
            endpoint: socket.socket = self._writer.get_extra_info("socket")
            endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NOT)
        self.answers[-1].end = self.answers[-1].end or "left"
        self._writer.transport.abort()
        self._running.board.mark("client left")

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65536):
                self._feed(data)
            self._feed(b"")
        except OSError:
            self._ended(_BROKEN)

    def _feed(self, data: bytes | None) -> None:
        if data is not None:
            self._parser.receive_data(data)
        try:
            while not isinstance(event := self._parser.next_event(), type) and self._take(event):
                pass
        except h11.RemoteProtocolError as error:
            self._ended(_BROKEN if data == b"" else f"not HTTP: {error}")

    def _take(self, event: h11.Event) -> bool:
        """Take in a part of the answer; tell whether another one may follow."""
        answer, board = self.answers[-1], self._running.board
        if isinstance(event, h11.InformationalResponse):
            answer.interim.append(event.status_code)
        elif isinstance(event, h11.Response):
            answer.head = event
            board.mark("client head")
        elif isinstance(event, h11.Data):
            answer.body += event.data
            board.mark("client data")
        elif isinstance(event, h11.EndOfMessage):
            self._ended("complete")
            return False
        elif isinstance(event, h11.ConnectionClosed):
            self._ended("closed without an answer")
            return False
        self._change.set()
        return True

    def _ended(self, how: str) -> None:
        answer = self.answers[-1]
        if not answer.end:
            answer.end = how
            self._running.board.mark("client end")
        self._change.set()

    def _seen(self, answer: Answer) -> dict[str, object]:
        head, body = answer.head, bytes(answer.body)
        if answer.end == "left" and len(body) > normalise.LONG:
            body = body[:80]  # How much had come is of no interest.
        return {
            "status": head and head.status_code,
            "reason": head and head.reason.decode("latin-1"),
            "interim": answer.interim,
            "headers": head and normalise.headers(head.headers.raw_items(), self._addresses),
            "body": normalise.body(body, self._addresses),
            "end": answer.end,
        }

    def request_ids(self) -> list[str]:
        """Return the request ids of the answers."""
        heads = [answer.head for answer in self.answers if answer.head is not None]
        return [value.decode("latin-1") for head in heads for name, value in head.headers if name == b"x-request-id"]


def _reached(answer: Answer, until: bytes | str) -> bool:
    if isinstance(until, bytes):
        return until in answer.body
    return until == "head" and answer.head is not None


def _parser(method: str) -> h11.Connection:
    parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=256 * 1024)
    _pretend(parser, method)
    return parser


def _pretend(parser: h11.Connection, method: str) -> None:
    """Let the parser know which request is answered; what it would send is thrown away."""
    parser.send(h11.Request(method=method, target="/", headers=[("host", "a")]))
    parser.send(h11.EndOfMessage())
