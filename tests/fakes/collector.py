"""A collector of OpenTelemetry on the loopback, which keeps what it gets; it also takes what goes to Azure Monitor."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import HistogramDataPoint
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector(ThreadingHTTPServer):
    """Keeps what it gets: `got` has the path and the body of each request."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def spans(self) -> list[Span]:
        """Return the spans that came by OTLP, in the order of their starts."""
        requests = [ExportTraceServiceRequest.FromString(body) for path, body in self.got if path == "/v1/traces"]
        spans = [span for one in requests for span in one.resource_spans[0].scope_spans[0].spans]
        return sorted(spans, key=lambda span: span.start_time_unix_nano)

    def points(self, metric: str) -> list[HistogramDataPoint]:
        """Return the points of a histogram that came by OTLP."""
        requests = [ExportMetricsServiceRequest.FromString(body) for path, body in self.got if path == "/v1/metrics"]
        metrics = [one for request in requests for one in request.resource_metrics[0].scope_metrics[0].metrics]
        return [point for one in metrics if one.name == metric for point in one.histogram.data_points]

    def metrics(self) -> set[str]:
        """Return the names of the metrics that came by OTLP."""
        requests = [ExportMetricsServiceRequest.FromString(body) for path, body in self.got if path == "/v1/metrics"]
        return {one.name for request in requests for one in request.resource_metrics[0].scope_metrics[0].metrics}

    def envelopes(self) -> list[dict[str, Any]]:
        """Return what came for Azure Monitor."""
        tracked = [body for path, body in self.got if path.endswith("/track")]
        return [envelope for body in tracked for envelope in json.loads(body)]


def attributes(of: Span | HistogramDataPoint) -> dict[str, str | int | float]:
    """Return the attributes of a span or of a point of a histogram."""
    return {one.key: _value(one) for one in of.attributes}


def _value(attribute: KeyValue) -> str | int | float:
    found: str | int | float = getattr(attribute.value, attribute.value.WhichOneof("value") or "string_value")
    return found


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        self.server.got.append((self.path, plain))
        is_track = self.path.endswith("/track")
        count = len(json.loads(plain)) if is_track else 0
        answer = (
            json.dumps({"itemsReceived": count, "itemsAccepted": count, "errors": []}).encode() if is_track else b""
        )
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """Run a collector in a thread of its own."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
