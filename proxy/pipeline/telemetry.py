"""What hears of requests and their sendings where spans and metrics are exported; elsewhere nothing of it runs.

A request's span is made of its log line, so that it says what the log says.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from proxy.server.access_log import log_unexpected, write_line
from proxy.telemetry.metrics import Measurement, measurements
from proxy.telemetry.spans import Span, attempt_span, parse_line, request_span
from proxy.values import Receive, Scope, Send, SendingRecord

Handle = Callable[[Scope, Receive, Send], Awaitable[None]]
# The providers of resources, as the conventions call them.
AZURE, OPENAI = "azure.ai.openai", "openai"
# What names the span of the client; https://www.w3.org/TR/trace-context
TRACE_HEADERS = (b"traceparent", b"tracestate")


class TelemetryWriter(Protocol):
    """Writes spans and measurements."""

    def write_request(self, trace: dict[str, str], request: Span, attempts: Sequence[Span]) -> None:
        """Write the span of a request, below that which the headers of `trace` name, and those of its attempts."""
        ...

    def measure(self, values: Iterable[Measurement]) -> None:
        """Count values."""
        ...


@dataclass(slots=True)
class _Traced:
    """A request while it is answered: its trace, its sendings, its log line and when that was written."""

    trace: dict[str, str]
    records: list[SendingRecord] = field(default_factory=list)
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

    def record(self, record: SendingRecord) -> None:
        """Hear of a sending."""
        current = _CURRENT.get()
        if current is not None:
            current.records.append(record)

    def write_line(self, line: str) -> None:
        """Write the log line of a request, and keep it for its span."""
        self.log(line)
        current = _CURRENT.get()
        if current is not None:
            current.line, current.ended = line, self.now()

    async def _handle(self, handle: Handle, scope: Scope, receive: Receive, send: Send) -> None:
        trace = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in TRACE_HEADERS}
        current = _Traced(trace)
        token = _CURRENT.set(current)
        try:
            await handle(scope, receive, send)
        finally:
            _CURRENT.reset(token)
            self._write(current)

    def _write(self, current: _Traced) -> None:
        """Write what a request left; a failure of the telemetry is no failure of the request."""
        try:
            self._write_spans(current)
        except Exception as error:  # noqa: BLE001  the client has its answer
            log_unexpected(error)

    def _write_spans(self, current: _Traced) -> None:
        if current.line is not None:
            request = request_span(
                parse_line(current.line), current.ended, host_writes_requests=self.host_writes_requests
            )
            attempts = [attempt_span(one, self._provider(one)) for one in current.records]
            self.writer.write_request(current.trace, request, attempts)
        for one in current.records:
            self.writer.measure(measurements(one, self._provider(one)))

    def _provider(self, record: SendingRecord) -> str:
        """Return the provider of a resource; a resource that its client named is one of Azure."""
        return self.providers[record.resource] if record.resource < len(self.providers) else AZURE
