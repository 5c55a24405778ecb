"""The project's own table of prices, as a file with one line for each price."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from proxy.config.price_table import PriceTable, parse_price_table

TABLE = Path(__file__).parents[2] / "proxy" / "prices" / "table.json"


def read_table() -> PriceTable:
    """Return the table; raise ValueError if it is wrong."""
    return parse_price_table(TABLE.read_bytes())


def encode_table(table: PriceTable) -> str:
    """Return a table as JSON that is easy to review: a line for each source, price, tool and model."""
    sources = (f"{_json(name)}: {_json(source)}" for name, source in sorted(table.sources.items()))
    return "\n".join(
        [
            "{",
            *_section("sources", "{}", sources),
            *_section("prices", "[]", map(_json, table.prices)),
            *_section("tools", "[]", map(_json, table.tools)),
            *_section("models", "[]", map(_json, table.models), last=True),
            "}",
            "",
        ]
    )


def _section(name: str, brackets: str, lines: Iterable[str], *, last: bool = False) -> Iterator[str]:
    yield f'  "{name}": {brackets[0]}'
    every = list(lines)
    yield from (f"    {line}{',' if number < len(every) else ''}" for number, line in enumerate(every, start=1))
    yield f"  {brackets[1]}{'' if last else ','}"


def _json(value: object) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=-1).decode()
