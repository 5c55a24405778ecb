"""What is measured, the goals, and the table."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured quantity.

    `goal` is the most that the ratio of its two columns may be, ours to the other app's; `most` is the most that ours
    may be, for what the other has not. Normalising is compared with our own worker, whose figure stands in the second
    column.
    """

    name: str
    unit: str
    goal: float | None = None
    most: float | None = None


OF_RUNTIME = Figure(name="plain chat: CPU of the worker's runtime", unit="us")
OF_SERVER = Figure(name="plain chat: CPU of the server, uvicorn", unit="us")
OF_AIOHTTP = Figure(name="plain chat: CPU of aiohttp", unit="us")
OF_OURS = Figure(name="plain chat: CPU of ours, by what is left", unit="us")
OWN_REQUEST = Figure(name="plain chat: CPU of ours, measured alone", unit="us", most=100)
LIMITED_REQUEST = Figure(name="CPU per request, forwarded, limits on : off", unit="us", goal=1.15)
FIRST_LIMITED = Figure(name="first limited request after a cold start", unit="ms")
OWN_EVENT = Figure(name="event: CPU of ours above a bare loop", unit="us", most=3)
ANSWER_CPU = Figure(name="CPU per request, answered by itself", unit="us", goal=0.40)
ANSWER_RATE = Figure(name="requests/s, answered by itself", unit="1/s")
FORWARD_CPU = Figure(name="CPU per request, forwarded", unit="us")
FORWARD_RATE = Figure(name="requests/s, forwarded", unit="1/s")
FIRST_CHUNK = Figure(name="time to first chunk, one stream at a time", unit="ms", goal=0.45)
FIRST_CONTENT = Figure(name="time to first content, 16 streams at a time", unit="ms")
STREAM_CPU = Figure(name="CPU per short stream (7 events, 2 writes)", unit="us")
EVENT_CPU = Figure(name="CPU per event, one in a write", unit="us", goal=0.60)
RESPONSE_EVENT_CPU = Figure(name="CPU per event of a response, one in a write", unit="us")
NORMALISING = Figure(name="normalising an event : the worker's CPU for it", unit="us", goal=0.06)
NORMALISING_RESPONSE = Figure(name="the same for an event of a response", unit="us", goal=0.06)
CHAT_ON_RESPONSES = Figure(name="an event of a chat on Responses, translated", unit="us", most=10)
RESPONSES_ON_CHAT = Figure(name="an event of a response on chat, translated", unit="us", most=10)
BURST_CPU = Figure(name="CPU per event, five in a write", unit="us")
STREAM_MEMORY = Figure(name="memory per open stream", unit="KB")
IMPORT = Figure(name="import CPU, with the worker's runtime", unit="ms", goal=0.70)
IMPORT_APP = Figure(name="import CPU, the app alone", unit="ms")
ALL = (
    OF_RUNTIME,
    OF_SERVER,
    OF_AIOHTTP,
    OF_OURS,
    OWN_REQUEST,
    LIMITED_REQUEST,
    FIRST_LIMITED,
    OWN_EVENT,
    ANSWER_CPU,
    ANSWER_RATE,
    FORWARD_CPU,
    FORWARD_RATE,
    FIRST_CHUNK,
    FIRST_CONTENT,
    STREAM_CPU,
    EVENT_CPU,
    RESPONSE_EVENT_CPU,
    NORMALISING,
    NORMALISING_RESPONSE,
    CHAT_ON_RESPONSES,
    RESPONSES_ON_CHAT,
    BURST_CPU,
    STREAM_MEMORY,
    IMPORT,
    IMPORT_APP,
)

# Rounds of a figure: ours and the other's, measured one right after the other; None where the other has none.
Rounds = Mapping[Figure, Sequence[tuple[float, float | None]]]

_ROW = "{:<46} {:>4} {:>9} {:>9} {:>7}  {:<14} {:>7}  {}"


def table(rounds: Rounds, other: str) -> Iterator[str]:
    """Yield the lines of the table; the ratio is the median of those of the rounds.

    A ratio has its goal against the default app alone, not against another commit of ours.
    """
    yield _ROW.format("figure (medians)", "", "ours", other[:9], "ratio", "range", "goal", "met")
    for figure in ALL:
        if pairs := rounds.get(figure):
            yield _row(figure if other == "default" else replace(figure, goal=None), pairs).rstrip()


def _row(figure: Figure, pairs: Sequence[tuple[float, float | None]]) -> str:
    ours = statistics.median(one for one, _ in pairs)
    others = [other for _, other in pairs if other is not None]
    ratios = [one / other for one, other in pairs if other is not None]
    ratio = statistics.median(ratios) if ratios else None
    values = ratios or [one for one, _ in pairs]
    return _ROW.format(
        figure.name,
        figure.unit,
        _number(ours),
        _number(statistics.median(others)) if others else "",
        "" if ratio is None else f"{ratio:.2f}",
        f"{_number(min(values))} to {_number(max(values))}",
        *_judged(figure, ours, ratio),
    )


def _judged(figure: Figure, ours: float, ratio: float | None) -> tuple[str, str]:
    """Return the goal and whether it is met."""
    if figure.most is not None:
        return f"<={figure.most:.0f}", "yes" if ours <= figure.most else "no"
    if figure.goal is not None and ratio is not None:
        return f"<={figure.goal:.2f}", "yes" if ratio <= figure.goal else "no"
    return "", ""


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"
