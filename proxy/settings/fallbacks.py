"""Which models may serve in place of a model."""

from collections.abc import Mapping

from proxy.settings import json_text

MAX_FALLBACKS = 10  # a request makes fewer attempts than that
MAX_MODEL_NAME = 256  # characters; OpenAI's longest, those of fine-tuned models, have about 100


def parse_fallbacks(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the fallbacks of each model, in order, from a JSON object `{model: [model, ...]}`.

    Only what is written counts: the fallbacks of a fallback are not looked up, so two models may stand in for each
    other.
    """
    found = json_text.members(json_text.decode(text))
    return {model: _models(number, model, names) for number, (model, names) in enumerate(found.items(), start=1)}


def is_model(name: object) -> bool:
    """Tell whether something can be the name of a model."""
    return isinstance(name, str) and 0 < len(name) <= MAX_MODEL_NAME and name.isprintable() and name == name.strip()


def _models(number: int, model: str, names: object) -> tuple[str, ...]:
    if not isinstance(names, list) or not 0 < len(names) <= MAX_FALLBACKS:
        raise ValueError(f"must have a list of 1 to {MAX_FALLBACKS} models in entry {number}")
    if not all(map(is_model, (model, *names))):
        raise ValueError(f"must have nothing but names of models in entry {number}")
    if len({model, *names}) <= len(names):
        raise ValueError(f"names a model twice in entry {number}")
    return tuple(names)
