"""A whole JSON answer of Azure OpenAI into OpenAI's shape."""

from proxy.errors import UpstreamError
from proxy.translation import azure_fields


def to_openai(body: bytes, *, keep: bool = False) -> bytes:
    """Return an answer without the fields that only Azure has, unless they are to be kept; all else as it came.

    Raises `UpstreamError` when the answer is not a JSON object.
    """
    try:
        return azure_fields.rewrite(body, _checked if keep else azure_fields.without)
    except azure_fields.UNREADABLE:
        raise UpstreamError("Azure OpenAI's answer is not the JSON it should be.") from None


def _checked(body: bytes) -> bytes:
    azure_fields.DECODE(body)
    return body
