"""The names under which clients know a model that Azure has deployed.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/models lists models and versions.
"""

import re

from proxy.messages import Deployed

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
