"""Where a template is deployed, and what that makes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = Any
DEPLOYMENTS = "Microsoft.Resources/deployments"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a template is deployed."""

    subscription: str = "11111111-1111-1111-1111-111111111111"
    group: str = "rg-proxy"
    location: str = "swedencentral"

    @property
    def group_id(self) -> str:
        """Return the id of the resource group."""
        return f"/subscriptions/{self.subscription}/resourceGroups/{self.group}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A deployed resource; `path` names the symbols that lead to it, `after` those of its template it waits for."""

    id: str
    type: str
    name: str
    body: dict[str, Json]
    path: tuple[str, ...]
    after: frozenset[str] = frozenset()
    outputs: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What a deployment made, in the order in which it was made, and its outputs."""

    resources: tuple[Resource, ...]
    outputs: Mapping[str, Json]

    def of_type(self, kind: str) -> list[Resource]:
        """Return the resources of one type."""
        return [one for one in self.resources if one.type == kind]

    def only(self, kind: str) -> Resource:
        """Return the one resource of a type."""
        (one,) = self.of_type(kind)
        return one
