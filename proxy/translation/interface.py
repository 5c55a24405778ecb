"""What the translation of a call is to the rest: a request to send, and a reader of what comes back.

A translation starts from the body that the client sent, and gives the client its own API's answer, events and errors.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from proxy.azure_api.stream import Stream
from proxy.errors import ProxyError
from proxy.openai_api.json_body import JsonBody


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What makes an answer a new one: `token()` draws 32 hexadecimal digits, `created` is in seconds since 1970."""

    token: Callable[[], str]
    created: int


class EventStream(Protocol):
    """A stream of events for the client; what `azure_api.stream.Stream` is, which it may be built upon."""

    ended: bool

    @property
    def begun(self) -> bool:
        """Tell whether something came that the client waits for, beyond what announces an answer."""
        ...

    @property
    def waits(self) -> bool:
        """Tell whether a failure is known and Azure's last event about it may still come."""
        ...

    @property
    def failure(self) -> ProxyError | None:
        """Return the error that the stream ends with."""
        ...

    @property
    def broken(self) -> bool:
        """Tell whether the connection must break off behind the last event, because no end would be true."""
        ...

    @property
    def usage(self) -> bytes | None:
        """Return the last usage that came, as the JSON that it came in."""
        ...

    @property
    def billed(self) -> bytes | None:
        """Return the chunk or the response that the last usage came in, as JSON."""
        ...

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of Azure as they came; return whole events, possibly none."""
        ...

    def end(self) -> bytes:
        """Return what is left when Azure's bytes are over: the end, or the error of a stream cut short."""
        ...

    def fail(self, error: ProxyError) -> bytes:
        """Return an error as the last event; the end alone when the answer is complete."""
        ...


# Returns the reasoning items that came before a tool call of an earlier answer, as JSON; None if they are not known.
Remembered = Callable[[str], Sequence[bytes] | None]


class StreamOverStream:
    """What a translated stream knows by the one that it is made of; `ended` tells that nothing more will be given.

    `_failure` is the error that the client was told.
    """

    def __init__(self, upstream: Stream) -> None:
        self._upstream = upstream
        self._failure: ProxyError | None = None
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
        """Return the last usage that came, as the JSON that the upstream API has."""
        return self._upstream.usage

    @property
    def billed(self) -> bytes | None:
        """Return what the last usage came in, as the JSON that the upstream API has."""
        return self._upstream.billed


class AnswerReader(Protocol):
    """Turns what came back of one translated call into the client's API."""

    @property
    def reasoning(self) -> Mapping[str, Sequence[bytes]]:
        """Return the reasoning items that came before each tool call, as JSON, by the call's id; none before the end.

        Without them the next turn would be made without its reasoning. Empty where the client's API has a place for it.
        """
        ...

    def answer(self, raw: bytes) -> bytes:
        """Return a whole answer, without what only Azure has; raise `UpstreamError` if it is no such answer."""
        ...

    def open_stream(self, upstream: Stream) -> EventStream:
        """Begin the client's stream over one of the API that was called, which has OpenAI's events in it."""
        ...

    def error(self, error: ProxyError) -> ProxyError:
        """Return an error that names the client's parameter in place of the translated one."""
        ...


class TranslatedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A body for the other API.

    `dropped` names what of the client's body only tunes and has no counterpart, `changed` what another value was sent
    for, both as `x-proxy-repaired` names them.
    """

    __repr__ = object.__repr__  # without what is in it

    body: JsonBody
    reader: AnswerReader
    dropped: tuple[str, ...] = ()
    changed: Mapping[str, str] = msgspec.field(default_factory=dict)
