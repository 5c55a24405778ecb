"""A stream of events: Azure OpenAI's bytes in as they come, whole events as OpenAI would send them out.

What goes out never looks complete when it is not: openai-python takes a stream that just ends for a good one. Nothing
goes out behind the last event, and an error behind a complete answer took nothing from it.
"""

from functools import partial
from typing import Protocol

import msgspec

from proxy.azure_api import chat
from proxy.azure_api.chat import Chunks
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.responses import TypedEvents
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api import answers, json_members
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import DONE, MAX_EVENT_BYTES, EventSplitter, encode_event, parse_event

_CUT_SHORT = "Azure OpenAI ended the stream before the answer was complete."
_NOT_JSON = "Azure OpenAI sent an event that is not the JSON it should be."


class Events(Protocol):
    """Translates the events of one format, one after the other; it knows what has come so far.

    `begun` tells that something came that the client waits for, `complete` that the answer is whole, `over` that Azure
    said its last word. `number` is the last `sequence_number`, `usage` the last usage as JSON.
    """

    begun: bool
    complete: bool
    over: bool
    number: int
    usage: bytes | None

    def translate_plain(self, block: bytes) -> bytes | None:
        """Return what `translate` would for an event of the most common kind, None for all others; never the last."""
        ...

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event for the client, or nothing.

        Raises the `ProxyError` that the event is, or one of `json_members.UNREADABLE` before anything has changed.
        """
        ...


class Stream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client.

    `ended` tells that nothing more will be given; `failure` is the error that the stream ended with.
    """

    def __init__(self, stream_format: StreamFormat, events: Events) -> None:
        self._format = stream_format
        self._events = events
        self._splitter = EventSplitter()
        self.ended = False
        self.failure: ProxyError | None = None

    @property
    def begun(self) -> bool:
        """Tell whether something came that the client waits for, beyond what announces an answer."""
        return self._events.begun

    @property
    def usage(self) -> bytes | None:
        """Return the last usage that came, as the JSON that it came in."""
        return self._events.usage

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        blocks = [] if self.ended else self._splitter.feed(chunk)
        translate_plain = self._events.translate_plain
        written = []
        for block in blocks:
            plain = translate_plain(block) if len(block) <= MAX_EVENT_BYTES else None
            if plain is not None:
                written.append(plain)
                continue
            written.append(self._translate(block))
            if self.ended:
                break
        return b"".join(written)

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: the end, or the error of a stream cut short."""
        rest = self._splitter.end()
        last = self._translate(rest) if rest and not self.ended else b""
        return last + self.fail(UpstreamError(_CUT_SHORT))

    def fail(self, error: ProxyError) -> bytes:
        """Return an error and the end of the stream; the end alone when the answer is complete."""
        if self.ended:
            return b""
        self.ended = True
        closing = encode_event(DONE) if self._format in chat.FORMATS else b""
        if self._events.complete:
            return closing
        self.failure = error
        return encode_error(self._format, error, self._events.number + 1) + closing

    def _translate(self, block: bytes) -> bytes:
        try:
            event = parse_event(block)
            if event.data is None:
                return event.comment
            written = json_members.rewrite(event.data, partial(self._events.translate, event.name))
        except ProxyError as error:
            return self.fail(error)
        except json_members.UNREADABLE:
            return self.fail(UpstreamError(_NOT_JSON))
        return written + self.fail(UpstreamError(_CUT_SHORT)) if self._events.over else written


def open_stream(
    stream_format: StreamFormat, errors: AzureErrors, *, choices: int = 1, keep_filters: bool = False
) -> Stream:
    """Begin a stream of an operation's format.

    `choices` is how many were asked for; `keep_filters` leaves Azure's annotations where they are.
    """
    events: Events = (
        Chunks(stream_format, errors, choices, keep_filters=keep_filters)
        if stream_format in chat.FORMATS
        else TypedEvents(stream_format, errors, keep_filters=keep_filters)
    )
    return Stream(stream_format, events)


def encode_error(stream_format: StreamFormat, error: ProxyError, number: int) -> bytes:
    """Return an error as an event: flat and numbered as a response has it, in the envelope of all others.

    The SDKs look for `error` in every event of a chat.
    """
    if stream_format is not StreamFormat.RESPONSE:
        return encode_event(answers.encode_error(error))
    fields = {"type": "error", "code": error.code, "message": error.message, "param": error.param}
    return encode_event(msgspec.json.encode({**fields, "sequence_number": number}), b"error")
