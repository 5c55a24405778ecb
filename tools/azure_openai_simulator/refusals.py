"""The parameters that a deployment refuses, one in each answer; the name of the deployment says which."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import msgspec

from tools.azure_openai_simulator.answers import Ask
from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.state import Record

Refuse = Callable[[str, object, str], InvalidError | None]
"""Returns the refusal of a parameter, by its name, its value and the model; None if the value is accepted."""


def _unsupported(name: str, _value: object, _model: str, *, hint: str = "") -> InvalidError:
    message = f"Unsupported parameter: '{name}' is not supported with this model.{hint}"
    return InvalidError(400, message, param=name, code="unsupported_parameter")


def _unknown(name: str, _value: object, _model: str) -> InvalidError:
    return InvalidError(400, f"Unknown parameter: '{name}'.", param=name, code="unknown_parameter")


def _unrecognized(name: str, _value: object, _model: str) -> InvalidError:
    return InvalidError(400, f"Unrecognized request argument supplied: {name}")


def _only_default(name: str, value: object, _model: str, *, default: object) -> InvalidError | None:
    if value in (None, default):
        return None
    message = (
        f"'{name}' does not support {_spelt(value)} with this model. Only the default ({default}) value is supported."
    )
    return InvalidError(400, f"Unsupported value: {message}", param=name, code="unsupported_value")


def _only(name: str, value: object, model: str, *, taken: str) -> InvalidError | None:
    """Refuse all but one value with a message that does not name the parameter."""
    if value in (None, taken):
        return None
    message = f"{_spelt(value)} is not supported with the '{model}' model. Supported values are: '{taken}'."
    return InvalidError(400, f"Unsupported value: {message}", param=name, code="unsupported_value")


def _sealed(name: str, value: object, _model: str) -> InvalidError | None:
    """Refuse to include reasoning that the client keeps, as Azure does for models that do not reason."""
    if not isinstance(value, list) or "reasoning.encrypted_content" not in value:
        return None
    return InvalidError(400, "Encrypted content is not supported with this model.", param=name)


def _spelt(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else msgspec.json.encode(value).decode()


_LIMIT: Mapping[str, Refuse] = {"max_tokens": partial(_unsupported, hint=" Use 'max_completion_tokens' instead.")}
_NEW_LIMIT: Mapping[str, Refuse] = {"max_completion_tokens": _unrecognized}
_FIVE: Mapping[str, Refuse] = {
    **_LIMIT,
    "temperature": partial(_only_default, default=1),
    "prompt_cache_key": _unknown,
    "top_p": _unrecognized,
    "presence_penalty": _unsupported,
    "text.verbosity": partial(_only, taken="medium"),  # a chat completion has no such member
}

REFUSALS: Mapping[str, Mapping[str, Refuse]] = MappingProxyType(
    {
        "refuses-five": _FIVE,
        "refuses-six": {**_FIVE, "frequency_penalty": _unsupported},
        "refuses-new-limit": _NEW_LIMIT,
        "refuses-both-limits": {**_LIMIT, **_NEW_LIMIT},
        "refuses-reasoning": {"include": _sealed, "reasoning.summary": _unsupported, "reasoning.effort": _unsupported},
        # https://github.com/github/gh-models/issues/31
        "refuses-stream": {"stream": partial(_only_default, default=False)},
        "refuses-stream-options": {"stream_options": _unsupported},
        "refuses-tools": {"tools": _unknown},
    }
)
"""Deployment name -> what it refuses, in this order; `text.verbosity` is a member of the member `text`."""


def check_parameters(ask: Ask) -> None:
    """Refuse the first parameter of a call that its deployment refuses; raise InvalidError."""
    refusals = REFUSALS.get(ask.deployment)
    if refusals is None:
        return
    for name, refuse in refusals.items():
        *path, last = name.split(".")
        held = _held(ask.members(), path)
        error = refuse(name, held[last], ask.model) if last in held else None
        if error is not None:
            raise error


def _held(members: Record, path: Sequence[str]) -> Record:
    """Return the object at a path, an empty one where there is none."""
    for name in path:
        inner = members.get(name)
        members = inner if isinstance(inner, dict) else {}
    return members
