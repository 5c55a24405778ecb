"""The resources of Azure OpenAI: what each serves, where it takes operations, and what opens it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from proxy.azure_api.urls import Surfaces
from proxy.azure_services.credentials import UpstreamCredential
from proxy.azure_services.deployments import Discovery
from proxy.openai_api.object_ids import Tags
from proxy.routing.retry import Routing
from proxy.routing.targets import AZURE, OPENAI, Catalogue, Key, ResourceModels, Target
from proxy.values import AuthMode, Deployed, ListedModel

# Names of models come from clients, so that few are remembered.
MAX_ANSWERED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource.

    `models` is what the settings say of it, `discovery` what Azure lists, None where nobody asks. `auth` says where the
    credential comes from; None is the client, which brought its own key.
    """

    models: ResourceModels
    discovery: Discovery | None = None
    surfaces: Surfaces
    credential: UpstreamCredential
    auth: AuthMode | None

    def deployments(self) -> tuple[Deployed, ...] | None:
        """Return the deployments that Azure lists, None while nobody knows them."""
        return None if self.discovery is None else self.discovery.current()


class Resources:
    """All resources, in the order of the settings, and what is known of them."""

    def __init__(
        self, resources: Sequence[Resource], *, fallbacks: Mapping[str, tuple[str, ...]], routing: Routing, tags: Tags
    ) -> None:
        self.each = tuple(resources)
        self.routing = routing
        self.tags = tags
        self._fallbacks = fallbacks
        self._discovers = any(resource.discovery is not None for resource in resources)
        self._listed = self._deployments()
        self._catalogue = self._make_catalogue()
        self._answered: dict[str, ListedModel] = {}
        self._hidden_usage: dict[Key, None] = {}

    def start(self) -> None:
        """Begin to fetch credentials and lists in the background of the running loop."""
        for resource in self.each:
            resource.credential.start()
        self._discover()

    async def close(self) -> None:
        """Stop what runs in the background."""
        for resource in self.each:
            await resource.credential.close()
            if resource.discovery is not None:
                await resource.discovery.close()

    def problems(self) -> tuple[str, ...]:
        """Return why no resource can be called, as codes; none while one of them can."""
        problems = [resource.credential.problem for resource in self.each]
        return () if None in problems else tuple(problem for problem in problems if problem)

    def catalogue(self) -> Catalogue:
        """Return which targets serve which model; made anew only when Azure lists other deployments."""
        if self._discovers:
            self._discover()
            listed = self._deployments()
            if any(new is not old for new, old in zip(listed, self._listed, strict=True)):
                self._listed = listed
                self._catalogue = self._make_catalogue()
        return self._catalogue

    def note_answer(self, target: Target) -> None:
        """Remember that a target has answered to its names; the oldest of many are forgotten."""
        for name in (target.model, target.deployment):
            if name is not None and name not in self._answered:
                if len(self._answered) >= MAX_ANSWERED:
                    del self._answered[next(iter(self._answered))]
                is_openai = self.each[target.resource].surfaces.is_openai
                self._answered[name] = ListedModel(name=name, owned_by=OPENAI if is_openai else AZURE)

    def note_hidden_usage(self, target: Target) -> None:
        """Remember that a deployment refuses to tell the usage of a stream; the oldest of many are forgotten."""
        if len(self._hidden_usage) >= MAX_ANSWERED:
            del self._hidden_usage[next(iter(self._hidden_usage))]
        self._hidden_usage[target.key] = None

    def hides_usage(self, target: Target) -> bool:
        """Tell whether a deployment is known to refuse to tell the usage of a stream."""
        return target.key in self._hidden_usage

    def answered(self) -> tuple[ListedModel, ...]:
        """Return the models and deployments that have answered, also those that nobody has configured."""
        return tuple(self._answered.values())

    def _discover(self) -> None:
        for resource in self.each:
            if resource.discovery is not None:
                resource.discovery.start()

    def _deployments(self) -> tuple[tuple[Deployed, ...] | None, ...]:
        return tuple(resource.deployments() for resource in self.each)

    def _make_catalogue(self) -> Catalogue:
        models = [
            resource.models if resource.discovery is None else replace(resource.models, deployed=listed)
            for resource, listed in zip(self.each, self._listed, strict=True)
        ]
        return Catalogue(models, self._fallbacks)
