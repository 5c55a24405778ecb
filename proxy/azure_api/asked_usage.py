"""The usage of a stream that the proxy asks for, because a rate counts it, and hides from a client that did not ask.

Chat and completions tell it only when asked: then each chunk has `"usage": null`, and one more without choices has the
usage. https://platform.openai.com/docs/api-reference/chat/create#chat_create-stream_options
"""

from msgspec import structs

from proxy.azure_api import azure_fields
from proxy.azure_api.request import Call, wants_usage
from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.json_members import DECODE, UNREADABLE, rewrite
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import LF, encode_event, parse_event

_FORMATS = frozenset({StreamFormat.CHAT, StreamFormat.COMPLETION})
_OPTIONS, _INCLUDE, _USAGE = "stream_options", "include_usage", "usage"
_MARK, _SEPARATOR = b'"usage"', b"\n\n"
_DATA, _LAST = b"data: {", b',"usage":null}'
# What an error names that is about the usage.
_NAMES = (_OPTIONS.encode(), _INCLUDE.encode())


def ask_for_usage(call: Call) -> Call:
    """Return a call whose stream tells its usage; where the client did not ask, the answer hides it."""
    document = call.document
    if document is None or not call.streams or call.route.operation.stream not in _FORMATS or wants_usage(call):
        return call
    try:
        options = parse_json_body(document.member(_OPTIONS) or b"{}")
    except InvalidRequest:  # Azure refuses it in its own words.
        return call
    asking = parse_json_body(document.with_member(_OPTIONS, options.with_member(_INCLUDE, b"true")))
    return structs.replace(call, document=asking, raw=asking.raw, hides_usage=True)


def without_usage(call: Call) -> Call:
    """Return a call that asks for its usage no more."""
    document = call.document
    if document is None or (options := document.member(_OPTIONS)) is None:
        return call
    rest = parse_json_body(options).dropped(_INCLUDE)
    document = document.replaced(_OPTIONS, rest.raw) if rest.spans else document.dropped(_OPTIONS)
    return structs.replace(call, document=document, raw=document.raw)


def is_about_usage(refusal: bytes) -> bool:
    """Tell whether a deployment refuses to tell the usage."""
    return any(name in refusal for name in _NAMES)


def hide_usage(events: bytes) -> bytes:
    """Return whole events of a chat or a completion without the usage."""
    if _MARK not in events:
        return events
    *blocks, rest = events.split(_SEPARATOR)
    return b"".join([*map(_without, blocks), rest])


def _without(block: bytes) -> bytes:
    if _MARK not in block:
        return block + _SEPARATOR
    if block.startswith(_DATA) and block.endswith(_LAST) and LF not in block:  # as Azure writes nearly all of them
        return block[: -len(_LAST)] + b"}" + _SEPARATOR
    data = parse_event(block).data or b""
    try:
        left = rewrite(data, _without_usage)
    except (*UNREADABLE, InvalidRequest):
        return block + _SEPARATOR
    if left == data:
        return block + _SEPARATOR
    return encode_event(left) if left else b""


def _without_usage(data: bytes) -> bytes:
    """Return a chunk without its usage and with every other byte as it came; nothing of one that has only the usage."""
    chunk = DECODE(data)
    usage = chunk.get(_USAGE)
    if usage is None:
        return data
    if bytes(usage) != b"null" and not azure_fields.choices_of(chunk):
        return b""
    return parse_json_body(data).without(_USAGE)
