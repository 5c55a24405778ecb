"""What OpenAI's usage and costs endpoints answer, as rows by day, client and model, and these as texts."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

# The numbers of a row, and the members of a result that say them.
COUNTS: Mapping[str, str] = {
    "requests": "num_model_requests",
    "input": "input_tokens",
    "cached": "input_cached_tokens",
    "output": "output_tokens",
    "reasoning": "output_reasoning_tokens",
    "errors": "num_errors",
    "cancelled": "num_cancelled",
    "milliseconds": "milliseconds",
}
_HEAD = ("day", "client", "model", *COUNTS, "cost USD")
_BAR = "#"
_WIDTH = 50
# As many as there are colours that can be told apart.
MOST_NAMES = 10


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What a client has used of a model on a day."""

    day: str
    client: str
    model: str
    requests: int = 0
    input: int = 0
    cached: int = 0
    output: int = 0
    reasoning: int = 0
    errors: int = 0
    cancelled: int = 0
    milliseconds: int = 0
    cost: float = 0.0


def rows_of(usage: Iterable[Mapping[str, Any]], costs: Iterable[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of the buckets of all usage endpoints and of the costs, in their order by day."""
    found: dict[tuple[str, str, str], Counter[str]] = defaultdict(Counter)
    spent: dict[tuple[str, str, str], float] = defaultdict(float)
    for bucket in usage:
        for result in bucket["results"]:
            found[_name(bucket, result, "model")].update(
                {name: result.get(member) or 0 for name, member in COUNTS.items()}
            )
    for bucket in costs:
        for result in bucket["results"]:
            spent[_name(bucket, result, "line_item")] += result["amount"]["value"]
    return [_row(name, found[name], spent[name]) for name in sorted(found.keys() | spent.keys())]


def _name(bucket: Mapping[str, Any], result: Mapping[str, Any], model: str) -> tuple[str, str, str]:
    day = datetime.fromtimestamp(bucket["start_time"], UTC).strftime("%Y-%m-%d")
    return day, result["api_key_id"] or "", result[model] or ""


def _row(name: tuple[str, str, str], counts: Mapping[str, int], cost: float) -> Row:
    return Row(day=name[0], client=name[1], model=name[2], **counts, cost=round(cost, 6))


def _cells(row: Row) -> tuple[str, ...]:
    numbers = (str(getattr(row, name)) for name in COUNTS)
    return row.day, row.client, row.model, *numbers, f"{row.cost:.6f}"


def table(rows: Sequence[Row]) -> str:
    """Return rows as columns, and their sum."""
    counts = {name: sum(getattr(row, name) for row in rows) for name in COUNTS}
    total = Row(day="total", client="", model="", **counts, cost=sum(row.cost for row in rows))
    lines = [_HEAD, *(_cells(row) for row in (*rows, total))]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def as_csv(rows: Iterable[Row]) -> str:
    """Return rows as CSV; a name that a spreadsheet would take for a formula is quoted by an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(Row.__struct_fields__)
    for row in rows:
        writer.writerow([_safe(value) for value in msgspec.structs.astuple(row)])
    return out.getvalue()


def _safe(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value


def by_day(rows: Iterable[Row], field: str, value: str) -> dict[str, dict[str, float]]:
    """Return the sums of a value for each name of a field, by day."""
    sums: dict[str, dict[str, float]] = {}
    for row in rows:
        days = sums.setdefault(getattr(row, field) or "(none)", {})
        days[row.day] = days.get(row.day, 0) + getattr(row, value)
    return sums


def days_of(rows: Iterable[Row]) -> list[str]:
    """Return all days from the first to the last one, also those without usage."""
    known = sorted({date.fromisoformat(row.day) for row in rows})
    if not known:
        return []
    return [(known[0] + timedelta(days=number)).isoformat() for number in range((known[-1] - known[0]).days + 1)]


def layers(
    rows: Iterable[Row], field: str, value: str, days: Sequence[str], most: int = MOST_NAMES
) -> list[tuple[str, list[float]]]:
    """Return what stands upon each other: a value for each of the days by name, the largest first, and the rest."""
    heights = {name: [sums.get(day, 0.0) for day in days] for name, sums in sorted(by_day(rows, field, value).items())}
    names = sorted(heights, key=lambda name: -sum(heights[name]))
    kept, others = (names, []) if len(names) <= most else (names[: most - 1], names[most - 1 :])
    found = [(name, heights[name]) for name in kept]
    if others:
        found.append(
            (f"{len(others)} others", [sum(day) for day in zip(*(heights[name] for name in others), strict=True)])
        )
    return found


def plot(rows: Sequence[Row], value: str) -> str:
    """Return the sum of a value for each day as bars."""
    days: dict[str, float] = {}
    for row in rows:
        days[row.day] = days.get(row.day, 0) + getattr(row, value)
    return "\n".join(_bars(days))


def _bars(days: Mapping[str, float]) -> Iterator[str]:
    most = max(days.values(), default=0) or 1
    for day, count in sorted(days.items()):
        shown = f"{count:.6f}" if isinstance(count, float) else str(count)
        yield f"{day}  {_BAR * round(count / most * _WIDTH):<{_WIDTH}}  {shown}"
