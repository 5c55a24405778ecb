"""Which targets serve a model, across all resources."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from proxy.errors import ModelNotFound
from proxy.messages import Deployed, ListedModel
from proxy.routing.offer import Offer, for_batches, for_calls, is_provisioned
from proxy.routing.target import Target

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

    def __init__(self, offers: Sequence[Offer], fallbacks: Mapping[str, tuple[str, ...]]) -> None:
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

    def _find(self, model: str, offers: Sequence[tuple[int, Offer]]) -> tuple[Target, ...]:
        names = (model, *self._fallbacks.get(model, ()))
        return _rank([found for level, name in enumerate(names) for found in self._standing_for(name, level, offers)])

    def _standing_for(self, model: str, level: int, offers: Sequence[tuple[int, Offer]]) -> Iterator[_Found]:
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


def _placed(number: int, offer: Offer, serving: Sequence[Deployed], model: str, level: int) -> Iterator[_Found]:
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
