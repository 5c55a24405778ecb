"""The reasoning items before tool calls: kept as they come, given to chat clients, and taken back from them.

A model that reasons loses its thread in a loop of tools when it does not get them back. Chat has no place for them.
`reasoning_details` has the form that some chat clients already send back as they got it.
https://openrouter.ai/docs/guides/best-practices/reasoning-tokens
https://platform.openai.com/docs/guides/reasoning#encrypted-reasoning-items
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from proxy.openai_api.json_members import ENCODE, Members
from proxy.translation.chat_on_responses import pieces

# What is sent back of an item; Azure refuses some members that it sends itself when they are null.
_KEPT = ("type", "id", "summary", "content", "encrypted_content")
_NULL, _EMPTY_LIST = Raw(b"null"), Raw(b"[]")
_ENCRYPTED = "encrypted_content"
# What is kept of one answer: the encrypted reasoning of the longest ones is some tens of kilobytes.
MAX_BYTES = 1024 * 1024
FORMAT = "openai-responses-v1"


class Detail(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One entry of `reasoning_details`; `tool_call_id` tells which call the reasoning came before."""

    type: str
    format: str = ""
    id: str = ""
    index: int = -1
    data: Raw = Raw()
    summary: Raw = Raw()
    tool_call_id: str = ""


class _Summary(msgspec.Struct):
    text: Raw = Raw(b'""')


_SUMMARIES = msgspec.json.Decoder(list[_Summary]).decode


class ReasoningItems:
    """The reasoning items of one answer, by the id of the call that they came before."""

    def __init__(self) -> None:
        self._waiting: list[Members] = []
        self._before: dict[str, list[Members]] = {}
        self._room = MAX_BYTES

    def note(self, item: Members) -> None:
        """Take an item as it is when it is done; an answer with more than fits keeps none behind it."""
        self._room -= sum(len(bytes(value)) for value in item.values())
        if self._room >= 0:
            kept = {name: item[name].copy() for name in _KEPT if item.get(name, _NULL) != _NULL}
            self._waiting.append({"summary": _EMPTY_LIST, **kept})

    def call(self, call_id: str) -> None:
        """Note a tool call, which what came since the last one belongs to."""
        if self._waiting:
            self._before[call_id], self._waiting = self._waiting, []

    def merge(self, item: Members) -> None:
        """Take the same item as the whole response has it, which may be the only one with its encrypted content."""
        encrypted = item.get(_ENCRYPTED, _NULL)
        for known in (known for items in self._before.values() for known in items):
            if encrypted != _NULL and known.get("id") == item.get("id"):
                known.setdefault(_ENCRYPTED, encrypted.copy())

    def by_call(self) -> dict[str, tuple[bytes, ...]]:
        """Return what can be sent again, as JSON: without its content, an item is one that Azure would have to keep."""
        found = {
            call: tuple(ENCODE(item) for item in items if _ENCRYPTED in item) for call, items in self._before.items()
        }
        return {call: items for call, items in found.items() if items}


def to_details(by_call: Mapping[str, Sequence[bytes]]) -> Raw:
    """Return the `reasoning_details` of a message."""
    details: list[Detail] = []
    for call, items in by_call.items():
        for item in map(_DECODE_ITEM, items):
            place = Detail(type="reasoning.encrypted", format=FORMAT, id=item.id, tool_call_id=call)
            details += [replace(place, type="reasoning.summary", summary=one.text) for one in item.summary]
            details.append(replace(place, data=item.encrypted_content))
    return Raw(ENCODE([replace(detail, index=index) for index, detail in enumerate(details)]))


class _Item(msgspec.Struct):
    id: str = ""
    summary: list[_Summary] = []
    encrypted_content: Raw = _NULL


_DECODE_ITEM = msgspec.json.Decoder(_Item).decode
_DECODE_DETAILS = msgspec.json.Decoder(list[Detail]).decode


def from_details(details: Raw) -> dict[str, list[Raw]]:
    """Return the reasoning items that a client sent back, by the id of their call, which is empty where it is unknown.

    Entries of other makers' models are passed over. Raises one of `json_members.UNREADABLE` for what are no details.
    """
    items: dict[str, list[Raw]] = {}
    summaries: dict[str, list[Raw]] = {}
    for detail in _DECODE_DETAILS(details):
        if detail.format != FORMAT:
            continue
        if detail.type == "reasoning.summary" and _is_text(detail.summary):
            summaries.setdefault(detail.id, []).append(detail.summary)
        elif detail.type == "reasoning.encrypted" and _is_text(detail.data):
            item = _item(detail, summaries.pop(detail.id, []))
            items.setdefault(detail.tool_call_id, []).append(item)
    return items


def _item(detail: Detail, texts: list[Raw]) -> Raw:
    summary = [{"type": "summary_text", "text": text} for text in texts]
    named = {"id": detail.id} if detail.id else {}
    return Raw(ENCODE({"type": "reasoning", **named, "summary": summary, _ENCRYPTED: detail.data}))


def _is_text(value: Raw) -> bool:
    return bytes(value).startswith(b'"')


def shown_thoughts(item: Members, *, summary: bool) -> Iterator[Raw]:
    """Yield what of the reasoning the client reads: the summary if it asked for one, and all of an open model's."""
    summaries = item.get("summary", _NULL)
    if summary and bytes(summaries).startswith(b"["):
        yield from (one.text for one in _SUMMARIES(summaries))
    parts = pieces.PARTS(item.get("content", _NULL)) or []
    yield from (part.text for part in parts if part.type == "reasoning_text")
