"""Calls to Azure OpenAI with aiohttp: one connection pool for each host, no redirects, no decompression."""

import asyncio
import io
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from multidict import CIMultiDict
from yarl import URL

from proxy.azure_services.sending import Sending
from proxy.azure_services.upstream import BROKEN
from proxy.config.address_rules import AddressRules
from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.errors import IncompletelySent, Overloaded, ProxyError, Unreachable, UpstreamError
from proxy.values import UpstreamRequest

# How long a connection may be idle before it is used again, in seconds. Azure's gateway closes one after some minutes,
# so that one of the first kind is rarely stale.
KEEP_ALIVE = 60.0
# For a request that must not be sent twice: if a reused connection breaks before the answer, nobody knows whether Azure
# has taken the request. One that was in use a moment ago is as good as a new one.
KEEP_ALIVE_ONCE = 5.0
# For a request that is sent again because its connection was stale: all others may be, so it gets a new one.
NEW = 0.0
# Bytes; aiohttp reads at most twice as much ahead of a client that reads slowly.
READ_AHEAD = 64 * 1024
# Bytes; a larger body is sent in pieces.
WHOLE_BODY = 256 * 1024
# Seconds; how long after the last event the end of the body may come.
TAIL = 0.5
# Raised by reading when the connection breaks. What aiohttp's parser raises is no ClientError.
BREAKS = (aiohttp.ClientError, HttpProcessingError, OSError)
_UNREACHABLE = "Azure OpenAI could not be reached."
_NOT_HTTP = "The bytes of the answer are no HTTP."
_NO_CONNECTION = "All connections of this instance to Azure OpenAI are in use."
_REFUSED_ADDRESS = (
    "The address of this model's server is none that the proxy may connect to. Correct the endpoint in "
    "AZURE_OPENAI_RESOURCES or the name's address; UPSTREAM_PRIVATE_ADDRESSES allows private ones."
)
_NO_TUNNEL = "The HTTP proxy on the way to Azure OpenAI could not be reached, or refused the connection."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Address:
    """A URL for aiohttp, and the HTTP proxy to use.

    `login` is only for the tunnel: plain http is only used for this machine, and without a proxy.
    """

    url: URL
    proxy: URL | None = None
    login: Mapping[str, str] = field(default_factory=dict, repr=False)


class _Connecting:
    """Whether a sending has opened a new connection, and was refused an address."""

    __slots__ = ("new", "refused")

    def __init__(self) -> None:
        self.new = False
        self.refused = False


_CONNECTING: ContextVar[_Connecting] = ContextVar("connecting")


class _Protocol(ResponseHandler):
    """Tells who reads a body that the bytes of the connection are no HTTP any more.

    aiohttp 3.14 closes the connection then and keeps the error for the next answer: a reader of this one waits on.
    """

    def set_exception(self, exc: BaseException, *cause: BaseException) -> None:
        super().set_exception(exc, *cause)
        payload = self._payload
        if isinstance(exc, HttpProcessingError) and payload is not None and not payload.is_eof():
            payload.set_exception(aiohttp.ClientPayloadError(_NOT_HTTP))


class _Connector(aiohttp.TCPConnector):
    """Notes when a sending opens a new connection; aiohttp's tracing would cost more."""

    def __init__(self, **named: Any) -> None:
        super().__init__(**named)
        protocol: type[ResponseHandler] = _Protocol
        self._factory = partial(protocol, loop=self._loop)

    async def _create_connection(self, *arguments: Any, **named: Any) -> Any:
        _CONNECTING.get().new = True
        return await super()._create_connection(*arguments, **named)


def _guarded_socket(rules: AddressRules, address: Any, *, secure: bool) -> socket.socket:
    """Return a socket for one address that a name has led to; raise `PermissionError` if it must not be called.

    aiohttp connects it to this very address, so that no second look at the name can lead elsewhere.
    """
    family, kind, protocol, _, (host, port, *_) = address
    if rules.address_problem(host, port, secure=secure):
        _CONNECTING.get().refused = True
        raise PermissionError
    return socket.socket(family=family, type=kind, proto=protocol)


class UpstreamAnswer:
    """An answer whose headers have arrived; the names in `headers` are in lower case. It must be closed.

    `read` returns the next bytes, empty at the end. It raises one of `breaks`, or the error given to `abort`. It is
    aiohttp's own method, because a wrapper would add a tenth to the cost of a chunk.
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
        """Return the whole body; raise `UpstreamError` if the connection breaks or it is longer than `limit` bytes."""
        body = await self.read_beginning(limit + 1)
        if len(body) > limit:
            raise UpstreamError("Azure OpenAI's answer is too large.")
        return body

    async def read_beginning(self, limit: int) -> bytes:
        """Return up to `limit` bytes of the body; raise `UpstreamError` if the connection breaks."""
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
        """Read what comes after the last event, usually nothing, so that the connection can be reused."""
        if self._response.content.at_eof():
            return
        try:
            async with asyncio.timeout(TAIL):
                while await self.read():
                    pass
        except (TimeoutError, UpstreamError, *BREAKS):
            self._response.close()

    def abort(self, error: ProxyError) -> None:
        """Let the next read raise an error."""
        self._response.content.set_exception(error)

    def close(self) -> None:
        """Return the connection to the pool if the answer was read to its end, else close it."""
        self._response.close()


class HttpClient:
    """The connection pools, one for each host, which open with the first call.

    There are separate pools for each time that a connection may be idle, because aiohttp's pools have one such time.
    `connections` is how many connections a host may have in each. aiohttp's `trust_env` is off,
    because it reads the environment and a netrc file for every request.

    Requests that are guarded have pools of their own, whose connections are only to addresses that the `rules` allow.
    An HTTP proxy finds the addresses of names by itself, so that its own rules apply.
    """

    def __init__(
        self,
        timeouts: Timeouts,
        connections: int,
        proxies: HttpProxies | None = None,
        rules: AddressRules | None = None,
    ) -> None:
        self._timeouts = timeouts
        self._connections = connections
        self._rules = rules or AddressRules()
        # There are few URLs, and parsing one costs as much as everything else that is done here for a request.
        self._address = lru_cache(maxsize=256)(partial(_address, proxies or HttpProxies()))
        self._sessions: dict[tuple[float, str | None], aiohttp.ClientSession] = {}

    def __len__(self) -> int:
        """Return how many connections are in use."""
        connectors = [session.connector for session in self._sessions.values()]
        return sum(len(connector._acquired) for connector in connectors if connector is not None)

    async def send(
        self, request: UpstreamRequest, credential: tuple[str, str], begin: Callable[[], Sending]
    ) -> UpstreamAnswer:
        """Send a request and return the answer when its headers have arrived; `begin` is called for each sending.

        If Azure closed a pooled connection before any byte of an answer, a request that is `repeatable` is sent once
        more. Raises `Unreachable` if nothing was sent, `IncompletelySent` if not all was, `UpstreamError` if the answer
        is not HTTP.
        """
        once = not (request.repeatable and isinstance(request.body, bytes))
        sending = begin()
        try:
            answer = await self._send(request, credential, sending, KEEP_ALIVE_ONCE if once else KEEP_ALIVE)
            if answer is None and not once:
                sending = begin()
                answer = await self._send(request, credential, sending, NEW)
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable(_UNREACHABLE) from None
        except (*BREAKS, ValueError):
            raise _broken(request, sending) from None
        if answer is None:
            raise _broken(request, sending)
        if answer.headers.get("content-encoding", "").lower() not in ("", "identity"):
            answer.close()
            raise UpstreamError("Azure OpenAI sent a compressed answer that was not asked for.")
        return answer

    async def close(self) -> None:
        """Close all connections."""
        while self._sessions:
            await self._sessions.popitem()[1].close()

    async def _send(
        self, request: UpstreamRequest, credential: tuple[str, str], sending: Sending, keep_alive: float
    ) -> UpstreamAnswer | None:
        """Return the answer, None if a reused connection was reset before any byte of one."""
        address = self._address(request.url)
        headers = CIMultiDict(request.headers)
        headers.update(sending.trace)
        if credential[0]:
            headers[credential[0]] = credential[1]
        guard = address.url.scheme if request.guarded and address.proxy is None else None
        connecting = _Connecting()
        _CONNECTING.set(connecting)
        try:
            response = await self._open(keep_alive, guard).request(
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
            raise Unreachable(_REFUSED_ADDRESS if connecting.refused else _UNREACHABLE) from None
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            if connecting.new:
                raise
            sending.end("reset")
            return None
        return UpstreamAnswer(response, sending)

    def _open(self, keep_alive: float, guard: str | None) -> aiohttp.ClientSession:
        """Return a session whose connections are kept as long; a `guard` is the scheme of URLs that are guarded."""
        session = self._sessions.get((keep_alive, guard))
        if session is None:
            kept: dict[str, Any] = {"keepalive_timeout": keep_alive} if keep_alive else {"force_close": True}
            if guard is not None:
                kept["socket_factory"] = partial(_guarded_socket, self._rules, secure=guard == "https")
            session = self._sessions[keep_alive, guard] = aiohttp.ClientSession(
                connector=_Connector(limit=0, limit_per_host=self._connections, **kept),
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
            # aiohttp would repeat a GET on a pooled connection without a report; `send` does it with one.
            session._retry_connection = False
        return session


def _address(proxies: HttpProxies, url: str) -> _Address:
    proxy = proxies.for_url(url)
    if proxy is None:
        return _Address(url=URL(url, encoded=True))
    login = {"Proxy-Authorization": proxy.authorization.reveal()} if proxy.authorization else {}
    return _Address(url=URL(url, encoded=True), proxy=URL(proxy.url), login=login)


def _payload(body: bytes | AsyncIterator[bytes], sending: Sending) -> bytes | io.BytesIO | AsyncIterator[bytes] | None:
    """Return the body, or a file that is sent in pieces so that other streams can continue meanwhile."""
    if not isinstance(body, bytes):
        return _counted(body, sending)
    sending.sent = len(body)
    return io.BytesIO(body) if len(body) > WHOLE_BODY else body or None


def _broken(request: UpstreamRequest, sending: Sending) -> UpstreamError:
    """Return the error for a connection that broke before the answer; a body without a length may be whole."""
    is_whole = sending.sent >= int(request.headers.get("content-length", 0))
    return UpstreamError(BROKEN) if is_whole else IncompletelySent(BROKEN)


async def _counted(body: AsyncIterator[bytes], sending: Sending) -> AsyncIterator[bytes]:
    async for part in body:
        sending.sent += len(part)
        yield part
