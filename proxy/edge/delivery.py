"""The client's side of a stream: chunks go out as they come, and no silence is long enough to be taken for the end."""

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, MutableMapping
from typing import Any

# A comment: every reader of event streams passes over it.
KEEP_ALIVE = b": keep-alive\n\n"
# A client that has taken nothing for so many seconds, while there was something to take, is not coming back.
STALL = 120.0

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Delivery:
    """Sends one streamed body; a comment goes out after each `silence` seconds without a chunk, unless that is None.

    The platform ends an answer that has been silent for 230 s, and some clients are less patient.
    https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
    """

    def __init__(self, send: Send, *, silence: float | None, stall: float = STALL) -> None:
        self._send = send
        self._silence = silence
        self._stall = stall
        self._handler = asyncio.current_task()
        self._loop = asyncio.get_running_loop()
        self._last = self._loop.time()
        self._sending = False
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.TimerHandle | None = None
        self._comment: asyncio.Task[None] | None = None

    async def run(self, status: int, headers: list[tuple[bytes, bytes]], chunks: AsyncIterable[bytes]) -> None:
        """Send the head, the chunks and the end."""
        send, loop = self._send, self._loop
        await send({"type": "http.response.start", "status": status, "headers": headers})
        try:
            self._reading = loop.call_later(self._stall, self._look_at_reader, self._last)
            if self._silence is not None:
                self._timer = loop.call_later(self._silence, self._look, self._silence)
            async for chunk in chunks:
                self._sending = True
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                self._sending = False
                self._last = loop.time()
            self._sending = True
            if self._comment is not None:
                await asyncio.wait({self._comment})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            for waiting in (self._timer, self._reading, self._comment):
                if waiting is not None:
                    waiting.cancel()

    def _look_at_reader(self, last: float) -> None:
        """End a delivery that has waited for its client since the last look."""
        waits = self._sending or (self._comment is not None and not self._comment.done())
        if waits and self._last == last and self._handler is not None:
            self._handler.cancel()
        else:
            self._reading = self._loop.call_later(self._stall, self._look_at_reader, self._last)

    def _look(self, silence: float) -> None:
        """Break the silence, unless it is the client that does not read."""
        now = self._loop.time()
        due = self._last + silence
        free = not self._sending and (self._comment is None or self._comment.done())
        if now >= due and free:
            self._last, due = now, now + silence
            message = {"type": "http.response.body", "body": KEEP_ALIVE, "more_body": True}
            self._comment = asyncio.ensure_future(self._send(message))
        self._timer = self._loop.call_at(max(due, now + silence / 10), self._look, silence)
