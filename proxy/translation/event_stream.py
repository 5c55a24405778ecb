"""The event streams of responses, images, transcripts, speech and runs: typed events, each kind with its own last one.

Azure's are OpenAI's but for some fields, a stray `[DONE]` behind a response, and errors in an envelope of their own.
"""

from dataclasses import dataclass

import msgspec

from proxy.errors import ProxyError, UpstreamError
from proxy.translation import azure_fields
from proxy.translation.azure_fields import Members
from proxy.translation.errors import AzureErrors, encode_error
from proxy.translation.operations import StreamFormat
from proxy.translation.sse import Event, EventSplitter, encode_data, parse_event

_FILTERS = b'"content_filters"'
_TYPE = msgspec.json.Decoder(str)
_NUMBER = msgspec.json.Decoder(int)
_DONE = b"[DONE]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a kind of stream ends: the types of its last events, or `[DONE]`; `numbered` ones count their events."""

    last: frozenset[str] = frozenset()
    done: bool = False
    numbered: bool = False


_ENDINGS = {
    StreamFormat.RESPONSE: Ending(
        last=frozenset({"response.completed", "response.incomplete", "response.failed"}), numbered=True
    ),
    StreamFormat.IMAGE: Ending(last=frozenset({"image_generation.completed", "image_edit.completed"})),
    StreamFormat.TRANSCRIPT: Ending(last=frozenset({"transcript.text.done"})),
    StreamFormat.SPEECH: Ending(last=frozenset({"speech.audio.done"})),
    StreamFormat.RUN: Ending(done=True),
}


class TypedStream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client."""

    def __init__(self, errors: AzureErrors, form: StreamFormat) -> None:
        self._errors = errors
        self._ending = _ENDINGS[form]
        self._splitter = EventSplitter()
        self._number = -1
        self._complete = False
        self.ended = False
        self.broken = False

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        return b"".join(map(self._block, self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: nothing, or the error of a stream cut short."""
        rest = self._splitter.end()
        last = self._block(rest) if rest else b""
        return last + self.fail(UpstreamError("Azure OpenAI ended the stream before the answer was complete."))

    def fail(self, error: ProxyError) -> bytes:
        """Return an error in the shape of this stream; nothing when its last event has come already."""
        if self.ended or (self._complete and isinstance(error, UpstreamError)):
            self.ended = True
            return b""
        self.ended = self.broken = True
        if not self._ending.numbered:
            return encode_data(encode_error(error))
        fields = {"type": "error", "code": error.code, "message": error.message, "param": error.param}
        return _encode(b"error", msgspec.json.encode({**fields, "sequence_number": self._number + 1}))

    def _block(self, block: bytes) -> bytes:
        if self.ended:
            return b""
        try:
            event = parse_event(block)
            if event.data is None:
                return event.comment
            if event.data == _DONE:
                return self._done(event)
            return azure_fields.rewrite(event.data, lambda data: self._typed(event.name, data))
        except UpstreamError as error:
            return self.fail(error)
        except azure_fields.UNREADABLE:
            return self.fail(UpstreamError("Azure OpenAI sent an event that is not the JSON it should be."))

    def _done(self, event: Event) -> bytes:
        """Pass on the end of a run; the one behind a response is Azure's alone."""
        if not self._ending.done or event.name != b"done":
            return b""
        self.ended = True
        return _encode(event.name, _DONE)

    def _typed(self, name: bytes, data: bytes) -> bytes:
        members = azure_fields.DECODE(data)
        kind = _TYPE.decode(members["type"]) if "type" in members else name.decode()
        if name == b"error" or kind == "error" or _is_bare_error(members):
            return self.fail(self._errors.in_stream(data))
        if "sequence_number" in members:
            self._number = _NUMBER.decode(members["sequence_number"])
        if _FILTERS in data:
            data = _without_filters(members)
        self._complete |= kind in self._ending.last
        return _encode(name, data)


def _is_bare_error(members: Members) -> bool:
    """Tell an error without a type, as chat has them and Azure's gateway: an event of a response may be about one."""
    return "type" not in members and ("statusCode" in members or bytes(members.get("error", b"null")) != b"null")


def _without_filters(members: Members) -> bytes:
    azure_fields.strip_answer(members)
    if bytes(members.get("response", b"")).startswith(b"{"):
        response = azure_fields.DECODE(members["response"])
        azure_fields.strip_answer(response)
        members["response"] = msgspec.Raw(msgspec.json.encode(response))
    return msgspec.json.encode(members)


def _encode(name: bytes, data: bytes) -> bytes:
    return b"event: " + name + b"\n" + encode_data(data) if name else encode_data(data)
