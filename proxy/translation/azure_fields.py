"""Fields that only Azure OpenAI puts into answers with choices, and how they are taken out.

https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter-annotations
Values that stay are never built: msgspec hands them out and takes them back as the bytes they came in.
"""

from collections.abc import Callable

import msgspec

from proxy.translation.surrogates import free_letter, mask, unmask

Members = dict[str, msgspec.Raw]

DECODE = msgspec.json.Decoder(Members).decode
DECODE_LIST = msgspec.json.Decoder(list[msgspec.Raw]).decode
_CHOICES = msgspec.json.Decoder(list[Members] | None).decode
ENCODE = msgspec.json.Encoder().encode
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

_OF_ANSWER = frozenset({"prompt_filter_results", "prompt_annotations", "content_filters"})
_OF_CHOICE = frozenset(
    {"content_filter_results", "content_filter_raw", "content_filter_offsets", "content_filter_result"}
)


def rewrite(data: bytes, change: Callable[[bytes], bytes]) -> bytes:
    """Return some JSON changed, its halves of surrogate pairs as they came; `change` raises one of `UNREADABLE`."""
    try:
        return change(data)
    except UNREADABLE:
        letter = free_letter(data)
        if letter is None:
            raise
    return unmask(change(mask(data, letter)), letter)


def strip_answer(answer: Members) -> bool:
    """Take Azure's fields out of an answer, its choices aside; tell whether there were any."""
    return _strip(answer, _OF_ANSWER)


def strip_choice(choice: Members) -> bool:
    """Take Azure's fields out of one choice; tell whether there were any."""
    return _strip(choice, _OF_CHOICE)


def _strip(members: Members, names: frozenset[str]) -> bool:
    found = names.intersection(members)
    for name in found:
        del members[name]
    return bool(found)


def choices_of(answer: Members) -> list[Members]:
    """Return the choices of an answer, none where there are none."""
    return _CHOICES(answer.get("choices", b"null")) or []


def with_choices(answer: Members, choices: list[Members]) -> bytes:
    """Return the answer with these choices, if it has any, as JSON."""
    return ENCODE({**answer, "choices": choices} if "choices" in answer else answer)
