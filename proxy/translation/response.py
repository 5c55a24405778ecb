"""A whole JSON answer of Azure OpenAI into OpenAI's shape."""

import msgspec

from proxy.errors import UpstreamError
from proxy.translation import azure_fields
from proxy.translation.azure_fields import Members


def to_openai(body: bytes) -> bytes:
    """Return an answer with choices without the fields that only Azure has; everything else as it came.

    Raises `UpstreamError` when the answer is not a JSON object.
    """
    try:
        return azure_fields.rewrite(body, _clean)
    except azure_fields.UNREADABLE:
        raise UpstreamError("Azure OpenAI's answer is not the JSON it should be.") from None


def _clean(body: bytes) -> bytes:
    answer = azure_fields.DECODE(body)
    if "data" not in answer:
        return _clean_one(answer, body)
    # A list of stored answers.
    cleaned = [_clean_one(azure_fields.DECODE(item), bytes(item)) for item in azure_fields.DECODE_LIST(answer["data"])]
    return azure_fields.ENCODE({**answer, "data": [msgspec.Raw(item) for item in cleaned]})


def _clean_one(answer: Members, body: bytes) -> bytes:
    choices = azure_fields.choices_of(answer)
    changed = azure_fields.strip_answer(answer)
    for choice in choices:
        changed |= azure_fields.strip_choice(choice)
    return azure_fields.with_choices(answer, choices) if changed else body
