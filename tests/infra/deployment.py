"""Where a template is deployed, and what that makes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a template is deployed; without a group it is one for a subscription."""

    tenant: str = "44444444-4444-4444-4444-444444444444"
    subscription: str = "11111111-1111-1111-1111-111111111111"
    group: str | None = "rg-proxy"
    location: str = "swedencentral"

    @property
    def metadata(self) -> dict[str, str]:
        """Return the place as the compiler wants it."""
        group = {} if self.group is None else {"resourceGroup": self.group}
        return {"tenantId": self.tenant, "subscriptionId": self.subscription, "location": self.location, **group}


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A deployed resource."""

    id: str
    type: str
    name: str
    body: dict[str, Json]

    @property
    def scope(self) -> str:
        """Return the id of the resource that an extension, as a role assignment, belongs to."""
        return self.id.rpartition("/providers/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A resource or a nested deployment of a template: its id, the loop it belongs to, and what it waits for."""

    id: str
    loop: str
    after: frozenset[str]
    is_module: bool

    @property
    def name(self) -> str:
        """Return the last part of the id."""
        return self.id.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment makes, and its outputs; what is known only after it holds the values that a test gave."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Json]
    diagnostics: tuple[Json, ...] = ()

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of one type."""
        return [one for one in self.resources if one.type == kind]

    def only(self, kind: str) -> Resource:
        """Return the one resource of a type."""
        (one,) = self.of_type(kind)
        return one
