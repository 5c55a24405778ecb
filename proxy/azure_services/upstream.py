"""Azure OpenAI, called by a client that is imported in the background.

aiohttp takes as long to import as the whole proxy. The platform waits until the app is loaded before it sends the first
request, so aiohttp is imported after that, in a thread.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from proxy.azure_services.sending import Sending
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.config.address_rules import AddressRules
from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.values import UpstreamRequest

if TYPE_CHECKING:
    from proxy.azure_services.http_client import HttpClient, UpstreamAnswer

BROKEN = "The connection to Azure OpenAI broke."


class Upstream:
    """An `HttpClient` that is imported in a thread, with `start` or with the first call."""

    def __init__(self, timeouts: Timeouts, connections: int, proxies: HttpProxies, rules: AddressRules) -> None:
        self._timeouts = timeouts
        self._connections = connections
        self._proxies = proxies
        self._rules = rules
        self._client: HttpClient | None = None
        self._opening: asyncio.Future[HttpClient] | None = None

    def __len__(self) -> int:
        """Return how many connections are in use."""
        return 0 if self._client is None else len(self._client)

    def start(self) -> None:
        """Begin to import in the background of the running loop, unless it has begun already."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(asyncio.to_thread(self._open))

    def send(
        self, request: UpstreamRequest, credential: tuple[str, str], begin: Callable[[], Sending]
    ) -> "Awaitable[UpstreamAnswer]":
        """Send a request as `HttpClient` does."""
        if self._client is None:
            return self._send_when_open(request, credential, begin)
        return self._client.send(request, credential, begin)

    async def _send_when_open(
        self, request: UpstreamRequest, credential: tuple[str, str], begin: Callable[[], Sending]
    ) -> "UpstreamAnswer":
        self.start()
        assert self._opening is not None  # noqa: S101  it was just begun
        # The import goes on for the next client when this one disconnects.
        self._client = await asyncio.shield(self._opening)
        return await self._client.send(request, credential, begin)

    async def close(self) -> None:
        """Close all connections."""
        if self._client is not None:
            await self._client.close()

    def _open(self) -> "HttpClient":
        with ONE_AT_A_TIME:
            from proxy.azure_services.http_client import HttpClient  # noqa: PLC0415  slow to import

        return HttpClient(self._timeouts, self._connections, self._proxies, self._rules)
