"""Looks at the servers of a set-up: where a name leads, whether there is a trusted connection, and what is answered.

Nothing of it is on the way of a request. Each call has its own time limit, and no redirect is followed.
"""

import asyncio
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from proxy.azure_services.credentials import Header
from proxy.config.http_proxy import HttpProxies

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
LONGEST_ANSWER = 4 * 1024 * 1024  # bytes; a list of all base models takes some hundred KB
NO_HEADER: Header = ("", "")
DNS, REFUSED, UNTRUSTED, NO_TUNNEL = "dns_unresolved", "connection_failed", "tls_untrusted", "http_proxy_failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What was seen of a server: the addresses of its name, the code of a failure, and its answer if there is one.

    `clock` is the time of this machine when the answer came, in seconds since 1970 UTC.
    """

    addresses: tuple[str, ...] = ()
    failure: str | None = None
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)
    clock: float = 0.0


class Probes:
    """Calls over one session, which opens with the first; `now` is in seconds since 1970 UTC."""

    def __init__(self, proxies: HttpProxies, *, now: Callable[[], float] = time.time) -> None:
        self._proxies = proxies
        self._now = now
        self._session: aiohttp.ClientSession | None = None

    async def connect(self, url: str) -> Probed:
        """Look where a name leads, and ask for `/` there without a credential."""
        addresses: tuple[str, ...] = ()
        if self._proxies.for_url(url) is None:  # else the HTTP proxy finds the addresses
            addresses = await _resolve(url)
            if not addresses:
                return Probed(failure=DNS)
        parts = urlsplit(url)
        probed = await self.call("GET", f"{parts.scheme}://{parts.netloc}/")
        return Probed(
            addresses=addresses,
            failure=probed.failure,
            status=probed.status,
            headers=probed.headers,
            clock=probed.clock,
        )

    async def call(self, method: str, url: str, header: Header = NO_HEADER, body: bytes = b"") -> Probed:
        """Make a call with a credential; a failure of the connection is a value."""
        headers = {"accept": "application/json", "accept-encoding": "identity"}
        headers |= {"content-type": "application/json"} if body else {}
        headers |= {header[0]: header[1]} if header[0] else {}
        try:
            async with self._opened().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                **self._proxy_arguments(url),
            ) as response:
                content = await _beginning(response.content)
                names = {name.lower(): value for name, value in response.headers.items()}
                return Probed(status=response.status, headers=names, body=content, clock=self._now())
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Probed(failure=_failure(error))

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _proxy_arguments(self, url: str) -> dict[str, Any]:
        proxy = self._proxies.for_url(url)
        if proxy is None:
            return {}
        login = proxy.authorization
        return {
            "proxy": proxy.url,
            "proxy_headers": {"Proxy-Authorization": login.reveal()} if login is not None else None,
        }

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True),
                timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("user-agent",),
            )
        return self._session


async def _resolve(url: str) -> tuple[str, ...]:
    """Return the addresses of a name, none if there is no such name."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            found = await loop.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(address[0]) for *_, address in found))


def _failure(error: Exception) -> str:
    """Return the code for a call that had no answer."""
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return NO_TUNNEL
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        return UNTRUSTED
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return DNS
    return REFUSED


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    try:
        return await content.readexactly(LONGEST_ANSWER)
    except asyncio.IncompleteReadError as end:
        return end.partial
