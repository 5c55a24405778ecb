"""Server-sent events: bytes cut anywhere into whole events, and events into bytes.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import msgspec

from proxy.errors import UpstreamError

# One event of a chat is some hundred bytes, one with an image some ten megabytes. A line without an end must not fill
# the memory.
MAX_EVENT_BYTES = 32 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
# OpenAI's data of a last event that is no JSON.
DONE = b"[DONE]"


# A struct of msgspec is made in a tenth of the time that a frozen dataclass takes.
class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One event: its data lines joined, None when it has none; and its comment lines, for streams that keep alive."""

    data: bytes | None
    name: bytes = b""
    comment: bytes = b""


class EventSplitter:
    """Cuts a stream into blocks of lines, each one event without its blank line; CR LF and CR become LF.

    Every byte is looked at once, in the read that it came with, however many reads an event takes.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._start: bytes | None = b""
        self._after_return = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came; return the blocks that are whole now, and one that is already too large."""
        if self._start is not None or self._after_return or b"\r" in chunk:
            chunk = self._lines(self._without_mark(chunk))
        pending = self._pending
        blocks: list[bytes] = []
        at = 0
        if pending and chunk.startswith(b"\n") and pending.endswith(b"\n"):
            # The blank line was cut between its two line ends.
            blocks.append(self.end())
            at = 1
        # Looking for one byte is many times as fast as looking for two.
        end = chunk.find(b"\n", at)
        while end >= 0:
            after = chunk.find(b"\n", end + 1)
            if after == end + 1:
                self._finish(chunk[at:end], blocks)
                at = end + 2
                after = chunk.find(b"\n", at)
            end = after
        if at < len(chunk):
            self._keep(chunk[at:], blocks)
        return blocks

    def end(self) -> bytes:
        """Return the block that the stream ended in without a blank line, empty when there is none."""
        block = bytes(self._pending).removesuffix(b"\n")
        self._pending.clear()
        return block

    def _finish(self, piece: bytes, blocks: list[bytes]) -> None:
        """Add the block that this is the last piece of, unless it is empty."""
        if self._pending:
            self._pending += piece
            blocks.append(self.end())
        elif block := piece.lstrip(b"\n"):
            blocks.append(block)

    def _keep(self, piece: bytes, blocks: list[bytes]) -> None:
        """Keep the beginning of a block, without the blank lines before it."""
        pending = self._pending
        pending += piece if pending else piece.lstrip(b"\n")
        if len(pending) - pending.endswith(b"\n") > MAX_EVENT_BYTES:
            blocks.append(self.end())

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
    first, separator, data = block.partition(b"data: ")
    if separator and b"\n" not in data:
        if not first:
            return Event(data=data)
        if first.startswith(b"event: ") and first.find(b"\n") == len(first) - 1:
            return Event(data=data, name=first[7:-1])
    return _parse_lines(block)


def encode_event(data: bytes, name: bytes = b"") -> bytes:
    """Return one event that holds some JSON on one line, with its name if it has one."""
    if b"\n" in data:
        data = data.replace(b"\n", b" ")
    return b"".join((b"event: ", name, b"\ndata: ", data, b"\n\n") if name else (b"data: ", data, b"\n\n"))


def _parse_lines(block: bytes) -> Event:
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
