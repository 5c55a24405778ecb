"""An answer of Azure OpenAI while it comes: its bytes, and how long it may be silent."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

import aiohttp

from proxy.errors import ProxyError, UpstreamError, UpstreamTimeout

# How long the end of the body may come after the last event, in seconds.
TAIL = 0.5
BROKEN = "The connection to Azure OpenAI broke."


class UpstreamAnswer:
    """An answer whose headers have come; `headers` have lower-case names. It must be closed."""

    def __init__(self, response: aiohttp.ClientResponse, idle: float, end: float) -> None:
        self._response = response
        self._watchdog = _Watchdog(response.content, idle, end)
        self.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}

    async def read(self, limit: int) -> bytes:
        """Return the whole body; raise `UpstreamError` when it breaks or is longer than `limit` bytes."""
        body = await self.read_beginning(limit + 1)
        if len(body) > limit:
            raise UpstreamError("Azure OpenAI's answer is too large.")
        return body

    async def read_beginning(self, limit: int) -> bytes:
        """Return the body up to `limit` bytes and leave the rest; raise `UpstreamError` when it breaks."""
        parts: list[bytes] = []
        size = 0
        async with aclosing(self.chunks()) as chunks:
            async for chunk in chunks:
                parts.append(chunk)
                size += len(chunk)
                if size >= limit:
                    break
        return b"".join(parts)[:limit]

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the bytes as they come; raise `UpstreamError` when they break and `UpstreamTimeout` when they stop."""
        content, watchdog = self._response.content, self._watchdog
        now = asyncio.get_running_loop().time
        watchdog.start()
        try:
            # Written out: a coroutine around each read would be a tenth of what a chunk costs.
            while True:
                watchdog.waiting_since = now()
                chunk = await content.readany()
                watchdog.waiting_since = None
                if not chunk:
                    return
                yield chunk
        except (aiohttp.ClientError, OSError):
            raise UpstreamError(BROKEN) from None
        finally:
            watchdog.stop()

    async def finish(self) -> None:
        """Read what is left behind the last event, usually nothing, so that the connection can be used again."""
        try:
            async with asyncio.timeout(TAIL):
                while await self._response.content.readany():
                    pass
        except (TimeoutError, UpstreamError, aiohttp.ClientError, OSError):
            self._response.close()

    def allow_silence(self, seconds: float) -> None:
        """Change how long it may be silent, from now on."""
        self._watchdog.allow(seconds)

    def abort(self, error: ProxyError) -> None:
        """Let whoever reads find an error instead of more bytes."""
        self._response.content.set_exception(error)

    def close(self) -> None:
        """Give the connection back when the answer was read to its end, else close it."""
        self._response.close()


class _Watchdog:
    """Ends the wait for bytes that do not come.

    One timer for a whole answer, which looks now and then when the wait began: a timer for each read would be a tenth
    of what a chunk costs. The time that the client takes to read does not count: then `waiting_since` is None.
    """

    def __init__(self, content: aiohttp.StreamReader, idle: float, end: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._content = content
        self._idle = idle
        self._end = end
        self.waiting_since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_at(min(self._end, self._loop.time() + self._idle), self._look)

    def allow(self, idle: float) -> None:
        """Wait for so many seconds, from now on."""
        self._idle = idle
        if self._timer is not None:
            self._timer.cancel()
            self.start()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        now = self._loop.time()
        due = min(self._end, (now if self.waiting_since is None else self.waiting_since) + self._idle)
        if now >= self._end:
            self._content.set_exception(UpstreamTimeout("The answer of Azure OpenAI took too long in all."))
        elif now >= due:
            self._content.set_exception(UpstreamTimeout("Azure OpenAI stopped sending."))
        else:
            self._timer = self._loop.call_at(due, self._look)
