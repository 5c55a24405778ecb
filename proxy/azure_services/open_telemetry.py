"""Spans and metrics, sent in the background by OpenTelemetry's SDK; imported only where they are wanted.

The providers are our own, not the global ones: what the platform's worker or another library sets up there writes
nothing of ours a second time, and we nothing of theirs.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import Span as SdkSpan
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from proxy.config.telemetry import Exporter
from proxy.telemetry import spans
from proxy.telemetry.metrics import HISTOGRAMS, Measurement
from proxy.telemetry.spans import Span

NAME = "azure-openai-functions-proxy"
# Seconds for what is still to be sent at the end of the process; the platform gives a process some more.
LAST_EXPORT = 3.0
_KINDS = {spans.SpanKind.SERVER: SpanKind.SERVER, spans.SpanKind.INTERNAL: SpanKind.INTERNAL}


_PROPAGATOR = TraceContextTextMapPropagator()


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """A span of the SDK that has begun."""

    tracer: Tracer
    span: SdkSpan

    @property
    def headers(self) -> Mapping[str, str]:
        """Return the headers that name it to who is called from it."""
        named: dict[str, str] = {}
        _PROPAGATOR.inject(named, set_span_in_context(self.span, Context()))
        return named

    def begin(self, started: float) -> "OpenSpan":
        """Begin the span of a sending below it, at a time in seconds since 1970 UTC."""
        above = set_span_in_context(self.span, Context())
        return OpenSpan(self.tracer, _begin(self.tracer, above, SpanKind.CLIENT, started))

    def end(self, span: Span) -> None:
        """Write it."""
        self.span.update_name(span.name)
        self.span.set_attributes(span.attributes)
        if span.error is not None:
            self.span.set_status(Status(StatusCode.ERROR))
        self.span.end(round(span.ended * 1e9))


class OpenTelemetry:
    """Writes spans and measurements with the SDK, which sends them from threads of its own.

    `span_exporter` returns the exporter for the spans of a provider.
    """

    def __init__(
        self, span_exporter: Callable[[TracerProvider], SpanExporter], metric_exporter: MetricExporter
    ) -> None:
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say counts.
        resource = Resource({"service.name": NAME}).merge(OTELResourceDetector().detect())
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(span_exporter(self._traces)))
        self._tracer: Tracer = self._traces.get_tracer(NAME)
        reader = PeriodicExportingMetricReader(metric_exporter)
        self._metrics = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter(NAME)
        self._histograms: dict[str, SdkHistogram] = {
            one.name: meter.create_histogram(one.name, one.unit, explicit_bucket_boundaries_advisory=one.bounds)
            for one in HISTOGRAMS
        }

    def begin(self, trace: Mapping[str, str], kind: spans.SpanKind, started: float) -> OpenSpan:
        """Begin the span of a request, below that which the headers of `trace` name."""
        above = _PROPAGATOR.extract(trace, Context())
        return OpenSpan(self._tracer, _begin(self._tracer, above, _KINDS[kind], started))

    def measure(self, values: Iterable[Measurement]) -> None:
        """Count values."""
        for one in values:
            self._histograms[one.histogram.name].record(one.value, one.attributes)

    async def close(self) -> None:
        """Send what is left, and end the threads."""
        await asyncio.to_thread(self._shut_down)

    def _shut_down(self) -> None:
        self._traces.force_flush(round(LAST_EXPORT * 1000))
        self._traces.shutdown()
        self._metrics.shutdown(LAST_EXPORT * 1000)


def _begin(tracer: Tracer, above: Context, kind: SpanKind, started: float) -> SdkSpan:
    """Begin a span, whose name is known at its end."""
    return tracer.start_span(kind.name, above, kind, start_time=round(started * 1e9))


def open_telemetry(exporter: Exporter) -> OpenTelemetry:
    """Return what writes to a collector or to Azure Monitor; the exporters read their own variables.

    Raises ImportError without the exporter, ValueError if a variable is wrong.
    https://opentelemetry.io/docs/specs/otel/protocol/exporter
    """
    # It logs headers for the collector that it cannot read, and keys are among them.
    logging.getLogger("opentelemetry.util.re").setLevel(logging.CRITICAL)
    if exporter is Exporter.OTLP:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415  one of two
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OpenTelemetry(lambda _: OTLPSpanExporter(), OTLPMetricExporter())
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    # Nothing is written to the disk of the instance. Without the provider it would look for the global one, in vain.
    return OpenTelemetry(
        lambda traces: AzureMonitorTraceExporter(tracer_provider=traces, disable_offline_storage=True),
        AzureMonitorMetricExporter(disable_offline_storage=True),
    )
