"""A stream of events: Azure OpenAI's bytes in as they come, whole events as OpenAI would send them out.

What goes out never looks complete when it is not: openai-python takes a stream that just ends for a good one. Nothing
goes out behind the last event, and an error behind a complete answer took nothing from it.
"""

from typing import Protocol

from proxy.azure_api.errors import AzureErrors
from proxy.errors import ProxyError, UpstreamError
from proxy.openai_api import json_members
from proxy.openai_api.operations import StreamFormat
from tests.unit.azure_api.former import chat
from tests.unit.azure_api.former.chat import Chunks
from tests.unit.azure_api.former.responses import TypedEvents
from tests.unit.azure_api.former.sse import EventSplitter, parse_event

_CUT_SHORT = "Azure OpenAI ended the stream before the answer was complete."
_NOT_JSON = "Azure OpenAI sent an event that is not the JSON it should be."


class Dialect(Protocol):
    """Translates the events of one format, one after the other; it knows what has come so far.

    `begun` tells that something came that the client waits for, `complete` that the answer is whole, `over` that Azure
    said its last word. `number` has the digits of the last `sequence_number`. `closing` is what the client reads last.
    """

    begun: bool
    complete: bool
    over: bool
    number: bytes
    closing: bytes

    def translate(self, name: bytes, data: bytes) -> bytes:
        """Return an event for the client, or nothing.

        Raises the `ProxyError` that the event is, or one of `json_members.UNREADABLE` before anything has changed.
        """
        ...

    def state(self) -> object:
        """Return what translations depend on besides an event's own bytes, to be compared."""
        ...

    def encode_error(self, error: ProxyError) -> bytes:
        """Return an error as this format has it."""
        ...


class Stream:
    """Normalises one stream; `feed` and then `end`, or `fail` at any time, give the bytes for the client.

    `begun` tells that something came that the client waits for, beyond what announces an answer; `ended` that nothing
    more will be given; `failure` is the error that the stream ended with.
    """

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._splitter = EventSplitter()
        self.begun = False
        self.ended = False
        self.failure: ProxyError | None = None

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        if self.ended:
            return b""
        return b"".join(map(self._block, self._splitter.feed(chunk)))

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: the end, or the error of a stream cut short."""
        rest = self._splitter.end()
        last = self._block(rest) if rest else b""
        return last + self.fail(UpstreamError(_CUT_SHORT))

    def fail(self, error: ProxyError) -> bytes:
        """Return an error and the end of the stream; the end alone when the answer is complete."""
        if self.ended:
            return b""
        self.ended = True
        if self._dialect.complete:
            return self._dialect.closing
        self.failure = error
        return self._dialect.encode_error(error) + self._dialect.closing

    def _block(self, block: bytes) -> bytes:
        if self.ended:
            return b""
        try:
            written = self._translate(block)
        except ProxyError as error:
            return self.fail(error)
        except json_members.UNREADABLE:
            return self.fail(UpstreamError(_NOT_JSON))
        self.begun = self._dialect.begun
        return written + self.fail(UpstreamError(_CUT_SHORT)) if self._dialect.over else written

    def _translate(self, block: bytes) -> bytes:
        event = parse_event(block)
        if event.data is None:
            return event.comment
        return json_members.rewrite(event.data, lambda data: self._dialect.translate(event.name, data))


def open_stream(
    operation_format: StreamFormat,
    errors: AzureErrors,
    *,
    choices: int = 1,
    keep_filters: bool = False,
) -> Stream:
    """Begin a stream of an operation's format.

    `choices` is how many were asked for; `keep_filters` leaves Azure's annotations where they are.
    """
    dialect: Dialect = (
        Chunks(operation_format, errors, choices, keep_filters=keep_filters)
        if operation_format in chat.FORMATS
        else TypedEvents(operation_format, errors, keep_filters=keep_filters)
    )
    return Stream(dialect)
