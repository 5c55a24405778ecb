"""TELEMETRY says where spans and metrics go; what it needs is said when it is missing."""

from collections.abc import Mapping

import pytest

from proxy.config.environment import Environment, SettingError
from proxy.config.table import TELEMETRY
from proxy.config.telemetry import CONNECTION_STRING, Exporter, TelemetrySettings, parse_telemetry, read_telemetry

COMPONENT = {CONNECTION_STRING: "InstrumentationKey=secret-of-a-component"}


def read(environ: Mapping[str, str], host_json: bytes = b"{}") -> TelemetrySettings | None:
    return read_telemetry(Environment(environ), TELEMETRY, environ, host_json)


@pytest.mark.parametrize(("text", "exporter"), [("otlp", Exporter.OTLP), ("azure-monitor", Exporter.AZURE_MONITOR)])
def test_an_exporter_has_its_name(text: str, exporter: Exporter) -> None:
    assert parse_telemetry(text) is exporter


def test_off_is_no_exporter() -> None:
    assert parse_telemetry("off") is None


@pytest.mark.parametrize("text", ["", "OTLP", "on", "azure"])
def test_another_word_is_refused_with_those_that_count(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must be otlp, azure-monitor or off$"):
        parse_telemetry(text)


@pytest.mark.parametrize("environ", [{}, COMPONENT, {"TELEMETRY": "off"}, {"TELEMETRY": ""}])
def test_it_is_off_unless_it_was_asked_for(environ: dict[str, str]) -> None:
    assert read(environ) is None


def test_a_collector_gets_the_spans_of_servers_too() -> None:
    assert read({"TELEMETRY": "otlp"}) == TelemetrySettings(Exporter.OTLP, host_writes_requests=False)


def test_application_insights_has_a_row_of_each_request_from_the_host() -> None:
    asked = {"TELEMETRY": "azure-monitor", **COMPONENT}
    assert read(asked) == TelemetrySettings(Exporter.AZURE_MONITOR, host_writes_requests=True)


@pytest.mark.parametrize("mode", [b"OpenTelemetry", b"opentelemetry"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_host_that_uses_open_telemetry_writes_each_request_itself(mode: bytes, mark: bytes) -> None:
    settings = read({"TELEMETRY": "otlp"}, mark + b'{"version": "2.0", "telemetryMode": "%s"}' % mode)
    assert settings == TelemetrySettings(Exporter.OTLP, host_writes_requests=True)


@pytest.mark.parametrize("mode", [b'"ApplicationInsights"', b"null", b"1"])
def test_a_host_with_another_mode_does_not(mode: bytes) -> None:
    settings = read({"TELEMETRY": "otlp"}, b'{"telemetryMode": %s}' % mode)
    assert settings == TelemetrySettings(Exporter.OTLP, host_writes_requests=False)


@pytest.mark.parametrize("component", [{}, {CONNECTION_STRING: ""}])
def test_azure_monitor_without_a_component_is_said(component: dict[str, str]) -> None:
    with pytest.raises(SettingError) as caught:
        read({"TELEMETRY": "azure-monitor", **component})
    assert caught.value.message == f"{CONNECTION_STRING} is not set, but TELEMETRY is azure-monitor"
