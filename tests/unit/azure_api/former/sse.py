"""Bytes of a server-sent event stream, cut anywhere, into whole events.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from dataclasses import dataclass

from proxy.errors import UpstreamError

# One event of a chat is some hundred bytes, one with an image some ten megabytes. A line without an end must not fill
# the memory.
MAX_EVENT_BYTES = 32 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# OpenAI's data of a last event that is no JSON.
DONE = b"[DONE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its data lines joined, None when it has none; and its comment lines, for streams that keep alive."""

    data: bytes | None
    name: bytes = b""
    comment: bytes = b""


class EventSplitter:
    """Cuts a stream into blocks of lines, each one event without its blank line; CR LF and CR become LF.

    What has come of an event is kept in pieces, so that a large one in many reads costs no more than its bytes.
    `between` tells that all that came was whole blocks, so that the next byte begins another.
    """

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._start: bytes | None = b""
        self._after_return = False
        self.between = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came; return the blocks that are whole now, and one that is already too large."""
        lines = self._lines(self._without_mark(chunk))
        if self._pieces and self._pieces[-1].endswith(b"\n"):
            # The blank line may have been cut between its two line ends.
            self._pieces[-1], lines = self._pieces[-1][:-1], b"\n" + lines
        first, *others = lines.split(b"\n\n")
        self._keep(first)
        blocks = []
        for other in others:
            blocks.append(self.end())
            self._keep(other)
        if self._size > MAX_EVENT_BYTES:
            blocks.append(self.end())
        self.between = not self._pieces and self._start is None and not self._after_return
        return [block for block in blocks if block]

    def end(self) -> bytes:
        """Return the block that the stream ended in without a blank line, empty when there is none."""
        block = b"".join(self._pieces).strip(b"\n")
        self._pieces, self._size = [], 0
        return block

    def _keep(self, piece: bytes) -> None:
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)

    def _without_mark(self, chunk: bytes) -> bytes:
        if self._start is None:
            return chunk
        self._start += chunk
        if len(self._start) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(self._start):
            return b""
        start, self._start = self._start, None
        return start.removeprefix(_BYTE_ORDER_MARK)

    def _lines(self, chunk: bytes) -> bytes:
        if self._after_return:
            self._after_return, chunk = not chunk, chunk.removeprefix(b"\n")
        if b"\r" not in chunk:
            return chunk
        self._after_return = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def parse_event(block: bytes) -> Event:
    """Read one block of lines; raise `UpstreamError` when it is larger than the bound."""
    if len(block) > MAX_EVENT_BYTES:
        raise UpstreamError("Azure OpenAI sent an event that is too large.")
    if block.startswith(b"data: ") and b"\n" not in block:
        return Event(data=block[6:])
    fields: dict[bytes, list[bytes]] = {}
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name, []).append(value.removeprefix(b" "))
    data = fields.get(b"data")
    comments = [b": " + comment + b"\n" for comment in fields.get(b"", ()) if comment]
    return Event(
        data=b"\n".join(data) if data else None,
        name=fields.get(b"event", [b""])[-1],
        comment=b"".join((*comments, b"\n")) if comments else b"",
    )


def encode_event(data: bytes, name: bytes = b"") -> bytes:
    """Return one event that holds some JSON on one line, with its name if it has one."""
    line = b"data: " + data.replace(b"\n", b" ") + b"\n\n"
    return b"event: " + name + b"\n" + line if name else line
