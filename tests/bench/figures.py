"""What is measured, the goals, and the table."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity; `goal` is the most that the ratio of its two columns may be, ours to the default's.

    Normalising is compared with our own worker, whose figure stands in the second column.
    """

    name: str
    unit: str
    goal: float | None = None


ANSWER_CPU = Figure(name="CPU per request, answered by itself", unit="us", goal=0.40)
ANSWER_RATE = Figure(name="requests/s, answered by itself", unit="1/s")
FORWARD_CPU = Figure(name="CPU per request, forwarded", unit="us")
FORWARD_RATE = Figure(name="requests/s, forwarded", unit="1/s")
FIRST_CHUNK = Figure(name="time to first chunk, one stream at a time", unit="ms", goal=0.45)
STREAM_CPU = Figure(name="CPU per short stream (7 events, 2 writes)", unit="us")
EVENT_CPU = Figure(name="CPU per event, one in a write", unit="us", goal=0.60)
RESPONSE_EVENT_CPU = Figure(name="CPU per event of a response, one in a write", unit="us")
NORMALISING = Figure(name="normalising an event : the worker's CPU for it", unit="us", goal=0.06)
NORMALISING_RESPONSE = Figure(name="the same for an event of a response", unit="us", goal=0.06)
BURST_CPU = Figure(name="CPU per event, five in a write", unit="us")
STREAM_MEMORY = Figure(name="memory per open stream", unit="KB")
IMPORT = Figure(name="import CPU, with the worker's runtime", unit="ms", goal=0.70)
IMPORT_APP = Figure(name="import CPU, the app alone", unit="ms")
ALL = (
    ANSWER_CPU,
    ANSWER_RATE,
    FORWARD_CPU,
    FORWARD_RATE,
    FIRST_CHUNK,
    STREAM_CPU,
    EVENT_CPU,
    RESPONSE_EVENT_CPU,
    NORMALISING,
    NORMALISING_RESPONSE,
    BURST_CPU,
    STREAM_MEMORY,
    IMPORT,
    IMPORT_APP,
)

# Rounds of a figure: ours and the default's, measured one right after the other.
Rounds = Mapping[Figure, Sequence[tuple[float, float]]]

_ROW = "{:<46} {:>4} {:>9} {:>9} {:>7}  {:<13} {:>7}  {}"


def table(rounds: Rounds) -> Iterator[str]:
    """Yield the lines of the table; the ratio is the median of those of the rounds."""
    yield _ROW.format("figure (medians)", "", "ours", "default", "ratio", "range", "goal", "met")
    for figure in ALL:
        if pairs := rounds.get(figure):
            yield _row(figure, pairs)


def _row(figure: Figure, pairs: Sequence[tuple[float, float]]) -> str:
    ratios = [ours / default for ours, default in pairs]
    ratio = statistics.median(ratios)
    goal = "" if figure.goal is None else f"<={figure.goal:.2f}"
    met = "" if figure.goal is None else "yes" if ratio <= figure.goal else "no"
    ours, default = (statistics.median(side) for side in zip(*pairs, strict=True))
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    row = _ROW.format(figure.name, figure.unit, _number(ours), _number(default), f"{ratio:.2f}", spread, goal, met)
    return row.rstrip()


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
