"""Usage as a picture: bars over days, one colour for each client or model. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path

from tools.usage.report import Row, days_of, layers

MISSING = "Pictures need matplotlib: pip install matplotlib"
# Days whose names fit below the bars.
_NAMED_DAYS = 16


class NoPicturesError(Exception):
    """There is no matplotlib."""


def draw(rows: Sequence[Row], value: str, path: Path) -> None:
    """Write a picture of a value by client and by model; raise `NoPicturesError`."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  few need it
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise NoPicturesError(MISSING) from None
    days = days_of(rows)
    places = range(len(days))
    shown = places[:: -(-len(days) // _NAMED_DAYS) or 1]
    figure = Figure(figsize=(12, 8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, field in zip(figure.subplots(2, 1, sharex=True), ("client", "model"), strict=True):
        below = [0.0] * len(days)
        for name, heights in layers(rows, field, value, days):
            axes.bar(places, heights, bottom=below, label=name)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.set_title(f"{value} by {field}")
        axes.set_xticks(shown, [days[place] for place in shown], rotation=60)
        if days:
            # Beside the bars, which it would hide.
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize="small", reverse=True)
    figure.savefig(path, format="png")
