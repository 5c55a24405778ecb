"""The event stream of chat and completions: Azure OpenAI's chunks in, OpenAI's chunks out.

What goes out is always made of whole events, ends with one `data: [DONE]` and a blank line, and never looks complete
when it is not: openai-python takes a stream that just ends for a good one.
"""

import re

from proxy.errors import ProxyError, UpstreamError
from proxy.translation import azure_fields
from proxy.translation.azure_fields import Members
from proxy.translation.errors import AzureErrors, encode_error
from proxy.translation.sse import EventSplitter, encode_data, parse_event

DONE = b"data: [DONE]\n\n"
_NULL = b"null"
# JSON allows half of a surrogate pair, which a model may well cut between two chunks; msgspec does not.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class ChoicesStream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client."""

    def __init__(self, errors: AzureErrors) -> None:
        self._errors = errors
        self._splitter = EventSplitter()
        self._running: set[bytes] = set()
        self._finished: set[bytes] = set()
        self.ended = False
        self.broken = False

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        try:
            return b"".join(map(self._block, self._splitter.feed(chunk)))
        except UpstreamError as error:
            return self.fail(error)

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: a missing `[DONE]`, or the error of a stream cut short."""
        rest = self._splitter.end()
        last = self._block(rest) if rest else b""
        return last + self._done()

    def fail(self, error: ProxyError) -> bytes:
        """Return an error event and the end of the stream; nothing when it has ended already."""
        if self.ended:
            return b""
        self.ended = self.broken = True
        return encode_data(encode_error(error)) + DONE

    def _block(self, block: bytes) -> bytes:
        if self.ended:
            return b""
        event = parse_event(block)
        if event.data is None:
            return block + b"\n\n" if block.startswith(b":") else b""
        if event.data == b"[DONE]":
            return self._done()
        return self._chunk(event.data)

    def _done(self) -> bytes:
        if self.ended:
            return b""
        if self._running or not self._finished:
            return self.fail(UpstreamError("Azure OpenAI ended the stream before the answer was complete."))
        self.ended = True
        return DONE

    def _chunk(self, data: bytes) -> bytes:
        try:
            return self._normalise(data)
        except azure_fields.UNREADABLE:
            pass
        try:
            readable = self._normalise(_SURROGATE.sub(rb"\\ufffd", data))
        except azure_fields.UNREADABLE:
            return self.fail(UpstreamError("Azure OpenAI sent an event that is not the JSON it should be."))
        return encode_data(data) if readable and not self.ended else readable

    def _normalise(self, data: bytes) -> bytes:
        chunk = azure_fields.DECODE(data)
        if "error" in chunk and bytes(chunk["error"]) != _NULL:
            return self.fail(self._errors.in_stream(data))
        choices = azure_fields.DECODE_CHOICES(chunk.get("choices", _NULL)) or []
        changed = azure_fields.strip_answer(chunk)
        kept = []
        for choice in choices:
            changed |= azure_fields.strip_choice(choice)
            if self._carries_something(choice):
                kept.append(choice)
        if not kept and bytes(chunk.get("usage", _NULL)) == _NULL:
            return b""
        if changed or len(kept) < len(choices):
            data = azure_fields.with_choices(chunk, kept)
        return encode_data(data)

    def _carries_something(self, choice: Members) -> bool:
        """Note whether the choice goes on; an annotation of the content filter alone is not worth an event."""
        index = bytes(choice.get("index", b"0"))
        if bytes(choice.get("finish_reason", _NULL)) != _NULL:
            self._finished.add(index)
            self._running.discard(index)
            return True
        if all(bytes(choice.get(name, _NULL)) == _NULL for name in ("delta", "text")):
            return False
        if index not in self._finished:
            self._running.add(index)
        return True
