"""TELEMETRY sends spans and metrics to a collector, below the client's own span, and nothing that a client wrote."""

import gzip
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from proxy.app import build_application
from proxy.config.settings import Settings
from tests.faults.client import Answer, ask, scope_of
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

KEY = "sk-CANARYkey-0123456789abcdef"
TRACE, PARENT = "a" * 32, "b" * 16


class Collector(ThreadingHTTPServer):
    """Keeps what it gets."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Taking)
        self.got: list[tuple[str, bytes]] = []


class _Taking(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        plain = gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        self.server.got.append((self.path, plain))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        yield server
        server.shutdown()
        thread.join()


async def answered(*bodies: dict[str, object]) -> list[int]:
    async with Simulator().serving() as simulator:
        settings = {
            "AZURE_OPENAI_ENDPOINT": simulator.url,
            "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
            "CLIENT_KEYS": f"alice={KEY}",
            "TELEMETRY": "otlp",
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        }
        app = build_application(Settings.from_environ(settings))
        statuses = []
        for body in bodies:
            raw, answer = json.dumps(body).encode(), Answer()
            headers = {
                "authorization": f"Bearer {KEY}",
                "content-length": str(len(raw)),
                "traceparent": f"00-{TRACE}-{PARENT}-01",
            }
            await ask(app, *(scope_of("/v1/chat/completions", headers), raw), answer)
            statuses.append(answer.status)
        await app.stop(1)
        return statuses


async def test_requests_and_attempts_are_spans_below_the_clients_and_nothing_of_a_body_or_key_is_sent(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    chat: dict[str, object] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "CANARYprompt"}]}

    statuses = await answered({**chat, "stream": False}, {**chat, "stream": True})

    assert statuses == [200, 200]
    traces = [ExportTraceServiceRequest.FromString(body) for path, body in collector.got if path == "/v1/traces"]
    spans = [span for one in traces for span in one.resource_spans[0].scope_spans[0].spans]
    requests = [span for span in spans if span.name == "POST /v1/chat/completions"]
    attempts = [span for span in spans if span.name == "chat gpt-4o"]
    assert {span.trace_id.hex() for span in spans} == {TRACE}
    assert [span.parent_span_id.hex() for span in requests] == [PARENT, PARENT]
    assert [span.parent_span_id for span in attempts] == [span.span_id for span in requests]
    measured = [ExportMetricsServiceRequest.FromString(body) for path, body in collector.got if path == "/v1/metrics"]
    names = {metric.name for one in measured for metric in one.resource_metrics[0].scope_metrics[0].metrics}
    assert names == {
        "gen_ai.client.token.usage",
        "gen_ai.client.operation.duration",
        "gen_ai.client.operation.time_to_first_chunk",
    }
    logged = "".join(capfd.readouterr()).encode()
    for canary in (b"CANARY", DEFAULT_KEY.encode()):
        assert not any(canary in body for _, body in collector.got)
        assert canary not in logged
