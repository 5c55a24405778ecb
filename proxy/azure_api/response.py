"""A whole JSON answer of Azure OpenAI, in OpenAI's shape."""

import msgspec

from proxy.azure_api import azure_fields
from proxy.errors import UpstreamError
from proxy.openai_api import json_members

_NOT_JSON = "Azure OpenAI's answer is not the JSON it should be."
_VALUE = msgspec.json.Decoder(msgspec.Raw).decode


def to_openai(body: bytes, *, keep: bool = False) -> bytes:
    """Return an answer without the fields that only Azure has, or with them if `keep` is set.

    Everything else stays as it came. Raises `UpstreamError` if the answer is not a JSON object.
    """
    body = body.removeprefix(json_members.BYTE_ORDER_MARK)
    try:
        return json_members.rewrite(body, _checked if keep else azure_fields.without)
    except json_members.UNREADABLE:
        raise UpstreamError(_NOT_JSON) from None


def check(body: bytes, content_type: str) -> bytes:
    """Return an answer unchanged; raise `UpstreamError` if it is invalid JSON or the HTML page of a gateway."""
    if content_type.startswith("text/html"):
        raise UpstreamError(_NOT_JSON)
    if content_type.startswith("application/json"):
        body = body.removeprefix(json_members.BYTE_ORDER_MARK)
        try:
            json_members.rewrite(body, lambda masked: bytes(_VALUE(masked)))
        except json_members.UNREADABLE:
            raise UpstreamError(_NOT_JSON) from None
    return body


def _checked(body: bytes) -> bytes:
    json_members.DECODE(body)
    return body
