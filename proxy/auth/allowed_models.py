"""The models that a client key may use, by names in which `*` stands for any characters."""

import re
from collections.abc import Iterable
from functools import lru_cache

from proxy.errors import InvalidRequest, ModelNotFound

# Keys with different models; what is forgotten is compiled anew.
MAX_COMPILED = 512
_NAME_ONE = "This client key may use some models only, so name one in `model`."
_BATCH_IN_PARTS = (
    "This client key may use some models only: send the input of a batch with POST /v1/files, where its lines are read."
)
_UNKNOWN = "This client key may use some models only, so it cannot use operations that the proxy does not know."


class AllowedModels:
    """The models that a key may use."""

    def __init__(self, patterns: tuple[str, ...]) -> None:
        parts = (".*".join(map(re.escape, pattern.split("*"))) for pattern in patterns)
        self._pattern = re.compile("|".join(parts), re.DOTALL)

    def allows(self, name: str | None) -> bool:
        """Tell whether the key may use a model or a deployment of this name."""
        return name is not None and self._pattern.fullmatch(name) is not None

    def among(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return those of some names that the key may use."""
        return tuple(filter(self.allows, names))

    def check(self, model: str, known: Iterable[str]) -> None:
        """Raise `ModelNotFound` for a model that the key may not use; it suggests those of the `known` that it may."""
        if not self.allows(model):
            raise ModelNotFound(model, known=self.among(known))


@lru_cache(maxsize=MAX_COMPILED)
def allowed_models(patterns: tuple[str, ...]) -> AllowedModels:
    """Return the models of some patterns."""
    return AllowedModels(patterns)


def unnamed_model() -> InvalidRequest:
    """Return the error for a call that leaves its model to an object that Azure keeps."""
    return InvalidRequest(_NAME_ONE, param="model", code="missing_required_parameter")


def unread_batch() -> InvalidRequest:
    """Return the error for a batch that would pass unread."""
    return InvalidRequest(_BATCH_IN_PARTS, param="purpose", code="unsupported_value")


def unknown_operation() -> InvalidRequest:
    """Return the error for an operation that may name models anywhere."""
    return InvalidRequest(_UNKNOWN, code="unsupported_operation")
