"""The answer on its way to the client: head, body and end; what keeps it alive while there is nothing to send.

The platform ends an answer that has been silent for 230 s, and some clients are less patient.
https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import NamedTuple

from proxy.errors import NO_HEADERS
from proxy.openai_api.sse import BLANK
from proxy.server.deadline import Deadline, Limit
from proxy.values import Response, Send

# A client that has taken nothing for so many seconds, while there was something to take, is not coming back.
STALL = 120.0
# What is larger may have to wait for its reader.
_BUFFERED = 64 * 1024
_WITHOUT_BODY = frozenset({204, 304})


class BreakDelay(NamedTuple):
    """How long after the last event of a broken stream its connection breaks off, in seconds.

    A reset discards what the host and the network still hold for the client, so they get the time to pass it on:
    `least`, and as long as a reader of `rate` bytes a second needs for what it cannot have read yet, up to `most`.
    """

    least: float = 0.25
    rate: float = 80_000.0
    # Longer would not help: Linux holds at most 4 MiB for a sender.
    most: float = 60.0

    def behind(self, unread: float) -> float:
        """Return the delay behind so many bytes that may be unread."""
        return self.least + min(unread / self.rate, self.most)


BREAK_DELAY = BreakDelay()
AT_ONCE = BreakDelay(least=0.0, most=0.0)


class StreamBroken(Exception):
    """Raised by a body whose last chunk has told of a failure, so that no end may follow it."""


class ResponseWriter:
    """Sends one answer; `common` are headers that every answer carries, unless it has its own.

    `stalled` is called when the client has stopped reading; `keep_alive` is what a stream
    gets between two events while it is silent.

    `last` is when the client last took a part of the body, `is_sending` tells that it is to take something now.
    """

    __slots__ = (
        "_break_delay",
        "_common",
        "_deadline",
        "_kept_alive",
        "_others",
        "_seen",
        "_send",
        "_silence",
        "_stall",
        "_stalled",
        "_unread",
        "head_sent",
        "is_sending",
        "keep_alive",
        "last",
    )

    def __init__(
        self,
        send: Send,
        deadline: Deadline,
        stalled: Callable[[], None],
        *,
        common: Mapping[str, str] = NO_HEADERS,
        stall: float = STALL,
        break_delay: BreakDelay = BREAK_DELAY,
        keep_alive: bytes = BLANK,
    ) -> None:
        self._send = send
        self._deadline = deadline
        self._stalled = stalled
        self._common = common
        self._stall = stall
        self._break_delay = break_delay
        # The bytes that a reader of the slowest rate would not have read when the client last took a part.
        self._unread = 0.0
        self._silence = 0.0
        # Sends the early head, or what keeps the stream alive.
        self._others: asyncio.Task[None] | None = None
        self._kept_alive = 0.0
        self._seen: tuple[float, float] | None = None
        self.keep_alive = keep_alive
        self.head_sent = False
        self.is_sending = False
        self.last = deadline.now()

    def write(self, response: Response, *, with_body: bool = True) -> Awaitable[None]:
        """Send an answer; for HEAD without its body, for whose end the host would let the next request wait."""
        body = response.body
        if not with_body:
            return self._write_without_body(response)
        if isinstance(body, bytes):
            return self._write_whole(response, body)
        return self._write_stream(response, body)

    def begin_stream(self, headers: Mapping[str, str], silence: float) -> None:
        """Let the head of a stream of events leave before there is an answer, followed by what keeps it alive."""
        self.head_sent = True
        self._others = asyncio.ensure_future(self._send_late_head(headers))
        self._watch_silence(silence)

    async def _write_whole(self, response: Response, body: bytes) -> None:
        headers = self._encoded(response.headers)
        if response.status not in _WITHOUT_BODY and "content-length" not in response.headers:
            headers.append((b"content-length", b"%d" % len(body)))
        if len(body) > _BUFFERED:
            self._watch_reader()
        self.is_sending = True
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})

    async def _write_without_body(self, response: Response) -> None:
        """Send the head alone, with the length that the body would have, if that is known."""
        headers, body = self._encoded(response.headers), response.body
        if body and isinstance(body, bytes) and "content-length" not in response.headers:
            headers.append((b"content-length", b"%d" % len(body)))
        await self._send({"type": "http.response.start", "status": response.status, "headers": headers})
        await self._send({"type": "http.response.body", "body": b""})
        if not isinstance(body, bytes):
            await body.aclose()

    async def _write_stream(self, response: Response, chunks: AsyncGenerator[bytes, None]) -> None:
        send, now, rate = self._send, self._deadline.now, self._break_delay.rate
        try:
            await self._send_head(response)
            async for chunk in chunks:
                self.is_sending = True
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self.is_sending = False
                taken = now()
                self._unread = max(self._unread - rate * (taken - self.last), 0.0) + len(chunk)
                self.last = taken
            self.is_sending = True
            await self._others_sent()
            await send({"type": "http.response.body", "body": b""})
        except StreamBroken:
            self._deadline.clear(Limit.SILENCE)
            await asyncio.sleep(self._break_delay.behind(self._unread))
            raise
        finally:
            if self._others is not None:
                self._others.cancel()
            await chunks.aclose()

    async def _send_head(self, response: Response) -> None:
        self._watch_reader()
        if self.head_sent:
            await self._others_sent()
        else:
            self.head_sent = True
            head = {
                "type": "http.response.start",
                "status": response.status,
                "headers": self._encoded(response.headers),
            }
            await self._send(head)
        self.last = self._deadline.now()
        if response.keep_alive is not None and not self._silence:
            self._watch_silence(response.keep_alive)

    async def _send_late_head(self, headers: Mapping[str, str]) -> None:
        await self._send({"type": "http.response.start", "status": 200, "headers": self._encoded(headers)})
        await self._send({"type": "http.response.body", "body": self.keep_alive, "more_body": True})

    async def _others_sent(self) -> None:
        if self._others is not None:
            await asyncio.wait({self._others})

    def _watch_silence(self, silence: float) -> None:
        self._silence, self._kept_alive = silence, self._deadline.now()
        self._deadline.set(Limit.SILENCE, self._kept_alive + silence, self._break_silence)

    def _break_silence(self, now: float) -> float:
        """Send what keeps the stream alive, unless it is the client that does not read."""
        due = max(self.last, self._kept_alive) + self._silence
        if now >= due and not self.is_sending and (self._others is None or self._others.done()):
            self._kept_alive, due = now, now + self._silence
            filler = {"type": "http.response.body", "body": self.keep_alive, "more_body": True}
            self._others = asyncio.ensure_future(self._send(filler))
        return max(due, now + self._silence / 10)

    def _watch_reader(self) -> None:
        self._deadline.set(Limit.CLIENT_STALL, self._deadline.now() + self._stall, self._look_at_reader)

    def _look_at_reader(self, now: float) -> float | None:
        """Give up a client that has taken nothing since the last look, when there already was something to take."""
        waits = self.is_sending or (self._others is not None and not self._others.done())
        taken = self.last, self._kept_alive
        if waits and taken == self._seen:
            self._stalled()
            return None
        self._seen = taken if waits else None
        return now + self._stall

    def _encoded(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        every = {**self._common, **headers}
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in every.items()]
