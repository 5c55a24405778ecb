"""The reasoning between the tool calls of translated chats, for which a chat has no place.

It is kept for the client, the deployment and the call that it came before, and is no use to any other: only the
deployment that sealed it can read it. Who asks an instance that has not kept it goes on without.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_members import UNREADABLE, decode

# A loop of tools seldom takes longer between two of its calls.
SECONDS_KEPT = 3600.0
# Each takes some hundred bytes beside its reasoning.
MAX_ENTRIES = 10_000
_ENTRY_BYTES = 500

Key = tuple[str, str, str]


class _Entry(msgspec.Struct, frozen=True):
    ends: float
    size: int
    items: tuple[bytes, ...]


class ReasoningMemory:
    """Reasoning items as JSON, by client, place and call; `max_bytes` bounds them all; the oldest are forgotten.

    A place is a deployment of a resource; `now` is in seconds of a monotonic clock.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()
        self.size = 0

    def __len__(self) -> int:
        """Return how many calls are remembered."""
        return len(self._entries)

    def keep(self, client: str, place: str, by_call: Mapping[str, Sequence[bytes]], now: float) -> None:
        """Remember the items that came before each call."""
        for call_id, items in by_call.items():
            size = _ENTRY_BYTES + len(call_id) + sum(map(len, items))
            self._drop((client, place, call_id))
            self._entries[client, place, call_id] = _Entry(now + SECONDS_KEPT, size, tuple(items))
            self.size += size
        while self._entries and self._is_full(now):
            self._drop(next(iter(self._entries)))

    def find(self, client: str, place: str, call_id: str, now: float) -> tuple[bytes, ...] | None:
        """Return the items that came before a call, None if they are not known."""
        entry = self._entries.get((client, place, call_id))
        return entry.items if entry is not None and now < entry.ends else None

    def _is_full(self, now: float) -> bool:
        oldest = next(iter(self._entries.values()))
        return self.size > self._max_bytes or len(self._entries) > MAX_ENTRIES or oldest.ends <= now

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        self.size -= 0 if entry is None else entry.size


class _Call(msgspec.Struct):
    id: object = None


class _Message(msgspec.Struct):
    role: object = None
    tool_calls: list[_Call] | None = None


_MESSAGES = msgspec.json.Decoder(list[_Message]).decode


def open_calls(document: JsonBody) -> tuple[str, ...]:
    """Return the ids of the tool calls of a chat behind the last message of the user."""
    try:
        messages = decode(document.member("messages") or b"[]", _MESSAGES)
    except UNREADABLE:
        return ()
    last = max((number for number, message in enumerate(messages) if message.role == "user"), default=-1)
    calls = (call for message in messages[last + 1 :] for call in message.tool_calls or ())
    return tuple(call.id for call in calls if isinstance(call.id, str))
