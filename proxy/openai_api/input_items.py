"""The items in the input of a response: which of their ids Azure must find, because the items do not say it all.

A client that keeps its conversation itself, as the Codex CLI does, sends the items of earlier answers whole and with
their ids. Azure then looks nothing up, so any resource may go on with the conversation. It needs its own object for a
reference, and for an item without the content that makes it whole.
https://platform.openai.com/docs/guides/conversation-state
"""

from collections.abc import Mapping

import msgspec

from proxy.openai_api.json_members import UNREADABLE

REFERENCE = "item_reference"
_NOTHING = frozenset({b"", b"null", b'""'})
# The member that an item of a type must have, so that nobody needs to find it.
_CONTENT: Mapping[object, str] = {
    "reasoning": "encrypted_content",
    "compaction": "encrypted_content",
    "image_generation_call": "result",
}


class _Item(msgspec.Struct, gc=False):
    id: object = None
    type: object = None
    role: object = None
    encrypted_content: msgspec.Raw = msgspec.Raw(b"")
    result: msgspec.Raw = msgspec.Raw(b"")


class _Request(msgspec.Struct, gc=False):
    input: list[_Item] = []


_DECODE = msgspec.json.Decoder(_Request).decode


def ids_to_find(raw: bytes) -> frozenset[object] | None:
    """Return the ids of the items that Azure must find, None when that cannot be told."""
    try:
        items = _DECODE(raw).input
    except UNREADABLE:
        return None
    return frozenset([item.id for item in items if isinstance(item.id, str) and not _is_whole(item)])


def is_reference(identifier: object, kind: object, role: object) -> bool:
    """Tell whether an item only names another, by its id, type and role; a reference and a message may have no type."""
    return kind == REFERENCE or (isinstance(identifier, str) and kind is None and role is None)


def _is_whole(item: _Item) -> bool:
    if is_reference(item.id, item.type, item.role):
        return False
    needed = _CONTENT.get(item.type) if isinstance(item.type, str) else None
    return needed is None or bytes(getattr(item, needed)) not in _NOTHING
