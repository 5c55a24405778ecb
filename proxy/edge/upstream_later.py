"""The way to Azure OpenAI, opened while nobody waits: aiohttp takes as long to import as all of the proxy.

The platform waits for the app to be loaded before it hands out the first request; aiohttp can come meanwhile.
"""

import asyncio
from typing import TYPE_CHECKING

from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.config.http_proxy import HttpProxies
from proxy.config.timeouts import Timeouts
from proxy.values import UpstreamRequest

if TYPE_CHECKING:
    from proxy.edge.upstream import Upstream
    from proxy.edge.upstream_answer import UpstreamAnswer


class UpstreamLater:
    """An `Upstream` that is imported in a thread, with `start` or with the first call."""

    def __init__(self, timeouts: Timeouts, connections: int, proxies: HttpProxies) -> None:
        self._timeouts = timeouts
        self._connections = connections
        self._proxies = proxies
        self._upstream: Upstream | None = None
        self._opening: asyncio.Future[Upstream] | None = None

    def start(self) -> None:
        """Begin to import, in the background of the running loop; once is enough."""
        if self._opening is None:
            self._opening = asyncio.ensure_future(asyncio.to_thread(self._open))

    async def send(self, request: UpstreamRequest, credential: tuple[str, str], end: float) -> "UpstreamAnswer":
        """Send a request as `Upstream` does."""
        if self._upstream is None:
            self.start()
            assert self._opening is not None  # noqa: S101  it was just begun
            # The import goes on for the next client when this one leaves.
            self._upstream = await asyncio.shield(self._opening)
        return await self._upstream.send(request, credential, end)

    async def close(self) -> None:
        """Close all connections."""
        if self._upstream is not None:
            await self._upstream.close()

    def _open(self) -> "Upstream":
        with ONE_AT_A_TIME:
            from proxy.edge.upstream import Upstream  # noqa: PLC0415  slow to import

        return Upstream(self._timeouts, self._connections, self._proxies)
