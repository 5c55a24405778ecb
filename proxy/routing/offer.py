"""What one resource serves, as far as it is known."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from proxy.messages import DEPLOYMENT_NAME, Deployed
from proxy.routing.model_names import names_of

# OpenAI's models, fine-tuned ones included: nothing that could be more than a name in a header or a query.
_ANY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """The deployments of one resource, and its place among the resources.

    `models` and `default` are the operator's words; `deployed` is what Azure lists, None when nobody asked or no answer
    has come yet; empty, it says that there are no others. `any_name` is for OpenAI itself, where a model needs no
    deployment and never becomes a part of a URL.
    """

    priority: int = 0
    weight: float = 1.0
    models: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    deployed: tuple[Deployed, ...] | None = None
    any_name: bool = False

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing at all is known, so that any model may be there under its own name."""
        return not self.models and self.default is None and self.deployed is None

    def guess(self, model: str) -> Deployed | None:
        """Return the deployment that has the model's own name, None where there can be none."""
        possible = (_ANY_NAME if self.any_name else DEPLOYMENT_NAME).fullmatch(model)
        return Deployed(name=model, model=model) if possible and model and self.deployed is None else None

    def find_default(self, model: str) -> Deployed | None:
        """Return the deployment for every model that nobody knows."""
        return None if self.default is None else self._named(self.default, model)

    def index(self) -> dict[str, tuple[Deployed, ...]]:
        """Return all names that are known to work, and the deployments that each stands for."""
        found: dict[str, list[Deployed]] = {}
        for deployed in self.deployed or ():
            for name in names_of(deployed):
                found.setdefault(name, []).append(deployed)
        for deployed in self.deployed or ():
            if deployed not in found.get(deployed.name, ()):
                # Azure takes a deployment's name, even where that is another model's name.
                found[deployed.name] = [deployed]
        found |= {model: [self._named(name, model)] for model, name in self.models.items()}
        return {name: tuple(deployments) for name, deployments in found.items()}

    def _named(self, name: str, model: str) -> Deployed:
        listed = (deployed for deployed in self.deployed or () if deployed.name == name)
        return next(listed, None) or Deployed(name=name, model=model)


def is_provisioned(deployed: Deployed) -> bool:
    """Tell whether its capacity is paid for whether it is used or not."""
    return "provisioned" in (deployed.sku or "").lower()


def for_calls(deployments: Iterable[Deployed]) -> tuple[Deployed, ...]:
    """Return those that answer calls: one for batches does not, and is left only where there is no other."""
    every = tuple(deployments)
    return tuple(deployed for deployed in every if not _is_batch(deployed)) or every


def for_batches(deployments: Iterable[Deployed]) -> tuple[Deployed, ...]:
    """Return those for batches where there are any, else all."""
    every = tuple(deployments)
    return tuple(deployed for deployed in every if _is_batch(deployed)) or every


def _is_batch(deployed: Deployed) -> bool:
    return (deployed.sku or "").lower().endswith("batch")
