"""Azure's details about a blocked prompt, which each of the two APIs for conversations has in another shape.

A chat has `innererror` with the results of the content filter, a response a list of them with where each was found.
https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter
"""

import msgspec
from msgspec import Raw

from proxy.errors import AzureRefusal
from proxy.openai_api.json_members import ENCODE, UNREADABLE

_NO_RESULTS = Raw(b"{}")
_FILTERED = "content_filter"
_POLICY = "ResponsibleAIPolicyViolation"


class _Inner(msgspec.Struct):
    """What a chat has; some answers have the one name of the results, some the other."""

    content_filter_result: Raw = _NO_RESULTS
    content_filter_results: Raw = _NO_RESULTS


class _Filtered(msgspec.Struct):
    """What the content filter found at one place."""

    source_type: str = ""
    content_filter_results: Raw = _NO_RESULTS


_INNER = msgspec.json.Decoder(_Inner).decode
_FILTERS = msgspec.json.Decoder(list[_Filtered]).decode


def to_chat(error: AzureRefusal) -> None:
    """Give an error the details as a chat has them; it loses what cannot be read."""
    filters, error.filters = error.filters, None
    if filters is None:
        return
    try:
        found = [one.content_filter_results for one in _FILTERS(filters) if one.source_type == "prompt"]
    except UNREADABLE:
        return
    if found:
        error.inner = ENCODE({"code": _POLICY, "content_filter_result": found[0]})


def to_response(error: AzureRefusal) -> None:
    """Give an error the details as a response has them; it loses what cannot be read.

    For a chat Azure names the prompt, which is another parameter of a response.
    """
    if error.code == _FILTERED and error.param == "prompt":
        error.param = None
    inner, error.inner = error.inner, None
    if inner is None:
        return
    try:
        read = _INNER(inner)
    except UNREADABLE:
        return
    given = (read.content_filter_result, read.content_filter_results)
    results = next((one for one in given if one != _NO_RESULTS), _NO_RESULTS)
    found = {"blocked": True, "source_type": "prompt", "content_filter_results": results, "content_filter_offsets": {}}
    error.filters = ENCODE([found])
