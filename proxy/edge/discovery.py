"""Which deployments a resource has: read in the background, known at once or not at all."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from proxy.edge.cached import PENDING as CACHED_PENDING
from proxy.edge.cached import Cached
from proxy.errors import ConfigurationError
from proxy.messages import Deployed

log = logging.getLogger("proxy.edge.discovery")

PENDING = "discovery_pending"
REFRESH_SECONDS = 300.0  # a new deployment is seldom wanted sooner, and the quota of a subscription is for many tools


class Discovery:
    """The deployments of one resource. Nobody waits for it and none of its failures is a client's.

    `resource` is the resource's name in the settings, for the log; `read` returns the list or raises
    ConfigurationError. The last good list stays when a later read fails.
    """

    def __init__(
        self,
        resource: str,
        read: Callable[[], Awaitable[tuple[Deployed, ...]]],
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._resource = resource
        self._read = read
        self._cached = Cached(self._fetch, lambda _: REFRESH_SECONDS, sleep=sleep)
        self._latest: tuple[Deployed, ...] | None = None
        self._told: str | None = None

    def current(self) -> tuple[Deployed, ...] | None:
        """Return the latest list; None while nothing is known."""
        return self._latest

    @property
    def problem(self) -> str | None:
        """The reason code while nothing is known."""
        reason = self._cached.problem
        return PENDING if reason == CACHED_PENDING else reason

    def start(self) -> None:
        """Begin to read in the background of the running loop; once is enough."""
        self._cached.start()

    async def close(self) -> None:
        """Stop reading; the list stays."""
        await self._cached.close()

    async def _fetch(self) -> tuple[Deployed, ...]:
        try:
            self._latest = await self._read()
        except ConfigurationError as failure:
            self._tell(failure)
            raise
        self._told = None
        return self._latest

    def _tell(self, failure: ConfigurationError) -> None:
        """Log the cure once: no client will read it."""
        if failure.reason != self._told:
            log.warning("deployments of %s: %s", self._resource, failure.message)
        self._told = failure.reason
