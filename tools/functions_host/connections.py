"""The pooled connections to the worker, used as .NET's SocketsHttpHandler uses its own."""

from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

IDLE_TIMEOUT = 60.0  # seconds; .NET's PooledConnectionIdleTimeout
HEADERS_LIMIT = 64 * 1024  # bytes; .NET's MaxResponseHeadersLength
NOT_OURS = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


def worker_session() -> aiohttp.ClientSession:
    """Open a session that adds nothing to a request and takes nothing from a response."""
    return aiohttp.ClientSession(
        auto_decompress=False,
        connector=NewestFirst(limit=0, keepalive_timeout=IDLE_TIMEOUT),
        cookie_jar=aiohttp.DummyCookieJar(),
        max_field_size=HEADERS_LIMIT,
        max_line_size=HEADERS_LIMIT,
        response_class=WorkerResponse,
        skip_auto_headers=NOT_OURS,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=None),
    )


class NewestFirst(aiohttp.TCPConnector):
    """Reuse the connection that was idle for the shortest time.

    After a HEAD that is the one on which the worker still produces the body: the next request waits behind it.
    """

    def _release(self, key: Any, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        super()._release(key, protocol, should_close=should_close)
        idle = self._conns.get(key)
        if idle and idle[-1][0] is protocol:
            idle.rotate(1)


class WorkerResponse(aiohttp.ClientResponse):
    """Keep the connection of a HEAD: aiohttp's parser takes a response without framing for one that ends with it."""

    def _response_eof(self) -> None:
        protocol = self._connection.protocol if self._connection else None
        if self.method == "HEAD" and protocol is not None:
            protocol._should_close = False
        super()._response_eof()
