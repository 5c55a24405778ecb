"""Which targets serve a model, across all resources.

Where a request may go.

The names under which clients know a model that Azure has deployed.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/models lists models and versions.

What one resource serves, as far as it is known.

Which targets serve a model, across all resources.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from proxy.errors import ModelNotFound
from proxy.values import DEPLOYMENT_NAME, Deployed, ListedModel

# A resource's place in the list of the settings, and the deployment there or, without one, the operation.
Key = tuple[int, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployment of a resource, as one of those that may serve a request.

    `deployment` is None for what has none, such as files; then the `operation` tells them apart: that no batch can be
    made says nothing about files. `model` is the name under which it was found: the client's,
    or that of a fallback; `version` is None when nobody knows it. Lower `priority` goes first; `weight` is its share
    among equals, 0 when it only stands in for them.
    """

    resource: int
    deployment: str | None = None
    priority: int = 0
    weight: float = 1.0
    model: str | None = None
    version: str | None = None
    operation: str | None = None
    key: Key = field(init=False, repr=False, compare=False)
    """What health is known by; made once, as it is asked for with every request."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.resource, self.deployment or self.operation))

    def is_same_model(self, other: "Target") -> bool:
        """Tell whether a request may go from one to the other: another version of a model is another model."""
        return self.model != other.model or self.version == other.version or None in (self.version, other.version)


# What OpenAI calls a model that Azure calls otherwise.
_OPENAI_NAMES = {
    "gpt-35-turbo": "gpt-3.5-turbo",
    "gpt-35-turbo-16k": "gpt-3.5-turbo-16k",
    "gpt-35-turbo-instruct": "gpt-3.5-turbo-instruct",
    "tts": "tts-1",
    "tts-hd": "tts-1-hd",
    "whisper": "whisper-1",
}
# 2024-08-06, 0613, 0125-preview, turbo-2024-04-09; not 1, 001 or 3.0, which OpenAI's names do not end with.
_SNAPSHOT = re.compile(r"[0-9]{4}(?:-[a-z0-9-]+)?|[a-z]+-[a-z0-9-]+")
# o1 to o9, gpt-5 and later, and what is made of them; not gpt-4o, whose o stands behind a digit.
_REASONING = re.compile(r"(?<![a-z0-9])(?:o[1-9]|gpt-?[5-9])(?![0-9])|reason|codex|deep-research")


def names_of(deployed: Deployed) -> tuple[str, ...]:
    """Return what clients call the model of a deployment: Azure's name and OpenAI's, without and with the version."""
    names = dict.fromkeys((deployed.model, _OPENAI_NAMES.get(deployed.model, deployed.model)))
    version = (deployed.version or "").lower()
    snapshots = [f"{name}-{version}" for name in names] if _SNAPSHOT.fullmatch(version) else []
    return (*names, *snapshots)


def is_reasoning(name: str | None) -> bool:
    """Tell whether a model or deployment has the name of one that thinks before, and between, what it says."""
    return name is not None and _REASONING.search(name.lower()) is not None


# OpenAI's models, fine-tuned ones included: nothing that could be more than a name in a header or a query.
_ANY_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceModels:
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


MAX_UNKNOWN = 256
AZURE, OPENAI = "azure-openai", "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A deployment that may serve, and what decides its place: lower goes first."""

    resource: int
    deployed: Deployed
    model: str
    weight: float
    place: tuple[int, int, bool]


class Catalogue:
    """What the resources offer, in the order of the settings; made anew when Azure lists other deployments.

    A model that somebody knows goes to those who know it, and to resources of which nothing is known. One that nobody
    knows goes to the default deployments or, without any, by its own name to where the deployments are not listed.
    """

    def __init__(self, offers: Sequence[ResourceModels], fallbacks: Mapping[str, tuple[str, ...]]) -> None:
        self._offers = tuple(enumerate(offers))
        self._index = [offer.index() for offer in offers]
        self._fallbacks = fallbacks
        # Names that nobody knows are the client's: only the latest are kept.
        self._unknown = lru_cache(maxsize=MAX_UNKNOWN)(lambda name: self._find(name, self._offers))
        names = dict.fromkeys(name for index in self._index for name in index)
        self._known = {name: self._find(name, self._offers) for name in (*names, *fallbacks)}
        resources = sorted(self._offers, key=lambda numbered: numbered[1].priority)
        # What needs no deployment is kept together where that can be: objects of two resources do not go together.
        self._anywhere = tuple(
            Target(resource=number, priority=place, weight=offer.weight)
            for place, (number, offer) in enumerate(resources)
        )
        self._names = self._list()
        self.plain_names = tuple(listed.name for listed in self._names)

    def targets(self, model: str | None, resource: int | None = None) -> tuple[Target, ...]:
        """Return where a request may go, best first, none when nobody serves the model.

        Without a model that is every resource; `resource` is the only one where the request's objects are.
        """
        if model is None:
            return tuple(target for target in self._anywhere if resource in (None, target.resource))
        if resource is None:
            return self._known.get(model) or self._unknown(model)
        return self._find(model, self._offers[resource : resource + 1])

    def serving_batch(self, model: str, resource: int) -> str:
        """Return the deployment for the lines of a batch, for which Azure has deployments of their own."""
        known = for_batches(self._index[resource].get(model, ()))
        return known[0].name if known else self.serving(model, resource)

    def serving(self, model: str, resource: int) -> str:
        """Return the deployment of one resource that serves a model; raise `ModelNotFound` when there is none."""
        for target in self.targets(model, resource):
            if target.deployment is not None and target.model == model:
                return target.deployment
        raise ModelNotFound(model)

    def names(self) -> tuple[ListedModel, ...]:
        """Return the models that are known to work: every name that finds one, and the default deployments."""
        return self._names

    def _list(self) -> tuple[ListedModel, ...]:
        names = [name for name, targets in self._known.items() if targets]
        defaults = [offer.default for _, offer in self._offers if offer.default is not None]
        return tuple(self._listed(name) for name in dict.fromkeys((*names, *defaults)))

    def _listed(self, name: str) -> ListedModel:
        known = [deployed for index in self._index for deployed in index.get(name, ())]
        azure = any(not self._offers[target.resource][1].any_name for target in self.targets(name))
        return ListedModel(
            name=name,
            owned_by=AZURE if azure else OPENAI,
            capabilities=tuple(sorted({capability for deployed in known for capability in deployed.capabilities})),
        )

    def _find(self, model: str, offers: Sequence[tuple[int, ResourceModels]]) -> tuple[Target, ...]:
        names = (model, *self._fallbacks.get(model, ()))
        return _rank([found for level, name in enumerate(names) for found in self._serving(name, level, offers)])

    def _serving(self, model: str, level: int, offers: Sequence[tuple[int, ResourceModels]]) -> Iterator[_Found]:
        known = {number: for_calls(self._index[number].get(model, ())) for number, _ in offers}
        if any(known.values()):
            guesses = {number: offer.guess(model) for number, offer in offers if offer.is_unknown}
        elif any(offer.default for _, offer in offers):
            guesses = {number: offer.find_default(model) for number, offer in offers}
        else:
            guesses = {number: offer.guess(model) for number, offer in offers}
        for number, offer in offers:
            guess = guesses.get(number)
            serving = known[number] or ((guess,) if guess else ())
            yield from _placed(number, offer, serving, model, level)


def _placed(
    number: int, offer: ResourceModels, serving: Sequence[Deployed], model: str, level: int
) -> Iterator[_Found]:
    """Yield the deployments of one resource: those that are paid for first, equal ones with an equal share."""
    provisioned = [deployed for deployed in serving if is_provisioned(deployed)]
    others = [deployed for deployed in serving if not is_provisioned(deployed)]
    for spills, group in ((False, provisioned), (bool(provisioned), others)):
        for deployed in group:
            yield _Found(
                resource=number,
                deployed=deployed,
                model=model,
                weight=offer.weight / len(group),
                place=(level, offer.priority, spills),
            )


def _rank(found: Sequence[_Found]) -> tuple[Target, ...]:
    """Return the targets, best first and each once for each model, with their places counted from 0."""
    places = {place: number for number, place in enumerate(sorted({each.place for each in found}))}
    targets: dict[tuple[int, str, str], Target] = {}
    for each in sorted(found, key=lambda each: each.place):
        target = Target(
            resource=each.resource,
            deployment=each.deployed.name,
            priority=places[each.place],
            weight=each.weight,
            model=each.model,
            version=each.deployed.version,
        )
        targets.setdefault((each.resource, each.deployed.name, each.model), target)
    return tuple(targets.values())
