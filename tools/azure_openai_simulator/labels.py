"""How a call without a deployment asks for an error: by a name inside its ids, its filename or other strings."""

from collections.abc import Collection, Iterator, Mapping

from tools.azure_openai_simulator.answers import Ask

NAMES = ("name", "filename", "file_id", "input_file_id", "training_file", "model", "assistant_id")
"""The members of a body that are searched, besides those of its `metadata`."""


def label_of(ask: Ask, samples: Collection[str], *, has_deployment: bool) -> str | None:
    """Return the longest sample's name inside the ids of the path or, without a deployment, inside any label."""
    labels = list(ask.ids.values()) if has_deployment else list(_labels(ask))
    found = [name for name in samples if any(name in label for label in labels)]
    return max(found, key=len, default=None)


def _labels(ask: Ask) -> Iterator[str]:
    yield from ask.ids.values()
    yield from ask.query.values()
    if ask.form is not None:
        yield from (part.filename for part in ask.form.files)
    if ask.form is not None or ask.headers.get("Content-Type", "").startswith("application/json"):
        members = ask.members()
        metadata = members.get("metadata")
        values = [*(members.get(name) for name in NAMES), *(metadata.values() if isinstance(metadata, Mapping) else ())]
        yield from (value for value in values if isinstance(value, str))
