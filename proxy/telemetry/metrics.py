"""A sending as measurements, by OpenTelemetry's semantic conventions.

https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md
"""

from collections.abc import Iterator
from dataclasses import dataclass

from proxy.telemetry.spans import Attributes, attempt_error, genai_operation, model_of
from proxy.values import SendingRecord


@dataclass(frozen=True, slots=True)
class Histogram:
    """A histogram: its name, its unit, and the bounds that the conventions ask for."""

    name: str
    unit: str
    bounds: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """A value for a histogram."""

    histogram: Histogram
    value: float
    attributes: Attributes


_SECONDS = tuple(round(0.01 * 2**power, 2) for power in range(14))
TOKEN_USAGE = Histogram("gen_ai.client.token.usage", "{token}", tuple(float(4**power) for power in range(14)))
DURATION = Histogram("gen_ai.client.operation.duration", "s", _SECONDS)
TIME_TO_FIRST_CHUNK = Histogram("gen_ai.client.operation.time_to_first_chunk", "s", _SECONDS)
HISTOGRAMS = (TOKEN_USAGE, DURATION, TIME_TO_FIRST_CHUNK)


def measurements(record: SendingRecord, provider: str) -> Iterator[Measurement]:
    """Yield what a sending counts for; a call of no model counts for nothing."""
    if record.model is None:
        return
    attributes = _attributes(record, provider)
    error = attempt_error(record)
    yield Measurement(DURATION, record.duration, attributes if error is None else {**attributes, "error.type": error})
    if record.streamed and record.first_byte is not None:
        yield Measurement(TIME_TO_FIRST_CHUNK, record.first_byte, attributes)
    usage = record.usage
    if usage is not None and not usage.estimated:
        yield Measurement(TOKEN_USAGE, usage.input_tokens, {**attributes, "gen_ai.token.type": "input"})
        yield Measurement(TOKEN_USAGE, usage.output_tokens, {**attributes, "gen_ai.token.type": "output"})


def _attributes(record: SendingRecord, provider: str) -> dict[str, str]:
    """Return what sets one series apart from another; names that Azure did not answer to would make endless series."""
    attributes = {"gen_ai.operation.name": genai_operation(record), "gen_ai.provider.name": provider}
    model = model_of(record)
    is_answered = record.status is not None and record.status < 400
    return {**attributes, "gen_ai.request.model": model} if is_answered and model is not None else attributes
