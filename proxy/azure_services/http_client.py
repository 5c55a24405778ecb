"""Calls to Azure OpenAI over aiohttp: one pool of connections, nothing followed, nothing decompressed."""

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from proxy.azure_services.sending import Sending
from proxy.azure_services.upstream import BROKEN
from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.errors import Overloaded, ProxyError, Unreachable, UpstreamError
from proxy.values import UpstreamRequest

# Azure's gateway closes an idle connection after some minutes; below that a reused one is seldom stale.
KEEP_ALIVE = 60.0
# What aiohttp reads ahead of a client that reads slowly is at most twice this, in bytes.
READ_AHEAD = 64 * 1024
# A larger body is sent in pieces, in bytes.
WHOLE_BODY = 256 * 1024
# How long the end of the body may come after the last event, in seconds.
TAIL = 0.5
# What reading raises when the connection breaks.
BREAKS = (aiohttp.ClientError, OSError)
_UNREACHABLE = "Azure OpenAI could not be reached."
_NO_CONNECTION = "All connections of this instance to Azure OpenAI are in use. Please try again."
_NO_TUNNEL = "The HTTP proxy on the way to Azure OpenAI could not be reached, or refused the connection."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """A URL as aiohttp takes it, and the HTTP proxy before it.

    `login` is for the tunnel alone: plain http goes only to this machine, where no proxy is asked.
    """

    url: URL
    proxy: URL | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Connecting:
    """Whether a sending has opened a connection of its own."""

    __slots__ = ("new",)

    def __init__(self) -> None:
        self.new = False


_CONNECTING: ContextVar[_Connecting] = ContextVar("connecting")


class _Connector(aiohttp.TCPConnector):
    """Tells a sending that its connection is a new one, at less cost than aiohttp's tracing."""

    async def _create_connection(self, *arguments: Any, **named: Any) -> Any:
        _CONNECTING.get().new = True
        return await super()._create_connection(*arguments, **named)


class UpstreamAnswer:
    """An answer whose headers have come; `headers` have lower-case names. It must be closed.

    `read` returns the next bytes, nothing at the end; it raises one of `breaks`, or what `abort` was given. It is
    aiohttp's own: a coroutine around each read would be a tenth of what a chunk costs.
    """

    __slots__ = ("_response", "headers", "read", "sending", "status")

    breaks = BREAKS

    def __init__(self, response: aiohttp.ClientResponse, sending: Sending) -> None:
        self._response = response
        self.sending = sending
        self.status = sending.status = response.status
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.read = response.content.readany

    async def read_whole(self, limit: int) -> bytes:
        """Return the whole body; raise `UpstreamError` when it breaks or is longer than `limit` bytes."""
        body = await self.read_beginning(limit + 1)
        if len(body) > limit:
            raise UpstreamError("Azure OpenAI's answer is too large.")
        return body

    async def read_beginning(self, limit: int) -> bytes:
        """Return the body up to `limit` bytes and leave the rest; raise `UpstreamError` when it breaks."""
        parts: list[bytes] = []
        size = 0
        try:
            while size < limit and (part := await self.read()):
                parts.append(part)
                size += len(part)
        except BREAKS:
            raise UpstreamError(BROKEN) from None
        finally:
            self.sending.take(size)
        return parts[0] if len(parts) == 1 and size <= limit else b"".join(parts)[:limit]

    async def finish(self) -> None:
        """Read what is left behind the last event, usually nothing, so that the connection can be used again."""
        if self._response.content.at_eof():
            return
        try:
            async with asyncio.timeout(TAIL):
                while await self.read():
                    pass
        except (TimeoutError, UpstreamError, *BREAKS):
            self._response.close()

    def abort(self, error: ProxyError) -> None:
        """Let whoever reads find an error instead of more bytes."""
        self._response.content.set_exception(error)

    def close(self) -> None:
        """Give the connection back when the answer was read to its end, else close it."""
        self._response.close()


class HttpClient:
    """The pools of connections, one for each host; they open with the first call, on the loop that serves it.

    `connections` is how many a host gets. aiohttp's own `trust_env` stays off: it reads the environment and a netrc
    file anew for every request.
    """

    def __init__(self, timeouts: Timeouts, connections: int, proxies: HttpProxies | None = None) -> None:
        self._timeouts = timeouts
        self._connections = connections
        # The URLs of a deployment are few, and parsing one costs as much as all else that is done for a request.
        self._address = lru_cache(maxsize=256)(partial(_address, proxies or HttpProxies()))
        self._session: aiohttp.ClientSession | None = None

    def __len__(self) -> int:
        """Return how many connections are in use."""
        connector = self._session.connector if self._session is not None else None
        return len(connector._acquired) if connector is not None else 0

    async def send(
        self, request: UpstreamRequest, credential: tuple[str, str], begin: Callable[[], Sending]
    ) -> UpstreamAnswer:
        """Send a request and return the answer once its headers are here; `begin` hears of each sending.

        A pooled connection that Azure closed while the request was on its way is tried once more, unless that might do
        something twice: not one byte of an answer had come. Raises `Unreachable` when nothing was sent, `UpstreamError`
        when Azure does not speak HTTP.
        """
        try:
            answer = await self._send(request, credential, begin())
            if answer is None and request.repeatable and isinstance(request.body, bytes):
                answer = await self._send(request, credential, begin())
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable(_UNREACHABLE) from None
        except (aiohttp.ClientError, OSError, ValueError):
            raise UpstreamError(BROKEN) from None
        if answer is None:
            raise UpstreamError(BROKEN)
        if answer.headers.get("content-encoding", "").lower() not in ("", "identity"):
            answer.close()
            raise UpstreamError("Azure OpenAI sent a compressed answer that was not asked for.")
        return answer

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _send(
        self, request: UpstreamRequest, credential: tuple[str, str], sending: Sending
    ) -> UpstreamAnswer | None:
        """Return the answer, or None when a reused connection was reset before any byte of it."""
        address = self._address(request.url)
        headers = CIMultiDict(request.headers)
        headers[credential[0]] = credential[1]
        connecting = _Connecting()
        _CONNECTING.set(connecting)
        try:
            response = await self._open().request(
                request.method,
                address.url,
                data=_payload(request.body, sending),
                headers=headers,
                allow_redirects=False,
                proxy=address.proxy,
                proxy_headers=address.login,
            )
        except (aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError):
            raise Unreachable(_NO_TUNNEL) from None
        except aiohttp.ConnectionTimeoutError:
            if not connecting.new:
                raise Overloaded(_NO_CONNECTION) from None
            raise
        except aiohttp.ClientConnectorError:
            raise Unreachable(_UNREACHABLE) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if connecting.new:
                raise
            sending.end("reset")
            return None
        return UpstreamAnswer(response, sending)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connector(limit=0, limit_per_host=self._connections, keepalive_timeout=KEEP_ALIVE),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self._timeouts.connect + self._timeouts.pool,
                    sock_connect=self._timeouts.connect,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=READ_AHEAD,
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
            )
            # Its own repetition of GET on a pooled connection would be one that nobody hears of; ours covers it.
            self._session._retry_connection = False
        return self._session


def _address(proxies: HttpProxies, url: str) -> _Address:
    proxy = proxies.for_url(url)
    if proxy is None:
        return _Address(url=URL(url, encoded=True))
    login = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}
    return _Address(url=URL(url, encoded=True), proxy=URL(proxy.url), login=login)


def _payload(body: bytes | AsyncIterator[bytes], sending: Sending) -> bytes | io.BytesIO | AsyncIterator[bytes] | None:
    """Return the body as it is, or as a file that is sent piece by piece so that other streams go on meanwhile."""
    if not isinstance(body, bytes):
        return _counted(body, sending)
    sending.sent = len(body)
    return io.BytesIO(body) if len(body) > WHOLE_BODY else body or None


async def _counted(body: AsyncIterator[bytes], sending: Sending) -> AsyncIterator[bytes]:
    async for part in body:
        sending.sent += len(part)
        yield part
