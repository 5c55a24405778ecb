"""Calls to Azure OpenAI over aiohttp: one pool of connections, nothing followed, nothing decompressed."""

import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from types import SimpleNamespace

import aiohttp
from yarl import URL

from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.edge.upstream_answer import BROKEN, UpstreamAnswer
from proxy.errors import Overloaded, Unreachable, UpstreamError
from proxy.values import UpstreamRequest

# Azure's gateway closes an idle connection after some minutes; below that a reused one is seldom stale.
KEEP_ALIVE = 60.0
# What aiohttp reads ahead of a client that reads slowly is at most twice this, in bytes.
READ_AHEAD = 64 * 1024
# A larger body is sent in pieces, in bytes.
WHOLE_BODY = 256 * 1024
_UNREACHABLE = "Azure OpenAI could not be reached."
_NO_CONNECTION = "All connections of this instance to Azure OpenAI are in use. Please try again."
_NO_TUNNEL = "The HTTP proxy on the way to Azure OpenAI could not be reached, or refused the connection."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A URL as aiohttp takes it, and the HTTP proxy before it.

    `login` is for the tunnel alone: plain http goes only to this machine, where no proxy is asked.
    """

    url: URL
    proxy: URL | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)


class Upstream:
    """The pools of connections, one for each host; they open with the first call, on the loop that serves it.

    `connections` is how many a host gets. aiohttp's own `trust_env` stays off: it reads the environment and a netrc
    file anew for every request.
    """

    def __init__(self, timeouts: Timeouts, connections: int, proxies: HttpProxies | None = None) -> None:
        self._timeouts = timeouts
        self._connections = connections
        # The URLs of a deployment are few, and parsing one costs as much as all else that is done for a request.
        self._way = lru_cache(maxsize=256)(partial(_way, proxies or HttpProxies()))
        self._session: aiohttp.ClientSession | None = None

    async def send(self, request: UpstreamRequest, credential: tuple[str, str], end: float) -> UpstreamAnswer:
        """Send a request and return the answer once its headers are here; `end` is when it must be over, by the loop.

        A pooled connection that Azure closed while the request was on its way is tried once more, unless that might do
        something twice: not one byte of an answer had come. Raises `Unreachable` when nothing was sent, `UpstreamError`
        when Azure does not speak HTTP.
        """
        try:
            answer = await self._attempt(request, credential, end)
            if answer is None and request.repeatable and isinstance(request.body, bytes):
                answer = await self._attempt(request, credential, end)
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

    async def _attempt(
        self, request: UpstreamRequest, credential: tuple[str, str], end: float
    ) -> UpstreamAnswer | None:
        """Return the answer, or None when a reused connection was reset before any byte of it."""
        trace = SimpleNamespace(reused=False, connecting=False)
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
            raise Unreachable(_NO_TUNNEL) from None
        except aiohttp.ConnectionTimeoutError:
            if not trace.connecting:
                raise Overloaded(_NO_CONNECTION) from None
            raise
        except aiohttp.ClientConnectorError:
            raise Unreachable(_UNREACHABLE) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if trace.reused:
                return None
            raise
        return UpstreamAnswer(response, self._timeouts.idle, end)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, limit_per_host=self._connections, keepalive_timeout=KEEP_ALIVE),
                timeout=aiohttp.ClientTimeout(
                    total=None,
                    connect=self._timeouts.connect + self._timeouts.pool,
                    sock_connect=self._timeouts.connect,
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                read_bufsize=READ_AHEAD,
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
                trace_configs=[_reuse_trace()],
            )
        return self._session


def _way(proxies: HttpProxies, url: str) -> _Way:
    proxy = proxies.for_url(url)
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

    async def connecting(_session: aiohttp.ClientSession, context: SimpleNamespace, _parameters: object) -> None:
        context.trace_request_ctx.connecting = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_reuseconn.append(mark)
    trace.on_connection_create_start.append(connecting)
    return trace
