"""Fields that only Azure OpenAI puts into its answers, and how they are taken out.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter-annotations
Values that stay are never built: msgspec hands them out and takes them back as the bytes they came in.
"""

import msgspec

from proxy.openai_api.json_members import DECODE, ENCODE, Members

_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode
_CHOICES = msgspec.json.Decoder(list[Members] | None).decode

OF_PROMPT = frozenset({"prompt_filter_results", "prompt_annotations"})
_OF_AZURE = OF_PROMPT | {
    "content_filter_results",
    "content_filter_result",
    "content_filter_raw",
    "content_filter_offsets",
    "content_filters",
}
# Where an answer holds others that have such fields: choices, the images or stored answers of a list, and the response
# of an event. Everything else may be the client's own words.
_INNER = frozenset({"choices", "data", "response"})
_DEPTH = 2
# Looked for first: an answer with an image is tens of megabytes, and seldom has any.
_SIGNS = (b"_filter", b"prompt_annotations")


def without(data: bytes) -> bytes:
    """Return an answer without Azure's fields, the same bytes when it has none; raise one of `UNREADABLE`."""
    members = DECODE(data)
    return ENCODE(members) if (_SIGNS[0] in data or _SIGNS[1] in data) and strip(members) else data


def strip(members: Members, depth: int = _DEPTH) -> bool:
    """Take Azure's fields out of an answer and of what it holds, `depth` levels down; tell whether there were any."""
    found = _OF_AZURE.intersection(members)
    for name in found:
        del members[name]
    changed = bool(found)
    for name in _INNER.intersection(members) if depth else ():
        inner = bytes(members[name])
        stripped = _stripped(inner, depth - 1)
        if stripped is not inner:
            members[name] = msgspec.Raw(stripped)
            changed = True
    return changed


def choices_of(answer: Members) -> list[Members]:
    """Return the choices of an answer, none where there are none."""
    return _CHOICES(answer.get("choices", b"null")) or []


def items_of(value: msgspec.Raw | None) -> list[msgspec.Raw]:
    """Return the items of a list, none when it is no list."""
    return _LIST(value) if value is not None and bytes(value).startswith(b"[") else []


def with_choices(answer: Members, choices: list[Members]) -> bytes:
    """Return the answer with these choices, if it has any, as JSON."""
    return ENCODE({**answer, "choices": choices} if "choices" in answer else answer)


def _stripped(value: bytes, depth: int) -> bytes:
    if value.startswith(b"{"):
        members = DECODE(value)
        return ENCODE(members) if strip(members, depth) else value
    if not value.startswith(b"["):
        return value
    items = [bytes(item) for item in _LIST(value)]
    stripped = [_stripped(item, depth) for item in items]
    if list(map(id, items)) == list(map(id, stripped)):
        return value
    return ENCODE([msgspec.Raw(item) for item in stripped])
