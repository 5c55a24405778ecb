"""Which targets serve a model, across all resources.

A `Target` is a deployment of a resource. `ResourceModels` is what is known of one resource: the operator's mapping and
what Azure lists. The `Catalogue` puts all resources together and ranks the targets of each model.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/models lists models and versions.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from proxy.errors import ModelNotFound
from proxy.values import DEPLOYMENT_NAME, Api, Deployed, ListedModel, ModelKind

# The number of a resource in the settings, and its deployment or, without one, the operation.
Key = tuple[int, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A deployment of a resource that may serve a request.

    `deployment` is None for operations without one, such as those on files; then the health of each `operation` is kept
    apart. `model` is the name by which the target was found: the client's, or a fallback's. `version` is None when it
    is not known. A lower `priority` is called first. `weight` is the share among targets of the same priority; with 0
    the target is called only when the others cannot answer. `on_v1` tells that the deployment is known to answer on
    `/openai/v1` alone, `api` that it is to be called by one API alone for conversations.
    """

    resource: int
    deployment: str | None = None
    priority: int = 0
    weight: float = 1.0
    model: str | None = None
    version: str | None = None
    operation: str | None = None
    on_v1: bool = False
    api: Api | None = None
    key: Key = field(init=False, repr=False, compare=False)
    """What identifies the target in `Health`; computed once, because every request needs it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (self.resource, self.deployment or self.operation))

    def is_same_model(self, other: "Target") -> bool:
        """Tell whether both serve the same model; another version counts as another model."""
        return self.model != other.model or self.version == other.version or None in (self.version, other.version)


# OpenAI's names for models that have another name at Azure.
_OPENAI_NAMES = {
    "gpt-35-turbo": "gpt-3.5-turbo",
    "gpt-35-turbo-16k": "gpt-3.5-turbo-16k",
    "gpt-35-turbo-instruct": "gpt-3.5-turbo-instruct",
    "tts": "tts-1",
    "tts-hd": "tts-1-hd",
    "whisper": "whisper-1",
}
# 2024-08-06, 0613, 0125-preview, turbo-2024-04-09; not 1, 001 or 3.0, with which no name of OpenAI ends.
_SNAPSHOT = re.compile(r"[0-9]{4}(?:-[a-z0-9-]+)?|[a-z]+-[a-z0-9-]+")
# o1 to o9, gpt-5 and later, and models derived from them; not gpt-4o, where the o follows a digit.
_REASONING = re.compile(r"(?<![a-z0-9])(?:o[1-9]|gpt-?[5-9])(?![0-9])|reason|codex|deep-research")


def names_of(deployed: Deployed) -> tuple[str, ...]:
    """Return the names that clients use for a deployment's model: Azure's and OpenAI's, with and without version."""
    names = dict.fromkeys((deployed.model, _OPENAI_NAMES.get(deployed.model, deployed.model)))
    version = (deployed.version or "").lower()
    snapshots = [f"{name}-{version}" for name in names] if _SNAPSHOT.fullmatch(version) else []
    return (*names, *snapshots)


def is_reasoning(name: str | None) -> bool:
    """Tell whether a model or deployment has the name of a reasoning model, which pauses between its outputs."""
    return name is not None and _REASONING.search(name.lower()) is not None


# Reasoning models that are asked for answers of many minutes.
_LONG = re.compile(r"-pro(?![a-z])|deep-research")


def takes_long(name: str | None) -> bool:
    """Tell whether a model or deployment has the name of a reasoning model whose answers may take many minutes."""
    return name is not None and is_reasoning(name) and _LONG.search(name.lower()) is not None


# Models of OpenAI by their names; a deployment may have any other. Its open models are served as those of others are,
# and tell their reasoning: https://github.com/langchain-ai/langchain/issues/32425
_OF_OPENAI = re.compile(
    r"(?:chat)?gpt(?!-?oss)|(?<![a-z0-9])o[1-9](?![0-9])|codex|computer-use|model-router|deep-research"
)


def is_of_openai(target: Target) -> bool:
    """Tell whether a target's model has the name of one of OpenAI, or its deployment has."""
    names = (name.lower() for name in (target.model, target.deployment) if name is not None)
    return not target.on_v1 and any(_OF_OPENAI.search(name) for name in names)


# Models of other makers that Foundry offers, or that are run by oneself.
_OF_OTHERS = re.compile(
    r"deepseek|grok|llama|mi(?:s|nis)tral|codestral|magistral|(?<![a-z])phi(?![a-z])|kimi|qwen|cohere|(?<![a-z])command-"
    r"|gpt-oss|jamba|gemma|minimax|(?<![a-z])glm(?![a-z])|claude|mai-"
)


def is_of_other_maker(target: Target) -> bool:
    """Tell whether a target's model is known to be of another maker than OpenAI, from Azure's list or by its name."""
    names = (name.lower() for name in (target.model, target.deployment) if name is not None)
    return target.on_v1 or any(_OF_OTHERS.search(name) for name in names)


_OF_MISTRAL = re.compile(r"mi(?:s|nis|x)tral|codestral|magistral|devstral|pixtral")


def is_of_mistral(target: Target) -> bool:
    """Tell whether a target's model has the name of one of Mistral, which refuse members that they do not know."""
    names = (name.lower() for name in (target.model, target.deployment) if name is not None)
    return any(_OF_MISTRAL.search(name) for name in names)


# What a model is for, by its name; the first row that fits counts, None for those that serve nothing by default.
_KINDS: tuple[tuple[re.Pattern[str], ModelKind | None], ...] = tuple(
    (re.compile(pattern), kind)
    for pattern, kind in (
        ("realtime", ModelKind.REALTIME),
        ("whisper|transcribe", ModelKind.TRANSCRIPTIONS),
        ("(?<![a-z])tts(?![a-z])", ModelKind.SPEECH),
        ("sora", ModelKind.VIDEOS),
        ("dall-e|image", ModelKind.IMAGES),
        ("embedding", ModelKind.EMBEDDINGS),
        ("audio|instruct|davinci|babbage", None),
    )
)
# Azure's words for what a model can.
_CAPABILITIES = {
    "chatCompletion": ModelKind.CHAT,
    "responses": ModelKind.CHAT,
    "embeddings": ModelKind.EMBEDDINGS,
    "imageGenerations": ModelKind.IMAGES,
}
_APIS = {"chatCompletion": Api.CHAT, "responses": Api.RESPONSES}
_CHAT_NAME = re.compile(r"(?:chat)?gpt|o[1-9]")


def kind_of(deployed: Deployed) -> ModelKind | None:
    """Return what a deployment's model is for, None if that is not known."""
    model = deployed.model.lower()
    for pattern, kind in _KINDS:
        if pattern.search(model):
            return kind
    if not deployed.capabilities:
        return ModelKind.CHAT if _CHAT_NAME.match(model) else None
    return next((kind for name, kind in _CAPABILITIES.items() if name in deployed.capabilities), None)


# Models of OpenAI, fine-tuned ones included, and of servers like it, where a name may be a path; safe in a query.
_ANY_NAME = re.compile(r"[A-Za-z0-9/][A-Za-z0-9._:/@+-]{0,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceModels:
    """The deployments of one resource, and its priority and weight.

    `models`, `default`, `defaults`, `apis` and `described` (both by deployment) come from the settings. `deployed` is
    what Azure lists, None as long as it is not known. `any_name` is for OpenAI itself, where a model needs no
    deployment and its name is in no URL.
    """

    priority: int = 0
    weight: float = 1.0
    models: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    defaults: Mapping[ModelKind, str] = field(default_factory=dict)
    apis: Mapping[str, Api] = field(default_factory=dict)
    described: Mapping[str, Deployed] = field(default_factory=dict)
    deployed: tuple[Deployed, ...] | None = None
    any_name: bool = False

    @property
    def is_unknown(self) -> bool:
        """Tell whether nothing is known of the resource, so that any model may be deployed under its own name."""
        return not self.models and self.default is None and self.deployed is None

    def api_of(self, deployed: Deployed) -> Api | None:
        """Return the only API to call of a deployment, None if it has both or if that is not known."""
        offered = [api for name, api in _APIS.items() if name in deployed.capabilities]
        return self.apis.get(deployed.name) or (offered[0] if len(offered) == 1 else None)

    def describe(self, deployment: str) -> Deployed | None:
        """Return what a deployment is as the settings or Azure's list say, None if neither does."""
        listed = (one for one in self.deployed or () if one.name == deployment)
        return self.described.get(deployment) or next(listed, None)

    def guess(self, model: str) -> Deployed | None:
        """Return a deployment with the name of the model, None if the name is not possible or the list is known."""
        possible = (_ANY_NAME if self.any_name else DEPLOYMENT_NAME).fullmatch(model)
        return Deployed(name=model, model=model) if possible and model and self.deployed is None else None

    def default_for_kind(self, model: str, kind: ModelKind | None) -> Deployed | None:
        """Return the deployment that the settings name for a kind of model."""
        name = None if kind is None else self.defaults.get(kind)
        return None if name is None else self._named(name, model)

    def default_of_kind(self, model: str, kind: ModelKind | None) -> Deployed | None:
        """Return the default deployment where it serves a kind of model: chat, unless it is listed for another.

        Servers that take any name list models of any maker, most of which nobody knows the kind of.
        """
        listed = next((deployed for deployed in self.deployed or () if deployed.name == self.default), None)
        serves = ModelKind.CHAT if listed is None else kind_of(listed)
        if serves is None and self.any_name:
            serves = ModelKind.CHAT
        return self.find_default(model) if kind is not None and kind is serves else None

    def listed_of_kind(self, model: str, kind: ModelKind | None) -> Deployed | None:
        """Return the deployment of a kind that has the most similar name, among those that Azure lists."""
        fitting = [
            one for one in self.deployed or () if kind is not None and kind_of(one) is kind and not _is_batch(one)
        ]
        return max(fitting, key=lambda one: _likeness(one, model), default=None)

    def default_of_any_kind(self, model: str, kind: ModelKind | None) -> Deployed | None:
        """Return the default deployment where nobody knows of what kind it is."""
        return self.find_default(model) if kind is None or not self.deployed else None

    def find_default(self, model: str) -> Deployed | None:
        """Return the deployment for models that are not known."""
        return None if self.default is None else self._named(self.default, model)

    def index(self) -> dict[str, tuple[Deployed, ...]]:
        """Return the deployments of every name that is known to work."""
        found: dict[str, list[Deployed]] = {}
        for deployed in self.deployed or ():
            for name in names_of(deployed):
                found.setdefault(name, []).append(deployed)
        for deployed in self.deployed or ():
            if deployed not in found.get(deployed.name, ()):
                # Azure looks up deployments by name, even where that is the name of another model.
                found[deployed.name] = [deployed]
        found |= {model: [self._named(name, model)] for model, name in self.models.items()}
        for name in filter(None, (self.default, *self.defaults.values())):
            found.setdefault(name, [self._named(name, name)])
        return {name: tuple(deployments) for name, deployments in found.items()}

    def _named(self, name: str, model: str) -> Deployed:
        listed = (deployed for deployed in self.deployed or () if deployed.name == name)
        return next(listed, None) or Deployed(name=name, model=model)


_Default = Callable[[ResourceModels, str, ModelKind | None], Deployed | None]
# Who serves a model that no resource is known to have: the first of these with which any resource does.
_DEFAULTS: tuple[_Default, ...] = (
    ResourceModels.default_for_kind,
    ResourceModels.default_of_kind,
    ResourceModels.listed_of_kind,
    ResourceModels.default_of_any_kind,
)
# No deployment is taken merely because it is of the same kind where another model is configured to stand in, or where
# a resource of which nothing is known may have the model itself.
_CONFIGURED = tuple(find for find in _DEFAULTS if find is not ResourceModels.listed_of_kind)


def _likeness(deployed: Deployed, model: str) -> int:
    """Return with how many characters of a model's name a deployment's own or its model's begins."""
    return max(_shared(name.lower(), model.lower()) for name in (deployed.name, *names_of(deployed)))


def _shared(one: str, other: str) -> int:
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (a, b) in pairs if a != b), min(len(one), len(other)))


def is_provisioned(deployed: Deployed) -> bool:
    """Tell whether the capacity of a deployment is paid for even when it is not used."""
    return "provisioned" in (deployed.sku or "").lower()


def for_calls(deployments: Iterable[Deployed]) -> tuple[Deployed, ...]:
    """Return the deployments for calls: those for batches only if there are no others."""
    every = tuple(deployments)
    return tuple(deployed for deployed in every if not _is_batch(deployed)) or every


def for_batches(deployments: Iterable[Deployed]) -> tuple[Deployed, ...]:
    """Return the deployments for batches if there are any, else all."""
    every = tuple(deployments)
    return tuple(deployed for deployed in every if _is_batch(deployed)) or every


def _is_batch(deployed: Deployed) -> bool:
    return (deployed.sku or "").lower().endswith("batch")


MAX_UNKNOWN = 256
AZURE, OPENAI = "azure-openai", "openai"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A deployment that may serve a model; a lower `place` is called first."""

    resource: int
    deployed: Deployed
    model: str
    weight: float
    api: Api | None
    place: tuple[int, int, bool]


class Catalogue:
    """The targets of all models, for resources in the order of the settings; rebuilt when the deployments change.

    A model that some resource is known to have is served by the resources that have it, and by those of which nothing
    is known. Any other model is served by the default deployments for the kind of model that an operation calls, or by
    one of that kind that Azure lists or, without any, by a deployment of its own name at resources whose deployments
    are not known.
    """

    def __init__(self, resources: Sequence[ResourceModels], fallbacks: Mapping[str, tuple[str, ...]]) -> None:
        self._resources = tuple(enumerate(resources))
        self._index = [resource.index() for resource in resources]
        self._fallbacks = fallbacks
        # Unknown names come from clients, so only the latest are kept.
        self._unknown = lru_cache(maxsize=MAX_UNKNOWN)(lambda name, kind: self._find(name, kind, self._resources))
        names = dict.fromkeys(name for index in self._index for name in index)
        self._known = {name: self._find(name, None, self._resources) for name in names}
        ranked = sorted(self._resources, key=lambda numbered: numbered[1].priority)
        # Each has its own priority: objects are created at the first resource if possible, because one request cannot
        # use objects of two resources.
        self._without_deployment = tuple(
            Target(resource=number, priority=place, weight=resource.weight)
            for place, (number, resource) in enumerate(ranked)
        )
        self._names = self._list()
        self.plain_names = tuple(listed.name for listed in self._names)

    def targets(
        self, model: str | None, resource: int | None = None, kind: ModelKind | None = None
    ) -> tuple[Target, ...]:
        """Return the targets for a request that calls a model of a kind, best first, none if nobody serves the model.

        Without a model, that is every resource. With a `resource`, only that one counts, because it has the objects
        that the request names.
        """
        if model is None:
            return tuple(target for target in self._without_deployment if resource in (None, target.resource))
        if resource is None:
            return self._known.get(model) or self._unknown(model, kind)
        return self._find(model, kind, self._resources[resource : resource + 1])

    def describe(self, target: Target) -> Deployed | None:
        """Return what the deployment of a target is, for its price; None if nobody says so."""
        return None if target.deployment is None else self._resources[target.resource][1].describe(target.deployment)

    def default_targets(self, kind: ModelKind | None, resource: int | None = None) -> tuple[Target, ...]:
        """Return the targets for a request that names no model, none if there is no default for the kind."""
        return self.targets("", resource, kind)

    def serving_batch(self, model: str, resource: int) -> str:
        """Return the deployment for the lines of a batch; Azure has deployments for batches alone."""
        known = for_batches(self._index[resource].get(model, ()))
        return known[0].name if known else self.serving(model, resource)

    def serving(self, model: str, resource: int, kind: ModelKind | None = None) -> str:
        """Return the deployment of one resource that serves a model; raise `ModelNotFound` if there is none."""
        for target in self.targets(model, resource, kind):
            if target.deployment is not None and target.model == model:
                return target.deployment
        raise ModelNotFound(model)

    def names(self) -> tuple[ListedModel, ...]:
        """Return the models that are known to work, and the default deployments."""
        return self._names

    def _list(self) -> tuple[ListedModel, ...]:
        names = dict.fromkeys((*self._known, *self._fallbacks))
        return tuple(self._listed(name) for name in names if self.targets(name))

    def _listed(self, name: str) -> ListedModel:
        known = [deployed for index in self._index for deployed in index.get(name, ())]
        azure = any(not self._resources[target.resource][1].any_name for target in self.targets(name))
        return ListedModel(
            name=name,
            owned_by=AZURE if azure else OPENAI,
            capabilities=tuple(sorted({capability for deployed in known for capability in deployed.capabilities})),
        )

    def _find(
        self, model: str, kind: ModelKind | None, resources: Sequence[tuple[int, ResourceModels]]
    ) -> tuple[Target, ...]:
        replacements = self._fallbacks.get(model, ())
        may_have_it = replacements or any(resource.is_unknown for _, resource in resources)
        defaults = _CONFIGURED if may_have_it else _DEFAULTS
        names = enumerate((model, *replacements))
        return _rank(
            [found for level, name in names for found in self._serving(name, level, kind, resources, defaults)]
        )

    def _serving(
        self,
        model: str,
        level: int,
        kind: ModelKind | None,
        resources: Sequence[tuple[int, ResourceModels]],
        defaults: Sequence[_Default],
    ) -> Iterator[_Found]:
        known = {number: for_calls(self._index[number].get(model, ())) for number, _ in resources}
        if any(known.values()):
            guesses = {number: resource.guess(model) for number, resource in resources if resource.is_unknown}
        else:
            guesses = _by_default(model, kind, resources, defaults)
        for number, resource in resources:
            guess = guesses.get(number)
            serving = known[number] or ((guess,) if guess else ())
            yield from _placed(number, resource, serving, model, level)


def _by_default(
    model: str, kind: ModelKind | None, resources: Sequence[tuple[int, ResourceModels]], defaults: Sequence[_Default]
) -> dict[int, Deployed | None]:
    """Return what serves a model that no resource is known to have, for each resource."""
    for find in defaults:
        found = {number: find(resource, model, kind) for number, resource in resources}
        if any(found.values()):
            return found
    return {number: resource.guess(model) for number, resource in resources}


def _placed(
    number: int, resource: ResourceModels, serving: Sequence[Deployed], model: str, level: int
) -> Iterator[_Found]:
    """Yield the deployments of one resource, those with provisioned capacity first, in equal shares."""
    provisioned = [deployed for deployed in serving if is_provisioned(deployed)]
    others = [deployed for deployed in serving if not is_provisioned(deployed)]
    for spills, group in ((False, provisioned), (bool(provisioned), others)):
        for deployed in group:
            yield _Found(
                resource=number,
                deployed=deployed,
                model=model or deployed.name,
                weight=resource.weight / len(group),
                api=resource.api_of(deployed),
                place=(level, resource.priority, spills),
            )


def prefer(targets: tuple[Target, ...], resource: int) -> tuple[Target, ...]:
    """Return the targets so that, among equals, others only stand in for those of a resource."""
    levels = {target.priority for target in targets if target.resource == resource and target.weight}
    return tuple(
        replace(target, weight=0.0) if target.priority in levels and target.resource != resource else target
        for target in targets
    )


def _rank(found: Sequence[_Found]) -> tuple[Target, ...]:
    """Return the targets, best first and once for each model, with priorities counted from 0."""
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
            on_v1=each.deployed.on_v1,
            api=each.api,
        )
        targets.setdefault((each.resource, each.deployed.name, each.model), target)
    return tuple(targets.values())
