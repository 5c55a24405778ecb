"""A response that is streamed, taken together to the whole that its client waits for.

The last event has the whole response. Azure leaves the encrypted reasoning, or all of the output, out of some, and has
them in the events of the items.
"""

import msgspec
from msgspec import Raw

from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api.json_members import DECODE, ENCODE, UNREADABLE, Members, decode, rewrite
from proxy.openai_api.response_events import LAST
from proxy.translation.interface import EventStream

_NULL = Raw(b"null")
_ITEM_DONE = "response.output_item.done"
_LAST = frozenset(LAST.values())
_ENCRYPTED = "encrypted_content"
_DATA = b"data: "
# Nearly all events, of which nothing is kept.
_PIECES = (b"event: response.output_text.delta\n", b"event: response.reasoning_summary_text.delta\n")
_TOO_LARGE = "Azure OpenAI's answer is too large to be held."
_NO_RESPONSE = "Azure OpenAI's answer is not the response it should be."


class _Kind(msgspec.Struct):
    type: str = ""


class _Event(msgspec.Struct):
    response: Raw = _NULL
    item: Raw = _NULL


class _Kept(msgspec.Struct):
    """All that is kept of a stream."""

    last: _Event
    items: list[_Event]


class _Output(msgspec.Struct):
    output: list[Members] | None = None


_KIND = msgspec.json.Decoder(_Kind).decode
_KEPT = msgspec.json.Decoder(_Kept).decode
_OUTPUT = msgspec.json.Decoder(_Output).decode


class CollectedResponse:
    """Takes the bytes of one stream; `failure` is why there is no whole response, once it has `ended`.

    No more than `bound` bytes are kept.
    """

    def __init__(self, upstream: EventStream, bound: int) -> None:
        self._upstream = upstream
        self._room = bound
        self._items: list[bytes] = []
        self._last = b""
        self.failure: ProxyError | None = None

    @property
    def ended(self) -> bool:
        """Tell whether nothing more is waited for."""
        return self._upstream.ended or self.failure is not None

    @property
    def begun(self) -> bool:
        """Tell whether something came beyond what announces an answer."""
        return self._upstream.begun

    def feed(self, chunk: bytes) -> None:
        """Take bytes of Azure as they came."""
        self._keep(self._upstream.feed(chunk))

    def end(self) -> None:
        """Take the end of Azure's bytes."""
        self._keep(self._upstream.end())

    def fail(self, error: ProxyError) -> None:
        """Take what broke the stream, unless it was complete."""
        self._keep(self._upstream.fail(error))

    def whole(self) -> bytes:
        """Return the whole response; raise `UpstreamError` if the last event has none."""
        try:
            kept = b'{"last":%s,"items":[%s]}' % (self._last or b"{}", b",".join(self._items))
            return rewrite(kept, _merged)
        except UNREADABLE:
            raise UpstreamError(_NO_RESPONSE) from None

    def _keep(self, events: bytes) -> None:
        for block in events.split(b"\n\n"):
            data = b"" if block.startswith(_PIECES) else block.partition(_DATA)[2].partition(b"\n")[0]
            if data:
                self._note(data)
        if self._upstream.ended and self.failure is None:
            self.failure = self._upstream.failure

    def _note(self, data: bytes) -> None:
        kind = decode(data, _KIND).type
        if kind in _LAST:
            self._last = data
        elif kind == _ITEM_DONE:
            self._items.append(data)
        else:
            return
        self._room -= len(data)
        if self._room < 0:
            self.failure = UpstreamError(_TOO_LARGE)


def _merged(kept: bytes) -> bytes:
    """Return the response of the last event, with what only the events of its items have."""
    read = _KEPT(kept)
    response, items = DECODE(read.last.response), [DECODE(event.item) for event in read.items]
    encrypted = {bytes(item["id"]): item[_ENCRYPTED] for item in items if _has(item, _ENCRYPTED) and "id" in item}
    output = _OUTPUT(read.last.response).output or items
    for item in output:
        if not _has(item, _ENCRYPTED) and bytes(item.get("id", _NULL)) in encrypted:
            item[_ENCRYPTED] = encrypted[bytes(item["id"])]
    return ENCODE({**response, "output": output})


def _has(item: Members, name: str) -> bool:
    return item.get(name, _NULL) != _NULL
