"""Server-sent events: bytes cut anywhere into whole events, and events into bytes.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.errors import UpstreamError
from proxy.openai_api.json_members import BYTE_ORDER_MARK
from proxy.values import KeepAlive

# One event of a chat is some hundred bytes, one with an image some ten megabytes. A line without an end must not fill
# the memory.
MAX_EVENT_BYTES = 32 * 1024 * 1024
# As numbers, because `10 in data` takes a tenth of the time of `LF in data`.
LF, CR = b"\n\r"
# OpenAI's data of a last event that is no JSON.
DONE = b"[DONE]"
# What leaves between events while there is nothing to say: an empty block, because some readers cut the stream at blank
# lines and take what begins with `data: `, and with a comment they lose the event behind it; or else a comment, because
# some take an empty line for the data of an event.
BLANK, COMMENT = b"\n\n", b": keep-alive\n\n"
KEEP_ALIVES: Mapping[KeepAlive | None, bytes] = {KeepAlive.BLANK: BLANK, KeepAlive.COMMENT: COMMENT}
# In the User-Agent of the latter: Azure.AI.OpenAI for .NET before its version 2.
NEEDS_COMMENTS = "azsdk-net-AI.OpenAI/1."
# Names of events of Azure that say nothing either, and the types in them.
KEEP_ALIVE_NAMES = frozenset({b"keepalive", b"keep-alive", b"keep_alive", b"ping", b"heartbeat"})
# The longest wait that a timer of a browser takes, in milliseconds, which is 24 days. Some readers of events connect
# again by themselves when a stream breaks off, and would have the answer made a second time. The field counts only in
# a block that has data, and behind it.
# https://html.spec.whatwg.org/multipage/server-sent-events.html#concept-event-stream-reconnection-time
_NEVER_AGAIN = b"retry: 2147483647\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its data lines joined, None when it has none; `is_comment` tells one that has nothing but comments."""

    data: bytes | None
    name: bytes = b""
    is_comment: bool = False


class EventSplitter:
    """Cuts a stream into blocks of lines, each one event without its blank line; CR LF and CR become LF.

    Every byte is looked at once, in the read that it came with, however many reads an event takes.
    """

    def __init__(self) -> None:
        # A block that is not whole: it does not begin with a line end. The usual two pieces need no buffer that grows.
        self._pending: bytes | bytearray = b""
        self._start: bytes | None = b""
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came; return the blocks that are whole now, and one that is already too large."""
        if self._start is not None or self._after_return or CR in chunk:
            chunk = self._lines(self._without_mark(chunk))
        find, size, pending = chunk.find, len(chunk), self._pending
        blocks: list[bytes] = []
        at, end = 0, find(b"\n")
        if end == 0 and pending.endswith(b"\n"):
            # The blank line was cut between its two line ends.
            blocks.append(self.end())
            pending, at, end = b"", 1, find(b"\n", 1)
        # Looking for one byte is many times as fast as looking for two.
        while end >= 0:
            after = find(b"\n", end + 1)
            if after == end + 1:
                if block := (b"".join((pending, chunk[at:end])) if pending else chunk[at:end]).lstrip(b"\n"):
                    blocks.append(block)
                pending, at = b"", end + 2
                after = find(b"\n", at) if at < size else -1
            end = after
        self._pending = pending
        if at < size:
            self._keep(chunk[at:] if at else chunk)
            if len(self._pending) > MAX_EVENT_BYTES and len(self._pending.rstrip(b"\n")) > MAX_EVENT_BYTES:
                blocks.append(self.end())
        return blocks

    def end(self) -> bytes:
        """Return the block that the stream ended in without a blank line, empty when there is none."""
        block, self._pending = bytes(self._pending).removesuffix(b"\n"), b""
        return block

    def _keep(self, piece: bytes) -> None:
        if not self._pending:
            self._pending = piece.lstrip(b"\n")
        elif isinstance(self._pending, bytearray):
            self._pending += piece
        else:
            self._pending = bytearray(self._pending) + piece

    def _without_mark(self, chunk: bytes) -> bytes:
        if self._start is None:
            return chunk
        self._start += chunk
        if len(self._start) < len(BYTE_ORDER_MARK) and BYTE_ORDER_MARK.startswith(self._start):
            return b""
        start, self._start = self._start, None
        return start.removeprefix(BYTE_ORDER_MARK)

    def _lines(self, chunk: bytes) -> bytes:
        if self._after_return:
            self._after_return, chunk = not chunk, chunk.removeprefix(b"\n")
        if CR not in chunk:
            return chunk
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parse_event(block: bytes) -> Event:
    """Read one block of lines; raise `UpstreamError` when it is larger than the bound."""
    if len(block) > MAX_EVENT_BYTES:
        raise UpstreamError("Azure OpenAI sent an event that is too large.")
    if block.startswith(b"data: ") and LF not in block:
        return Event(data=block[6:])
    fields: dict[bytes, list[bytes]] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name, []).append(value.removeprefix(b" "))
    data = fields.get(b"data")
    return Event(
        data=b"\n".join(data) if data else None,
        name=fields.get(b"event", [b""])[-1],
        is_comment=not data and b"" in fields,
    )


def encode_event(data: bytes, name: bytes = b"") -> bytes:
    """Return one event that holds some JSON on one line, with its name if it has one."""
    if LF in data:
        data = data.replace(b"\n", b" ")
    return b"".join((b"event: ", name, b"\ndata: ", data, b"\n\n") if name else (b"data: ", data, b"\n\n"))


def encode_last_event(data: bytes, name: bytes = b"") -> bytes:
    """Return an event behind which the stream may break off, and that keeps the client from connecting again."""
    return encode_event(data, name)[:-1] + _NEVER_AGAIN + b"\n"
