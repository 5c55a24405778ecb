"""Calls to Azure OpenAI over aiohttp: one pool of connections, nothing followed, nothing decompressed."""

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import SimpleNamespace

import aiohttp
from yarl import URL

from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.messages import UpstreamRequest
from proxy.settings import Timeouts
from proxy.settings.proxies import Proxies

# A call waits this long for a free connection, in seconds, on top of the time to connect.
POOL_WAIT = 2.0
# Azure's gateway closes an idle connection after some minutes; below that a reused one is seldom stale.
KEEP_ALIVE = 60.0
# What aiohttp reads ahead of a client that reads slowly is at most twice this, in bytes.
READ_AHEAD = 64 * 1024
# A larger body is sent in pieces, in bytes.
WHOLE_BODY = 256 * 1024
# How long the end of the body may come after the last event, in seconds.
TAIL = 0.5
_UNREACHABLE = "Azure OpenAI could not be reached."
_NO_CONNECTION = "Azure OpenAI could not be reached in time, or all connections of this instance are in use."
_BROKEN = "The connection to Azure OpenAI broke."
_NO_TUNNEL = "The HTTP proxy on the way to Azure OpenAI could not be reached, or refused the connection."


class UpstreamAnswer:
    """An answer whose headers have come; `headers` have lower-case names. It must be closed."""

    def __init__(self, response: aiohttp.ClientResponse, idle: float, end: float) -> None:
        self._response = response
        self._idle = idle
        self._end = end
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
        content = self._response.content
        watchdog = _Watchdog(content, self._idle, self._end)
        try:
            while chunk := await watchdog.watching(content.readany()):
                yield chunk
        except (aiohttp.ClientError, OSError):
            raise UpstreamError(_BROKEN) from None
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

    def close(self) -> None:
        """Give the connection back when the answer was read to its end, else close it."""
        self._response.close()


class _Watchdog:
    """Ends the wait for bytes that do not come.

    One timer for a whole answer, which looks now and then when the wait began: a timer for each read would be a tenth
    of what a chunk costs. The time that the client takes to read does not count.
    """

    def __init__(self, content: aiohttp.StreamReader, idle: float, end: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._content = content
        self._idle = idle
        self._end = end
        self._waiting_since: float | None = None
        self._timer = self._loop.call_at(min(end, self._loop.time() + idle), self._look)

    async def watching(self, read: Awaitable[bytes]) -> bytes:
        """Return what a read gives, or raise `UpstreamTimeout`."""
        self._waiting_since = self._loop.time()
        try:
            return await read
        finally:
            self._waiting_since = None

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()

    def _look(self) -> None:
        now = self._loop.time()
        due = min(self._end, (now if self._waiting_since is None else self._waiting_since) + self._idle)
        if now >= self._end:
            self._content.set_exception(UpstreamTimeout("The answer of Azure OpenAI took too long in all."))
        elif now >= due:
            self._content.set_exception(UpstreamTimeout("Azure OpenAI stopped sending."))
        else:
            self._timer = self._loop.call_at(due, self._look)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A URL as aiohttp takes it, and the HTTP proxy before it.

    `login` is for the tunnel alone: plain http goes only to this machine, where no proxy is asked.
    """

    url: URL
    proxy: URL | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)


class Upstream:
    """The pool of connections to Azure OpenAI; opens with the first call, on the loop that serves it.

    aiohttp's own `trust_env` stays off: it reads the environment and a netrc file anew for every request.
    """

    def __init__(self, timeouts: Timeouts, connections: int, proxies: Proxies | None = None) -> None:
        self._timeouts = timeouts
        self._connections = connections
        # The URLs of a deployment are few, and parsing one costs as much as all else that is done for a request.
        self._way = lru_cache(maxsize=256)(partial(_way, proxies or Proxies()))
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest, credential: tuple[str, str], end: float) -> UpstreamAnswer:
        """Send a request and return the answer once its headers are here; `end` is when it must be over, by the loop.

        A pooled connection that Azure closed while the request was on its way is tried once more: not one byte of an
        answer had come. Raises `UpstreamError` when Azure cannot be reached or does not speak HTTP.
        """
        try:
            answer = await self._attempt(request, credential, end)
            if answer is None and isinstance(request.body, bytes):
                answer = await self._attempt(request, credential, end)
        except TimeoutError:
            raise UpstreamError(_NO_CONNECTION) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise UpstreamError(_BROKEN) from None
        if answer is None:
            raise UpstreamError(_BROKEN)
        if answer.headers.get("content-encoding", "").lower() not in ("", "identity"):
            answer.close()
            raise UpstreamError("Azure OpenAI sent a compressed answer that was not asked for.")
        return answer

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _attempt(
        self, request: UpstreamRequest, credential: tuple[str, str], end: float
    ) -> UpstreamAnswer | None:
        """Return the answer, or None when a reused connection was reset before any byte of it."""
        trace = SimpleNamespace(reused=False)
        name, value = credential
        way = self._way(request.url)
        try:
            response = await self._open().request(
                request.method,
                way.url,
                data=_payload(request.body),
                headers={**request.headers, name: value},
                allow_redirects=False,
                proxy=way.proxy,
                proxy_headers=way.login,
                trace_request_ctx=trace,
            )
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError):
            raise UpstreamError(_NO_TUNNEL) from None
        except aiohttp.ClientConnectorError:
            raise UpstreamError(_UNREACHABLE) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if trace.reused:
                return None
            raise
        return UpstreamAnswer(response, self._timeouts.idle, end)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE),
                timeout=aiohttp.ClientTimeout(
                    total=None, connect=self._timeouts.connect + POOL_WAIT, sock_connect=self._timeouts.connect
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=READ_AHEAD,
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
                trace_configs=[_reuse_trace()],
            )
        return self._session


def _way(proxies: Proxies, url: str) -> _Way:
    proxy = proxies.of(url)
    if proxy is None:
        return _Way(url=URL(url, encoded=True))
    login = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}
    return _Way(url=URL(url, encoded=True), proxy=URL(proxy.url), login=login)


def _payload(body: bytes | AsyncIterator[bytes]) -> bytes | io.BytesIO | AsyncIterator[bytes] | None:
    """Return the body as it is, or as a file that is sent piece by piece so that other streams go on meanwhile."""
    if isinstance(body, bytes):
        return io.BytesIO(body) if len(body) > WHOLE_BODY else body or None
    return body


def _reuse_trace() -> aiohttp.TraceConfig:
    async def mark(_session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: object) -> None:
        context.trace_request_ctx.reused = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(mark)
    return trace
