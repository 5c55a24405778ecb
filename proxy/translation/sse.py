"""Bytes of a server-sent event stream, cut anywhere, into whole events.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from dataclasses import dataclass

from proxy.errors import UpstreamError

# One event of a chat is some hundred bytes; an image inside an event some megabytes. A line without an end must not
# fill the memory.
MAX_EVENT_BYTES = 4 * 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One event: its data lines joined, None when it has none; and its comment lines, for streams that keep alive."""

    data: bytes | None
    name: bytes = b""
    comment: bytes = b""


class EventSplitter:
    """Cuts a stream into blocks of lines, each one event without its blank line; CR LF and CR become LF."""

    def __init__(self) -> None:
        self._rest = b""
        self._begun = False

    def feed(self, chunk: bytes) -> list[bytes]:
        """Take bytes as they came; return the blocks that are whole now, and one that is already too large."""
        blocks = self._lines(chunk).split(b"\n\n")
        self._rest = blocks.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            blocks.append(self.end())
        return [stripped for block in blocks if (stripped := block.strip(b"\n"))]

    def end(self) -> bytes:
        """Return the block that the stream ended in without a blank line, empty when there is none."""
        rest, self._rest = self._rest, b""
        return rest.strip(b"\r\n")

    def _lines(self, chunk: bytes) -> bytes:
        data = self._rest + chunk
        if not self._begun:
            if len(data) < len(_BYTE_ORDER_MARK) and _BYTE_ORDER_MARK.startswith(data):
                return data
            self._begun, data = True, data.removeprefix(_BYTE_ORDER_MARK)
        if b"\r" not in data:
            return data
        # A `\r` at the end may be one half of `\r\n`: it waits for the next byte.
        held = b"\r" if data.endswith(b"\r") else b""
        return data.removesuffix(held).replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held


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
    data, comments = fields.get(b"data"), fields.get(b"", ())
    return Event(
        data=b"\n".join(data) if data else None,
        name=fields.get(b"event", [b""])[-1],
        comment=b"".join(b": " + comment + b"\n" for comment in comments if comment) + b"\n" if comments else b"",
    )


def encode_data(data: bytes) -> bytes:
    """Return one event that holds some JSON on one line."""
    return b"data: " + data.replace(b"\n", b" ") + b"\n\n"
