"""Spans and metrics, sent in the background by OpenTelemetry's SDK; imported only where they are wanted.

The providers are our own, not the global ones: what the platform's worker or another library sets up there writes
nothing of ours a second time, and we nothing of theirs.
"""

import asyncio
from collections.abc import Iterable, Sequence

from opentelemetry.context import Context
from opentelemetry.metrics import Histogram as SdkHistogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from proxy.config.telemetry import Exporter
from proxy.telemetry import spans
from proxy.telemetry.metrics import HISTOGRAMS, Measurement
from proxy.telemetry.spans import Span

NAME = "azure-openai-functions-proxy"
# Seconds for what is still to be sent at the end of the process; the platform gives a process some more.
LAST_EXPORT = 3.0
_KINDS = {
    spans.SpanKind.SERVER: SpanKind.SERVER,
    spans.SpanKind.INTERNAL: SpanKind.INTERNAL,
    spans.SpanKind.CLIENT: SpanKind.CLIENT,
}


class OpenTelemetry:
    """Writes spans and measurements with the SDK, which sends them from threads of its own."""

    def __init__(self, span_exporter: SpanExporter, metric_exporter: MetricExporter) -> None:
        # What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say counts.
        resource = Resource({"service.name": NAME}).merge(OTELResourceDetector().detect())
        self._traces = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._traces.add_span_processor(BatchSpanProcessor(span_exporter))
        self._tracer: Tracer = self._traces.get_tracer(NAME)
        reader = PeriodicExportingMetricReader(metric_exporter)
        self._metrics = MeterProvider([reader], resource, shutdown_on_exit=False)
        meter = self._metrics.get_meter(NAME)
        self._histograms: dict[str, SdkHistogram] = {
            one.name: meter.create_histogram(one.name, one.unit, explicit_bucket_boundaries_advisory=one.bounds)
            for one in HISTOGRAMS
        }
        self._propagator = TraceContextTextMapPropagator()

    def write_request(self, trace: dict[str, str], request: Span, attempts: Sequence[Span]) -> None:
        """Write the span of a request, below that which the headers of `trace` name, and those of its attempts."""
        context = self._write(request, self._propagator.extract(trace, Context()))
        for attempt in attempts:
            self._write(attempt, context)

    def measure(self, values: Iterable[Measurement]) -> None:
        """Count values."""
        for one in values:
            self._histograms[one.histogram.name].record(one.value, one.attributes)

    async def close(self) -> None:
        """Send what is left, and end the threads."""
        await asyncio.to_thread(self._shut_down)

    def _write(self, span: Span, parent: Context) -> Context:
        started = self._tracer.start_span(
            span.name, parent, _KINDS[span.kind], span.attributes, start_time=round(span.started * 1e9)
        )
        if span.error is not None:
            started.set_status(Status(StatusCode.ERROR))
        started.end(round(span.ended * 1e9))
        return set_span_in_context(started, parent)

    def _shut_down(self) -> None:
        self._traces.force_flush(round(LAST_EXPORT * 1000))
        self._traces.shutdown()
        self._metrics.shutdown(LAST_EXPORT * 1000)


def open_telemetry(exporter: Exporter) -> OpenTelemetry:
    """Return what writes to a collector or to Azure Monitor; the exporters read their own variables.

    https://opentelemetry.io/docs/specs/otel/protocol/exporter
    """
    if exporter is Exporter.OTLP:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter  # noqa: PLC0415  one of two
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

        return OpenTelemetry(OTLPSpanExporter(), OTLPMetricExporter())
    from azure.monitor.opentelemetry.exporter import (  # noqa: PLC0415
        AzureMonitorMetricExporter,
        AzureMonitorTraceExporter,
    )

    # Nothing is written to the disk of the instance.
    return OpenTelemetry(
        AzureMonitorTraceExporter(disable_offline_storage=True),
        AzureMonitorMetricExporter(disable_offline_storage=True),
    )
