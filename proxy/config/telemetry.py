"""Where spans and metrics go, and whether the platform writes a span of each request itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

import msgspec

from proxy.config.environment import Environment, Setting, SettingError

# The platform sets it on Azure; it holds the address of Azure Monitor.
CONNECTION_STRING = "APPLICATIONINSIGHTS_CONNECTION_STRING"


class Exporter(Enum):
    """What spans and metrics are sent with."""

    OTLP = "otlp"
    AZURE_MONITOR = "azure-monitor"


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """How spans and metrics are exported; `host_writes_requests` where the platform's own have each request already."""

    exporter: Exporter
    host_writes_requests: bool


def parse_telemetry(text: str) -> Exporter | None:
    """Parse the name of an exporter, or `off`."""
    if text == "off":
        return None
    try:
        return Exporter(text)
    except ValueError:
        raise ValueError("must be otlp, azure-monitor or off") from None


def read_telemetry(
    environment: Environment, setting: Setting[Exporter | None], environ: Mapping[str, str], host_json: bytes
) -> TelemetrySettings | None:
    """Return how spans and metrics are exported, None where they are not.

    Application Insights has a row of each request from the Functions host; a collector only where the host uses
    OpenTelemetry too. https://learn.microsoft.com/azure/azure-functions/opentelemetry-howto
    """
    exporter = environment.read(setting)
    if exporter is None:
        return None
    if exporter is Exporter.AZURE_MONITOR and not environ.get(CONNECTION_STRING):
        raise SettingError(CONNECTION_STRING, f"is not set, but {setting.name} is azure-monitor")
    by_host = exporter is Exporter.AZURE_MONITOR or _host_uses_open_telemetry(host_json)
    return TelemetrySettings(exporter, host_writes_requests=by_host)


def _host_uses_open_telemetry(host_json: bytes) -> bool:
    """Tell what host.json says; it was read before, for functionTimeout, and is JSON."""
    document = msgspec.json.decode(host_json.removeprefix(b"\xef\xbb\xbf"), type=dict[str, object])
    return str(document.get("telemetryMode")).lower() == "opentelemetry"
