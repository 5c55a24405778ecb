"""Who hears of requests and sendings: what exports spans and metrics, as the settings say."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from proxy.config.environment import SettingError
from proxy.config.resources import ResourceKind
from proxy.config.settings import Settings
from proxy.config.telemetry import CONNECTION_STRING, Exporter
from proxy.pipeline.recorder import Record
from proxy.values import SendingRecord

if TYPE_CHECKING:
    from proxy.pipeline.telemetry import Telemetry


_VARIABLES = {
    Exporter.OTLP: "one of the OTEL_... variables is",
    Exporter.AZURE_MONITOR: f"{CONNECTION_STRING}, or one of the OTEL_... variables, is",
}


def make_telemetry(settings: Settings, closing: AsyncExitStack) -> "Telemetry | None":
    """Return what exports spans and metrics, None where it is off; `closing` ends it. Raises `SettingError`.

    What an exporter says of a wrong variable is not told: there are keys in them.
    """
    if settings.telemetry is None:
        return None
    try:
        from proxy.azure_services.open_telemetry import open_telemetry  # noqa: PLC0415  slow to import

        writer = open_telemetry(settings.telemetry.exporter)
    except ImportError:
        raise SettingError("TELEMETRY", "needs the packages of requirements-telemetry.txt") from None
    except ValueError:
        variables = _VARIABLES[settings.telemetry.exporter]
        raise SettingError("TELEMETRY", f"cannot be used: {variables} wrong") from None
    from proxy.pipeline.telemetry import AZURE, OPENAI, Telemetry  # noqa: PLC0415

    closing.push_async_callback(writer.close)
    return Telemetry(
        writer=writer,
        providers=[OPENAI if one.kind is ResourceKind.OPENAI else AZURE for one in settings.resources],
        host_writes_requests=settings.telemetry.host_writes_requests,
    )


def heard_by(record: Record | None, telemetry: "Telemetry | None") -> Record | None:
    """Return what hears of sendings: `record`, the telemetry, both or neither."""
    if record is None or telemetry is None:
        return record if telemetry is None else telemetry.record
    hears = (record, telemetry.record)

    def record_both(sending: SendingRecord) -> None:
        for one in hears:
            one(sending)

    return record_both
