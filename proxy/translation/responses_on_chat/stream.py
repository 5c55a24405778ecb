"""The chunks of a chat as the events of a response.

The chunks come out of `azure_api.stream`, whole and clean: what Azure did wrong is known there, and so is whether the
answer was complete. Nearly every chunk is a plain one, a piece of the text, whose event is put together from bytes.
"""

from collections.abc import Callable

from msgspec import Raw

from proxy.azure_api.stream import Stream
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api.json_members import UNREADABLE
from proxy.openai_api.sse import DONE
from proxy.translation.responses_on_chat.output import MAX_OUTPUT_BYTES, Message
from proxy.translation.responses_on_chat.shapes import DECODE_PLAIN, decode_completion
from proxy.translation.responses_on_chat.writer import Writer

_DATA = b"data: "
_LAST = _DATA + DONE
_NO_CHUNK = "Azure OpenAI sent a chunk that is not the JSON it should be."
_DELTA = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":%d,'
_PLACE = b'"output_index":%d,"item_id":"%s","content_index":%d,"delta":'
_END, _END_WITH_PADDING = b',"logprobs":[]}\n\n', b',"logprobs":[],"obfuscation":'


class ResponseStream:
    """The client's stream over one of a chat; `ended` tells that nothing more will be given."""

    def __init__(self, upstream: Stream, writer: Writer, name: Callable[[ProxyError], ProxyError]) -> None:
        self._upstream = upstream
        self._writer = writer
        self._name = name
        self._failure: ProxyError | None = None
        # The text that is open, and what its events have between their number and their delta.
        self._text: Message | None = None
        self._place = b""
        self.ended = False

    @property
    def begun(self) -> bool:
        """Tell whether something came that the client waits for, beyond what announces an answer."""
        return self._upstream.begun

    @property
    def waits(self) -> bool:
        """Tell whether a failure is known and Azure's last event about it may still come."""
        return self._upstream.waits and not self.ended

    @property
    def failure(self) -> ProxyError | None:
        """Return the error that the stream ends with."""
        return self._failure

    @property
    def broken(self) -> bool:
        """Tell whether the connection must break off behind the last event, because no end would be true."""
        return self._failure is not None

    @property
    def usage(self) -> bytes | None:
        """Return the last usage that came, as the JSON that it came in."""
        return self._upstream.usage

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        return b"" if self.ended else self._translate(self._upstream.feed(chunk))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: the end, or the error of a stream cut short."""
        return b"" if self.ended else self._translate(self._upstream.end())

    def fail(self, error: ProxyError) -> bytes:
        """Return an error as the last event; the end alone when the answer is complete."""
        return b"" if self.ended else self._translate(self._upstream.fail(error))

    def _translate(self, data: bytes) -> bytes:
        if not data:
            self.ended = self._upstream.ended
            return b""
        blocks = data[:-2].split(b"\n\n")
        failure = self._upstream.failure
        if failure is not None:
            # The last block is how a chat tells it.
            blocks.pop()
        written = []
        for block in blocks:
            written.append(self._plain(block) or self._event(block))
            if self.ended:
                return b"".join(written)
        if failure is not None:
            written.append(self._fail(failure))
        self.ended = self._upstream.ended
        return b"".join(written)

    def _plain(self, block: bytes) -> bytes:
        """Return the event for a plain chunk, nothing for another."""
        text = self._text
        if text is None or not block.startswith(_DATA):
            return b""
        try:
            chunk = DECODE_PLAIN(block[6:])
        except UNREADABLE:
            return b""
        content = bytes(chunk.choices[0].delta.content)
        output, event = self._writer.output, self._writer.event
        if len(content) <= 2 or content[0] != _QUOTE or output.received + len(content) > MAX_OUTPUT_BYTES:
            return b""
        text.text += content[1:-1]
        output.received += len(content) - 2
        number = event.number
        event.number = number + 1
        padding = chunk.obfuscation
        if isinstance(padding, Raw):
            return b"".join((_DELTA % number, self._place, content, _END_WITH_PADDING, padding, b"}\n\n"))
        return b"".join((_DELTA % number, self._place, content, _END))

    def _event(self, block: bytes) -> bytes:
        """Return the events for any block: a chunk, the end, or what only keeps the stream alive."""
        if not block.startswith(_DATA):
            return block + b"\n\n"
        try:
            if block == _LAST:
                return self._writer.close()
            written = self._writer.take(*decode_completion(block.removeprefix(_DATA)))
        except UpstreamError as error:
            return self._fail(error)
        except UNREADABLE:
            return self._fail(UpstreamError(_NO_CHUNK))
        self._open_text()
        return written

    def _open_text(self) -> None:
        opened = self._writer.open_text()
        self._text = None
        if opened is not None:
            self._text, index = opened
            self._place = _PLACE % (index, self._text.id.encode(), self._text.part_index)

    def _fail(self, error: ProxyError) -> bytes:
        """Tell an error, Azure's or that of a chunk which is none; what Azure sends behind it is not read."""
        self._upstream.fail(error)
        self._failure = self._name(error)
        self.ended = True
        return self._writer.fail(self._failure)


_QUOTE = b'"'[0]
