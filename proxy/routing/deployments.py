"""Model names that clients use, and the deployments that serve them."""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.errors import ModelNotFound
from proxy.messages import DEPLOYMENT_NAME


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployments:
    """The mapping of model names to deployments, and the deployment for every other model; `closed` ones are all."""

    models: Mapping[str, str]
    default: str | None = None
    closed: bool = False

    def serving(self, model: str) -> str:
        """Return the deployment that serves a model.

        A model without an entry goes to the default deployment; without one, its own name is tried as a deployment's.
        Raises `ModelNotFound` when the name cannot be a deployment's, or must not.
        """
        deployment = self.models.get(model) or self.default
        if deployment is None and not self.closed and DEPLOYMENT_NAME.fullmatch(model):
            deployment = model
        if deployment is None:
            raise ModelNotFound(model, known=self.names())
        return deployment

    def names(self) -> tuple[str, ...]:
        """Return the model names that are known to work: the mapped ones and the default deployment."""
        known = dict.fromkeys(self.models)
        if self.default is not None:
            known[self.default] = None
        return tuple(known)
