"""TELEMETRY sends spans and metrics to a collector or to Azure Monitor, by the SDK and exporters that are deployed.

Azure gets the name of the span of its attempt. What the canary run looks for in spans is in test_canaries.py.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry import metrics, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from proxy.app import Proxy, build_application
from proxy.config.environment import SettingError
from proxy.config.settings import Settings
from proxy.server.connection import EXTENSION
from tests.fakes.collector import Collector, attributes, collecting
from tests.faults.client import Answer, ask, scope_of
from tests.integration.several import FORGETFUL
from tests.processes import REPOSITORY, free_port, output_of
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

KEY = "sk-CANARYkey-0123456789abcdef"
TRACE, PARENT = "a" * 32, "b" * 16
CLIENTS = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": "vendor=1"}
DURATION, TOKENS = "gen_ai.client.operation.duration", "gen_ai.client.token.usage"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
INSTRUMENTATION = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
HOST = b'{"functionTimeout":"00:30:00"}'


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with collecting() as running:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", running.url)
        for name in ("STATSBEAT_DISABLED_ALL", "SDKSTATS_DISABLED", "CONTROLPLANE_DISABLED"):  # of Microsoft's own
            monkeypatch.setenv(f"APPLICATIONINSIGHTS_{name}", "true")
        monkeypatch.setenv(CONNECTION, f"{INSTRUMENTATION};IngestionEndpoint={running.url}/")
        yield running


@dataclass(frozen=True, kw_only=True)
class Asking:
    """An app over one or two resources of the simulator, whose model `chat` is another deployment at each."""

    app: Proxy
    azure: Simulator

    async def chat(
        self, headers: Mapping[str, str] = CLIENTS, heard: Callable[[], None] = lambda: None, **members: object
    ) -> Answer:
        """Ask for a chat and read its answer."""
        body = {"model": "chat", "messages": [{"role": "user", "content": "CANARYprompt"}], **members}
        scope, raw = self.request(body, headers)
        answer = Answer(heard)
        await ask(self.app, scope, raw, answer)
        return answer

    def request(self, body: Mapping[str, object], headers: Mapping[str, str] = CLIENTS) -> tuple[dict[str, Any], bytes]:
        """Return the scope of a request and its body."""
        raw = json.dumps(body).encode()
        sent = {"authorization": f"Bearer {KEY}", "content-length": str(len(raw)), **headers}
        return dict(scope_of("/v1/chat/completions", sent)), raw

    @property
    def sent(self) -> list[Mapping[str, str]]:
        """Return the headers that Azure has got."""
        return [{name.lower(): value for name, value in one.headers.items()} for one in self.azure.requests]


@asynccontextmanager
async def asking(*deployments: str, host_json: bytes = HOST, **settings: str) -> AsyncIterator[Asking]:
    """Run an app; everything is sent when it has ended."""
    async with Simulator().serving() as azure:
        resources = [
            {"name": name, "endpoint": azure.url, "api_key": DEFAULT_KEY, "priority": place, "models": {"chat": name}}
            for place, name in enumerate(deployments or ("gpt-4o",))
        ]
        environ = {
            "AZURE_OPENAI_RESOURCES": json.dumps(resources),
            "AZURE_OPENAI_ROUTING": FORGETFUL,
            "CLIENT_KEYS": f"alice={KEY}",
            "TELEMETRY": "otlp",
            CONNECTION: INSTRUMENTATION,
            "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
            **settings,
        }
        app = build_application(Settings.from_environ(environ, host_json))
        yield Asking(app=app, azure=azure)
        await app.stop(1)


def of_requests(collector: Collector) -> list[Span]:
    return [span for span in collector.spans() if span.name.startswith("POST ")]


def of_attempts(collector: Collector) -> list[Span]:
    return [span for span in collector.spans() if not span.name.startswith("POST ")]


async def test_requests_and_attempts_are_spans_below_the_clients_and_nothing_of_a_body_or_key_is_sent(
    collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    async with asking() as asks:
        statuses = [(await asks.chat(stream=stream)).status for stream in (False, True)]

    assert statuses == [200, 200]
    requests, attempts = of_requests(collector), of_attempts(collector)
    assert [span.name for span in (*requests, *attempts)] == ["POST /v1/chat/completions"] * 2 + ["chat gpt-4o"] * 2
    assert {span.trace_id.hex() for span in (*requests, *attempts)} == {TRACE}
    assert [span.parent_span_id.hex() for span in requests] == [PARENT, PARENT]
    assert [span.parent_span_id for span in attempts] == [span.span_id for span in requests]
    assert {span.kind for span in requests} == {Span.SPAN_KIND_SERVER}
    assert {span.kind for span in attempts} == {Span.SPAN_KIND_CLIENT}
    for request, attempt in zip(requests, attempts, strict=True):
        assert request.start_time_unix_nano <= attempt.start_time_unix_nano < attempt.end_time_unix_nano
    logged = "".join(capfd.readouterr()).encode()
    for canary in (b"CANARY", DEFAULT_KEY.encode()):
        assert not any(canary in body for _, body in collector.got)
        assert canary not in logged


async def test_a_failover_is_a_span_of_each_attempt_below_that_of_the_request(collector: Collector) -> None:
    async with asking("error-429-old", "gpt-4o") as asks:
        assert (await asks.chat()).status == 200
        named = [one["traceparent"] for one in asks.sent]

    (request,), (first, second) = of_requests(collector), of_attempts(collector)
    assert [span.parent_span_id for span in (first, second)] == [request.span_id] * 2
    usual = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "azure.ai.openai"}
    assert attributes(first) == usual | {
        "gen_ai.request.model": "error-429-old",
        "http.response.status_code": 429,
        "error.type": "429",
        "proxy.resource": 0,
        "proxy.attempt": 1,
        "proxy.outcome": "answer",
    }
    answered = attributes(second)
    assert answered.items() >= {**usual, "gen_ai.request.model": "gpt-4o", "proxy.resource": 1}.items()
    assert answered.items() >= {"proxy.attempt": 2, "http.response.status_code": 200}.items()
    assert answered["gen_ai.usage.input_tokens"] == 1
    assert (first.status.code, second.status.code, request.status.code) == (
        Status.STATUS_CODE_ERROR,
        Status.STATUS_CODE_UNSET,
        Status.STATUS_CODE_UNSET,
    )
    assert attributes(request)["proxy.attempts"] == 2
    assert named == [f"00-{TRACE}-{span.span_id.hex()}-01" for span in (first, second)]


async def test_an_error_of_azure_is_an_error_of_both_spans_and_one_of_the_client_only_of_the_attempt(
    collector: Collector,
) -> None:
    async with asking("error-500") as asks:
        assert (await asks.chat()).status == 500
    async with asking("error-400-context") as asks:
        assert (await asks.chat()).status == 400

    by_server, by_client = of_requests(collector)
    assert (by_server.status.code, attributes(by_server)["error.type"]) == (Status.STATUS_CODE_ERROR, "500")
    assert (by_client.status.code, attributes(by_client).get("error.type")) == (Status.STATUS_CODE_UNSET, None)
    assert attributes(by_client)["proxy.error"] == "context_length_exceeded"
    failed = [attributes(span)["error.type"] for span in of_attempts(collector)]
    assert failed[-1] == "400"
    assert set(failed[:-1]) == {"500"}
    assert {span.status.code for span in of_attempts(collector)} == {Status.STATUS_CODE_ERROR}
    errors = {attributes(point).get("error.type") for point in collector.points(DURATION)}
    assert errors == {"400", "500"}
    assert all("gen_ai.request.model" not in attributes(point) for point in collector.points(DURATION))
    assert collector.points(TOKENS) == []


async def test_a_request_that_is_refused_before_azure_has_a_span_alone(collector: Collector) -> None:
    async with asking() as asks:
        assert (await asks.chat({**CLIENTS, "authorization": "Bearer sk-wrong"})).status == 401
    (span,) = collector.spans()
    assert attributes(span).items() >= {"http.response.status_code": 401, "proxy.attempts": 0}.items()
    assert collector.metrics() == set()


async def test_a_stream_is_measured_with_its_first_chunk_and_the_tokens_that_its_client_did_not_ask_for(
    collector: Collector,
) -> None:
    async with asking() as asks:
        answer = await asks.chat(stream=True)
        whole = await asks.chat(stream=False)

    assert b'"usage":{' not in answer.body.replace(b" ", b"")
    usage = json.loads(whole.body)["usage"]
    streamed = attributes(of_attempts(collector)[0])
    assert streamed["gen_ai.request.stream"] is True
    (first,) = collector.points(FIRST_CHUNK)
    assert (first.count, first.sum) == (1, streamed["gen_ai.response.time_to_first_chunk"])
    assert 0 < first.sum <= sum(point.sum for point in collector.points(DURATION))
    tokens = {attributes(point)["gen_ai.token.type"]: (point.count, point.sum) for point in collector.points(TOKENS)}
    assert tokens == {
        "input": (2, 2 * usage["prompt_tokens"]),
        "output": (2, 2 * usage["completion_tokens"]),
    }
    (duration,) = collector.points(DURATION)
    assert duration.count == 2
    assert list(duration.explicit_bounds)[:2] == [0.01, 0.02]
    assert attributes(duration) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "azure.ai.openai",
        "gen_ai.request.model": "gpt-4o",
    }


async def test_a_client_that_disconnects_ends_both_spans_which_are_no_errors(collector: Collector) -> None:
    async with asking("gated") as asks:
        asks.azure.gate.release()
        scope, raw = asks.request({"model": "chat", "stream": True, "messages": []})
        lost = scope["extensions"][EXTENSION].lost

        def leave() -> None:
            asyncio.get_running_loop().call_soon(lost)

        await ask(asks.app, scope, raw, Answer(leave))
    (request,), (attempt,) = of_requests(collector), of_attempts(collector)
    assert attributes(request)["proxy.outcome"] == attributes(attempt)["proxy.outcome"] == "client_left"
    assert {request.status.code, attempt.status.code} == {Status.STATUS_CODE_UNSET}
    assert attempt.parent_span_id == request.span_id


async def test_without_telemetry_azure_gets_what_names_the_clients_own_span() -> None:
    async with asking(TELEMETRY="off") as asks:
        assert (await asks.chat()).status == 200
        assert (await asks.chat({})).status == 200
    named, plain = asks.sent
    assert (named["traceparent"], named["tracestate"]) == (CLIENTS["traceparent"], CLIENTS["tracestate"])
    assert "traceparent" not in plain


@pytest.mark.parametrize("headers", [{}, {"traceparent": "00-CANARY"}, {"traceparent": f"00-{'0' * 32}-{PARENT}-01"}])
async def test_a_client_that_names_no_span_begins_a_trace(collector: Collector, headers: Mapping[str, str]) -> None:
    async with asking() as asks:
        assert (await asks.chat(headers)).status == 200
        (sent,) = asks.sent
    (request,), (attempt,) = of_requests(collector), of_attempts(collector)
    assert request.parent_span_id == b""
    assert request.trace_id == attempt.trace_id
    # The other flag says that the id of the trace is random.
    named = f"00-{request.trace_id.hex()}-{attempt.span_id.hex()}"
    assert sent["traceparent"] in (f"{named}-01", f"{named}-03")


async def test_what_the_client_does_not_sample_is_not_written_and_goes_on_unsampled(collector: Collector) -> None:
    async with asking() as asks:
        assert (await asks.chat({"traceparent": f"00-{TRACE}-{PARENT}-00"})).status == 200
        (sent,) = asks.sent
    assert collector.spans() == []
    assert sent["traceparent"].startswith(f"00-{TRACE}-")
    assert sent["traceparent"].endswith("-00")
    assert collector.metrics() == {DURATION, TOKENS}


async def test_a_host_that_writes_each_request_itself_gets_no_second_one_and_no_provider_of_ours(
    collector: Collector,
) -> None:
    async with asking(host_json=b'{"functionTimeout":"00:30:00","telemetryMode":"OpenTelemetry"}') as asks:
        assert (await asks.chat()).status == 200
        assert not isinstance(trace.get_tracer_provider(), TracerProvider)
        assert not isinstance(metrics.get_meter_provider(), MeterProvider | NoOpMeterProvider)
    (request,) = of_requests(collector)
    assert request.kind == Span.SPAN_KIND_INTERNAL


async def test_azure_monitor_gets_dependencies_and_metrics_and_no_request_beside_the_hosts_own(
    collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    async with asking("error-429-old", "gpt-4o", TELEMETRY="azure-monitor") as asks:
        assert (await asks.chat()).status == 200
    envelopes = collector.envelopes()
    kinds = {one["data"]["baseType"] for one in envelopes}
    assert kinds == {"RemoteDependencyData", "MetricData"}
    spans = [one["data"]["baseData"] for one in envelopes if one["data"]["baseType"] == "RemoteDependencyData"]
    assert sorted(one["name"] for one in spans) == ["POST /v1/chat/completions", "chat error-429-old", "chat gpt-4o"]
    measured = [one["data"]["baseData"] for one in envelopes if one["data"]["baseType"] == "MetricData"]
    assert {metric["name"] for one in measured for metric in one["metrics"]} >= {DURATION, TOKENS}
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == []
    assert {one["tags"]["ai.operation.id"] for one in envelopes if "ai.operation.id" in one["tags"]} == {TRACE}
    assert not any(b"CANARY" in body for _, body in collector.got)


async def test_a_collector_that_is_down_harms_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.1")
    async with asking() as asks:
        assert (await asks.chat()).status == 200


WRONG = {
    "a limit": ("otlp", {"OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "CANARY"}, "one of the OTEL_... variables is wrong"),
    "a connection string": (
        "azure-monitor",
        {CONNECTION: "CANARY"},
        f"{CONNECTION}, or one of the OTEL_... variables,",
    ),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_variable_of_an_exporter_is_a_wrong_setting(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, environ, words = WRONG[name]
    for variable, text in environ.items():
        monkeypatch.setenv(variable, text)
    with pytest.raises(SettingError) as raised:
        async with asking(TELEMETRY=exporter):
            pass
    assert raised.value.message.startswith("TELEMETRY cannot be used: ")
    assert words in raised.value.message
    assert "CANARY" not in raised.value.message


async def test_headers_for_the_collector_that_cannot_be_read_are_not_logged(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "CANARY of a key")
    async with asking() as asks:
        assert (await asks.chat()).status == 200
    assert "CANARY" not in caplog.text
    assert len(collector.spans()) == 2


LACKING = """
import sys

sys.modules["{package}"] = None
from pathlib import Path
from proxy.app import Misconfigured, open_application

environ = {{"AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9", "AZURE_OPENAI_API_KEY": "key", "TELEMETRY": "{exporter}"}}
environ["APPLICATIONINSIGHTS_CONNECTION_STRING"] = "InstrumentationKey=00000000-0000-0000-0000-000000000000"
print(isinstance(open_application(environ, Path("{folder}", "host.json")), Misconfigured))
"""


@pytest.mark.parametrize(
    ("exporter", "package"),
    [
        ("otlp", "opentelemetry.sdk.trace"),
        ("otlp", "opentelemetry.exporter.otlp.proto.http.trace_exporter"),
        ("azure-monitor", "azure.monitor.opentelemetry.exporter"),
    ],
)
async def test_packages_that_are_not_installed_are_a_wrong_setting(exporter: str, package: str) -> None:
    program = LACKING.format(exporter=exporter, package=package, folder=REPOSITORY)
    environ = {"PYTHONPATH": str(REPOSITORY)}
    printed = await output_of(sys.executable, "-c", program, environ=environ, timeout=60)
    assert printed.decode().splitlines() == ["TELEMETRY needs the packages of requirements-telemetry.txt", "True"]
