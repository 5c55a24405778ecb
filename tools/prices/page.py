"""The generated part of docs/costs.md: how the cost of each operation is bounded, and which prices are certain."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from proxy.openai_api.operations import OPERATIONS
from proxy.prices.rules import BOUNDINGS, Rule
from tools.prices.table import read_table

PAGE = Path(__file__).parents[2] / "docs" / "costs.md"
START, END = "<!-- python -m tools.prices docs -->\n", "<!-- end -->\n"


def page(text: str) -> str:
    """Return the page with its generated part made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    made = "".join(f"{line}\n" for line in generated())
    return f"{before}{START}{made}{END}{after}"


def write(_: date) -> None:
    """Write the page."""
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8", newline="\n")


def generated() -> Iterator[str]:
    """Yield the lines of the generated part."""
    yield from _operations()
    yield from _prices()


def _operations() -> Iterator[str]:
    yield "| Operation | Bound |"
    yield "|---|---|"
    named = {operation.name: operation for operation in OPERATIONS}
    free = [name for name in named if BOUNDINGS[name].rule is Rule.FREE]
    for name, operation in named.items():
        bounding = BOUNDINGS[name]
        if bounding.rule is not Rule.FREE:
            words = f"refused: {bounding.reason}" if bounding.rule is Rule.REFUSED else bounding.rule.value
            yield f"| `{name}` (`{operation.method} /v1{operation.path}`) | {words} |"
    yield f"| {', '.join(f'`{name}`' for name in free)} | {Rule.FREE.value} |"
    yield ""


def _prices() -> Iterator[str]:
    table = read_table()
    yield "| Source | As of | Prices | Verified |"
    yield "|---|---|---|---|"
    for name, source in sorted(table.sources.items()):
        lines = [line for _, line in table.lines() if line.source == name]
        verified = sum(line.verified for line in lines)
        yield f"| [{source.title}]({source.url}) | {source.date} | {len(lines)} | {verified} |"
