"""The deployments of a resource, as Azure Resource Manager lists them.

`parse_page` parses one page of the list. A `Discovery` reads the list in the background, and nobody waits for it.

https://learn.microsoft.com/rest/api/aiservices/accountmanagement/deployments/list
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

log = logging.getLogger("proxy.azure_services.deployments")

PENDING = "discovery_pending"
REFRESH_SECONDS = 300.0  # the quota of a subscription is shared with other tools
FORMAT = "OpenAI"
# What models of other makers have in common with OpenAI's; the others have APIs of their own.
CONVERSES = frozenset({"chatCompletion", "responses"})
READY = "Succeeded"
PAUSED = "Paused"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentPage:
    """The deployments of one page that serve a model of OpenAI, and the address of the next page."""

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
    spillover_deployment_name: str | None = None


class _Item(msgspec.Struct):
    name: str
    properties: _Properties
    sku: _Sku | None = None


class _Page(msgspec.Struct, rename="camel"):
    value: list[msgspec.Raw]
    next_link: str | None = None


def parse_page(body: bytes) -> DeploymentPage:
    """Return the deployments of a page; raise `ValueError` if it is not one.

    A deployment that cannot be parsed is left out, so that it does not hide the others.
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
        (properties.model.format == FORMAT or not CONVERSES.isdisjoint(_capabilities(properties)))
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
        capabilities=_capabilities(properties),
        on_v1=properties.model.format != FORMAT,
        spills_over=bool(properties.spillover_deployment_name),
    )


def _capabilities(properties: _Properties) -> tuple[str, ...]:
    # Azure writes "true" and "false" as strings, beside numbers such as the maximum of tokens.
    values = (properties.capabilities or {}).items()
    return tuple(sorted(name for name, value in values if str(value).lower() == "true"))


class Discovery:
    """The deployments of one resource, read in the background; no request waits for them or fails because of them.

    `resource` is the name of the resource in the settings, for the log. `read` returns the list or raises
    `ConfigurationError`. If it fails, the last list stays in use.
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
        self._logged: str | None = None

    def current(self) -> tuple[Deployed, ...] | None:
        """Return the latest list, None as long as there is none."""
        return self._latest

    @property
    def problem(self) -> str | None:
        """The reason code as long as there is no list."""
        reason = self._cached.problem
        return PENDING if reason == CACHED_PENDING else reason

    def start(self) -> None:
        """Begin to read in the background of the running loop, unless it has begun already."""
        self._cached.start()

    async def close(self) -> None:
        """Stop reading; keep the list."""
        await self._cached.close()

    async def _fetch(self) -> tuple[Deployed, ...]:
        try:
            self._latest = await self._read()
        except ConfigurationError as failure:
            self._log(failure)
            raise
        self._logged = None
        return self._latest

    def _log(self, failure: ConfigurationError) -> None:
        """Log what to do, once for each reason, because no client reads it."""
        if failure.reason != self._logged:
            log.warning("deployments of %s: %s", self._resource, failure.message)
        self._logged = failure.reason
