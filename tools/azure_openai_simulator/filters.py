"""Content filter annotations, which Azure adds to what OpenAI answers."""

from collections.abc import Mapping

Annotation = Mapping[str, object]

_SAFE: Annotation = {"filtered": False, "severity": "safe"}

COMPLETION_SAFE: Annotation = {"hate": _SAFE, "self_harm": _SAFE, "sexual": _SAFE, "violence": _SAFE}
COMPLETION_BLOCKED: Annotation = {**COMPLETION_SAFE, "violence": {"filtered": True, "severity": "high"}}
NONE: Annotation = {}

_PROMPT_SAFE: Annotation = {
    "hate": _SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": _SAFE,
    "sexual": _SAFE,
    "violence": _SAFE,
}


def prompt_filter_results(prompts: int = 1) -> list[Annotation]:
    """Annotate every prompt of a call as safe."""
    return [{"prompt_index": index, "content_filter_results": _PROMPT_SAFE} for index in range(prompts)]


def prompt_filter_event(prompts: int = 1) -> Annotation:
    """Build the event before the first chunk of a stream: no choices, and a blank id, object and model."""
    return {
        "choices": [],
        "created": 0,
        "id": "",
        "model": "",
        "object": "",
        "prompt_filter_results": prompt_filter_results(prompts),
    }
