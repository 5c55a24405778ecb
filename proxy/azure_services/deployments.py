"""Which deployments a resource has, as Azure Resource Manager lists them.

One page of a resource's deployments, as Azure Resource Manager writes it.

https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list

Which deployments a resource has: read in the background, known at once or not at all.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from proxy.azure_services.cached import PENDING as CACHED_PENDING
from proxy.azure_services.cached import Cached
from proxy.errors import ConfigurationError
from proxy.values import DEPLOYMENT_NAME, Deployed

FORMAT = "OpenAI"  # other makers' models, which a resource may have too, speak other APIs
READY = "Succeeded"
PAUSED = "Paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPage:
    """The deployments that serve a model of OpenAI now, and the address of the next page."""

    deployed: tuple[Deployed, ...]
    next_link: str | None


class _DeployedModel(msgspec.Struct):
    format: str
    name: str
    version: str | None = None


class _Sku(msgspec.Struct):
    name: str | None = None


class _Properties(msgspec.Struct, rename="camel"):
    model: _DeployedModel
    provisioning_state: str
    deployment_state: str | None = None
    capabilities: dict[str, object] | None = None


class _Item(msgspec.Struct):
    name: str
    properties: _Properties
    sku: _Sku | None = None


class _Page(msgspec.Struct, rename="camel"):
    value: list[msgspec.Raw]
    next_link: str | None = None


def parse_page(body: bytes) -> DeploymentPage:
    """Return what a page says; raise ValueError when it is not one.

    A deployment that is unlike all others is left out: it must not hide the rest.
    """
    page = msgspec.json.decode(body, type=_Page)
    items = [item for raw in page.value if (item := _item(raw))]
    if page.value and not items:
        raise ValueError("not one of the deployments can be read")
    return DeploymentPage(
        deployed=tuple(_deployed(item) for item in items if _serves(item)), next_link=page.next_link or None
    )


def _item(raw: msgspec.Raw) -> _Item | None:
    try:
        return msgspec.json.decode(raw, type=_Item)
    except ValueError:
        return None


def _serves(item: _Item) -> bool:
    properties = item.properties
    return (
        properties.model.format == FORMAT
        and properties.provisioning_state == READY
        and properties.deployment_state != PAUSED
        and DEPLOYMENT_NAME.fullmatch(item.name) is not None
    )


def _deployed(item: _Item) -> Deployed:
    properties, sku = item.properties, item.sku or _Sku()
    return Deployed(
        name=item.name,
        model=properties.model.name,
        version=properties.model.version,
        sku=sku.name,
        # Azure writes "true" and "false" as texts, and figures such as the largest number of tokens among them.
        capabilities=tuple(
            sorted(name for name, value in (properties.capabilities or {}).items() if str(value).lower() == "true")
        ),
    )


log = logging.getLogger("proxy.azure_services.deployments")

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
