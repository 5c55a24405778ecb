"""What the proxy answers itself: models, its health, what it is, and what old clients ask for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from proxy.azure_api.headers import JSON
from proxy.errors import NO_HEADERS, ModelNotFound, UnsupportedOperation
from proxy.openai_api import answers
from proxy.openai_api.router import Route
from proxy.pipeline.authentication import Principal
from proxy.pipeline.resources import Resources
from proxy.values import ListedModel, Response

_HOW_KNOWN = (
    "A name is known if AZURE_OPENAI_MODEL_MAPPER or AZURE_OPENAI_RESOURCES has it, if Azure lists it "
    "(AZURE_OPENAI_RESOURCE_ID), or once it has answered a request on this instance."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalOperations:
    """The answers of the proxy; `created` is in seconds since 1970 UTC."""

    created: int

    def answer(self, route: Route, principal: Principal) -> Response:
        """Return the answer to a client; raise `ModelNotFound` for a model that it has not."""
        resources, allowed = principal.resources, principal.allowed
        models = resources.catalogue().names()
        if allowed is not None:
            models = tuple(model for model in models if allowed.allows(model.name))
        match route.operation.name:
            case "listModels":
                return _json(answers.encode_models(models, self.created))
            case "retrieveModel":
                return _json(self._model(route.parameters[0], models, principal))
            case "billingSubscription":
                return _json(answers.SUBSCRIPTION)
            case "billingUsage":
                return _json(answers.USAGE)
            case _:
                raise UnsupportedOperation(answers.realtime_message(_endpoints(resources)))

    def health(
        self, reasons: Iterable[str], warnings: Iterable[str] = (), version: Mapping[str, str] = NO_HEADERS
    ) -> Response:
        """Return whether the proxy is ready; reasons against it and warnings are codes without names."""
        codes = tuple(dict.fromkeys(reasons))
        body = answers.encode_health(codes, warnings, version)
        return Response(status=503 if codes else 200, headers=JSON, body=body)

    def _model(self, name: str, models: tuple[ListedModel, ...], principal: Principal) -> bytes:
        if principal.allowed is None or principal.allowed.allows(name):
            for model in (*models, *principal.resources.answered()):
                if model.name == name:
                    return answers.encode_model(model, self.created)
        raise ModelNotFound(name, known=tuple(model.name for model in models), hint=_HOW_KNOWN)


def _json(body: bytes) -> Response:
    return Response(status=200, headers=JSON, body=body)


def _endpoints(resources: Resources) -> tuple[str, ...]:
    return tuple(one.surfaces.endpoint for one in resources.each if not one.surfaces.is_openai)
