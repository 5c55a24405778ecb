"""A stream of events: Azure OpenAI's bytes in as they come, whole events as OpenAI would send them out.

What goes out never looks complete when it is not. Some clients do not know an event with an error, and take a stream
that ends after it for a good one: so it is the connection that ends a broken stream, and `broken` says so. Nothing goes
out behind the last event, and an error behind a complete answer took nothing from it.
"""

from functools import partial
from typing import Protocol

from proxy.azure_api import chat
from proxy.azure_api.chat import Chunks
from proxy.azure_api.errors import AzureErrors
from proxy.azure_api.responses import TypedEvents
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api import json_members
from proxy.openai_api.operations import StreamFormat
from proxy.openai_api.sse import BLANK, KEEP_ALIVE_NAMES, MAX_EVENT_BYTES, EventSplitter, parse_event

_CUT_SHORT = "Azure OpenAI ended the stream before the answer was complete."
_NOT_JSON = "Azure OpenAI sent an event that is not the JSON it should be."


class Events(Protocol):
    """Translates the events of one format, one after the other; it knows what has come so far.

    `begun` tells that something came that the client waits for, `complete` that the answer is whole, `over` that
    Azure's last event has come, `waits` that a failure is known and Azure's last event may still come. `failure` is
    the error that the client is told, `broken` tells that no proper end may follow. `usage` is the last usage as JSON,
    `billed` the object with it.
    """

    begun: bool
    complete: bool
    over: bool
    waits: bool
    broken: bool
    failure: ProxyError | None
    usage: bytes | None
    billed: bytes | None

    def translate_plain(self, block: bytes) -> bytes | None:
        """Return what `translate` would for an event of the most common kind, None for all others; never the last."""
        ...

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event for the client, or nothing.

        Raises the `ProxyError` that the event is, or one of `json_members.UNREADABLE` before anything has changed.
        """
        ...

    def close(self, error: ProxyError) -> bytes:
        """Return what is left to say when nothing more comes: the end of a complete answer, else the error."""
        ...


class Stream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client.

    `ended` tells that nothing more will be given. `keep_alive` leaves in place of what only keeps a stream alive.
    """

    def __init__(self, events: Events, keep_alive: bytes) -> None:
        self._events = events
        self._keep_alive = keep_alive
        self._splitter = EventSplitter()
        self.ended = False

    @property
    def begun(self) -> bool:
        """Tell whether something came that the client waits for, beyond what announces an answer."""
        return self._events.begun

    @property
    def waits(self) -> bool:
        """Tell whether a failure is known and Azure's last event about it may still come."""
        return self._events.waits and not self.ended

    @property
    def failure(self) -> ProxyError | None:
        """Return the error that the stream ends with."""
        return self._events.failure

    @property
    def broken(self) -> bool:
        """Tell whether the connection must break off behind the last event, because no end would be true."""
        return self._events.broken

    @property
    def usage(self) -> bytes | None:
        """Return the last usage that came, as the JSON that it came in."""
        return self._events.usage

    @property
    def billed(self) -> bytes | None:
        """Return the chunk or the response that the last usage came in, as JSON."""
        return self._events.billed

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
        """Return an error as the last event; the end alone when the answer is complete."""
        if self.ended:
            return b""
        self.ended = True
        return self._events.close(error)

    def _translate(self, block: bytes) -> bytes:
        try:
            event = parse_event(block)
            if event.name in KEEP_ALIVE_NAMES or event.is_comment or event.data == b"":
                return self._keep_alive
            if event.data is None:
                return b""
            written = json_members.rewrite(event.data, partial(self._events.translate, event.name))
        except ProxyError as error:
            return self.fail(error)
        except json_members.UNREADABLE:
            return self.fail(UpstreamError(_NOT_JSON))
        return written + self.fail(UpstreamError(_CUT_SHORT)) if self._events.over else written


def open_stream(
    stream_format: StreamFormat,
    errors: AzureErrors,
    *,
    choices: int = 1,
    keep_filters: bool = False,
    keep_alive: bytes = BLANK,
) -> Stream:
    """Begin a stream of an operation's format.

    `choices` is how many were asked for; `keep_filters` leaves Azure's annotations where they are.
    """
    events: Events = (
        Chunks(stream_format, errors, choices, keep_filters=keep_filters, keep_alive=keep_alive)
        if stream_format in chat.FORMATS
        else TypedEvents(stream_format, errors, keep_filters=keep_filters, keep_alive=keep_alive)
    )
    return Stream(events, keep_alive)
