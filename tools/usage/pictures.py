"""Usage as a picture: bars over days, one colour for each client or model. Needs matplotlib."""

from collections.abc import Sequence
from pathlib import Path

from tools.usage.report import Row, by_day

MISSING = "Pictures need matplotlib: pip install matplotlib"


class NoPicturesError(Exception):
    """There is no matplotlib."""


def draw(rows: Sequence[Row], value: str, path: Path) -> None:
    """Write a picture of a value by client and by model; raise `NoPicturesError`."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  few need it
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise NoPicturesError(MISSING) from None
    days = sorted({row.day for row in rows})
    figure = Figure(figsize=(10, 8), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, field in zip(figure.subplots(2, 1), ("client", "model"), strict=True):
        below = [0.0] * len(days)
        for name, sums in sorted(by_day(rows, field, value).items()):
            heights = [sums.get(day, 0.0) for day in days]
            axes.bar(days, heights, bottom=below, label=name)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.set_title(f"{value} by {field}")
        axes.tick_params(axis="x", rotation=60)
        axes.legend()
    figure.savefig(path, format="png")
