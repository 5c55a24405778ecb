"""A whole JSON answer of Azure OpenAI into OpenAI's shape."""

from proxy.errors import UpstreamError
from proxy.translation import azure_fields


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
    choices = azure_fields.choices_of(answer)
    changed = azure_fields.strip_answer(answer)
    for choice in choices:
        changed |= azure_fields.strip_choice(choice)
    return azure_fields.with_choices(answer, choices) if changed else body
