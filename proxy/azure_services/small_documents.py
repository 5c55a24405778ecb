"""Small documents of Azure's services beside Azure OpenAI: one session, no redirects, a limit for each."""

import asyncio
from typing import Any

import aiohttp

from proxy.config.http_proxy import HttpProxies


def open_session(*, connect: float, total: float) -> aiohttp.ClientSession:
    """Open the session; `connect` and `total` are the seconds for a connection and a whole answer."""
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=total, sock_connect=connect),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("user-agent", "accept-encoding"),
    )


def proxy_arguments(proxies: HttpProxies, url: str) -> dict[str, Any]:
    """Return the arguments with which aiohttp uses the outbound HTTP proxy, none without one."""
    proxy = proxies.for_url(url)
    if proxy is None:
        return {}
    login = proxy.authorization
    return {
        "proxy": proxy.url,
        "proxy_headers": {"Proxy-Authorization": login.reveal()} if login is not None else None,
    }


async def read_whole(content: aiohttp.StreamReader, longest: int) -> bytes | None:
    """Return a whole body, None when it is longer than allowed."""
    try:
        await content.readexactly(longest + 1)
    except asyncio.IncompleteReadError as end:
        return end.partial
    return None


class Documents:
    """Public documents of one service, over one session that opens with the first; `longest` is in bytes."""

    def __init__(self, proxies: HttpProxies, *, connect: float, total: float, longest: int) -> None:
        self._proxies = proxies
        self._connect, self._total, self._longest = connect, total, longest
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str) -> tuple[int, bytes | None]:
        """Return the status and the body, None if that is too long; raise OSError when there is no answer."""
        if self._session is None:
            self._session = open_session(connect=self._connect, total=self._total)
        try:
            async with self._session.get(url, allow_redirects=False, **proxy_arguments(self._proxies, url)) as response:
                return response.status, await read_whole(response.content, self._longest)
        except (TimeoutError, OSError, aiohttp.ClientError):
            raise ConnectionError from None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
