"""What hears of requests and their sendings where spans and metrics are exported; elsewhere nothing of it runs.

A span begins with its request or sending, so that Azure gets the name of the one that it is called from, and is written
when the request has ended. A request's span is made of its log line, so that it says what the log says.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from proxy.server.access_log import log_unexpected, write_line
from proxy.telemetry.metrics import Measurement, measurements
from proxy.telemetry.spans import Span, SpanKind, attempt_span, parse_line, request_span
from proxy.values import NO_TRACE, Receive, Scope, Send, SendingRecord

Handle = Callable[[Scope, Receive, Send], Awaitable[None]]
# The providers of resources, as the conventions call them.
AZURE, OPENAI = "azure.ai.openai", "openai"
# What names the span of the client; https://www.w3.org/TR/trace-context
TRACE_HEADERS = (b"traceparent", b"tracestate")


class OpenSpan(Protocol):
    """A span that has begun."""

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers that name it to who is called from it."""
        ...

    def begin(self, started: float) -> "OpenSpan":
        """Begin the span of a sending below it, at a time in seconds since 1970 UTC."""
        ...

    def end(self, span: Span) -> None:
        """Write it."""
        ...


class TelemetryWriter(Protocol):
    """Writes spans and measurements."""

    def begin(self, trace: Mapping[str, str], kind: SpanKind, started: float) -> OpenSpan:
        """Begin the span of a request, below that which the headers of `trace` name."""
        ...

    def measure(self, values: Iterable[Measurement]) -> None:
        """Count values."""
        ...


@dataclass(slots=True)
class _Traced:
    """A request while it is answered: its span, its sendings with theirs, its log line and when that was written."""

    span: OpenSpan
    sending: OpenSpan | None = None
    sendings: list[tuple[SendingRecord, OpenSpan | None]] = field(default_factory=list)
    line: str | None = None
    ended: float = 0.0


_CURRENT: ContextVar[_Traced | None] = ContextVar("telemetry of the request", default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """Turns requests into spans and measurements.

    `providers` are the names of the resources' kinds, in the order of the settings; with `host_writes_requests` the
    Functions host writes the span of the server.
    """

    writer: TelemetryWriter
    providers: Sequence[str]
    host_writes_requests: bool
    log: Callable[[str], None] = write_line
    now: Callable[[], float] = time.time

    def traced(self, handle: Handle) -> Handle:
        """Return what handles a request as `handle` does, and writes its spans when it has ended."""
        return partial(self._handle, handle)

    def begin_sending(self, started: float) -> Mapping[str, str]:
        """Begin the span of a sending, and return the headers that name it; the sendings follow one another."""
        current = _CURRENT.get()
        if current is None:
            return NO_TRACE
        try:
            current.sending = current.span.begin(started)
            named = current.sending.headers
        except Exception as error:  # noqa: BLE001  a failure of the telemetry is no failure of the request
            log_unexpected(error)
            return NO_TRACE
        return named

    def record(self, record: SendingRecord) -> None:
        """Hear of a sending that has ended."""
        current = _CURRENT.get()
        if current is not None:
            current.sendings.append((record, current.sending))
            current.sending = None

    def write_line(self, line: str) -> None:
        """Write the log line of a request, and keep it for its span."""
        self.log(line)
        current = _CURRENT.get()
        if current is not None:
            current.line, current.ended = line, self.now()

    async def _handle(self, handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
        trace = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE_HEADERS}
        try:
            current = _Traced(self.writer.begin(trace, self._kind, self.now()))
        except Exception as error:  # noqa: BLE001
            log_unexpected(error)
            return await handle(scope, receive, send)
        token = _CURRENT.set(current)
        try:
            await handle(scope, receive, send)
        finally:
            _CURRENT.reset(token)
            self._write(current)

    @property
    def _kind(self) -> SpanKind:
        return SpanKind.INTERNAL if self.host_writes_requests else SpanKind.SERVER

    def _write(self, current: _Traced) -> None:
        """Write what a request left; a failure of the telemetry is no failure of the request."""
        try:
            self._write_spans(current)
        except Exception as error:  # noqa: BLE001  the client has its answer
            log_unexpected(error)

    def _write_spans(self, current: _Traced) -> None:
        for record, span in current.sendings:
            provider = self._provider(record)
            self.writer.measure(measurements(record, provider))
            (span or current.span.begin(record.started)).end(attempt_span(record, provider))
        if current.line is not None:
            current.span.end(request_span(parse_line(current.line), current.ended))

    def _provider(self, record: SendingRecord) -> str:
        """Return the provider of a resource; a resource that its client named is one of Azure."""
        return self.providers[record.resource] if record.resource < len(self.providers) else AZURE
