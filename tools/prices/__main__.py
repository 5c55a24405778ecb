"""Commands for the table of prices: see `python -m tools.prices`.

`update` reads Azure's public list and writes proxy/prices/table.json; `check` fails for a table that is wrong or old;
`docs` writes the table of operations into docs/costs.md.
"""

import sys
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, date, datetime, timedelta

from msgspec import structs

from proxy.config.price_table import Price, PriceTable, ToolPrice, in_force, is_old
from tools.prices import page, retail, table

# A list that has not changed for long is read again all the same, so that its prices do not count as old.
MONTH = timedelta(days=30)
# Amounts in whose place a lower one counts, or nothing. What comes from the cache costs as much as what does not.
_NEEDED = ("input", "cache_write", "output", "audio_input", "audio_output", "image_input", "image_output")
Key = tuple[str, str | None, str, str, str]


def update(today: date, url: str = retail.URL) -> int:
    """Write the prices of the list into the table; print what changed, and the models that are not in it."""
    try:
        found = retail.to_table(retail.read_items(url), today)
    except retail.RetailError as error:
        print(f"{url}: {error}", file=sys.stderr)
        return 1
    if not found.table.prices:
        print(f"{url}: no price of a known model; its meters may have other names now", file=sys.stderr)
        return 1
    old = table.read_table()
    new = updated(old, found.table, today)
    table.TABLE.write_text(table.encode_table(new), "utf-8", newline="\n")
    for change in changes(old, new):
        print(change)
    print("Meters of models that the table does not have:", ", ".join(found.unknown) or "none")
    return 0


def updated(old: PriceTable, listed: PriceTable, today: date) -> PriceTable:
    """Return a table with the prices of the list; a line stays for which the list has none, with its source.

    What is known to count from a later day on stays too, and ends the price of the list.
    """
    coming = {_key(price): price for price in reversed(old.prices) if price.since is not None and price.since > today}
    found = [_ended(price, coming.get(_key(price))) for price in listed.prices if not _loses(price, old, today)]
    prices = {_key(price) for price in found}
    tools = {(tool.tool, tool.sku) for tool in listed.tools}
    kept = [price for price in old.prices if _stays(price, prices, today)]
    kept_tools = [tool for tool in old.tools if (tool.tool, tool.sku) not in tools and tool.source != retail.SOURCE]
    merged = structs.replace(
        old,
        sources={**old.sources, **listed.sources},
        prices=sorted([*found, *kept], key=lambda price: (*map(str, _key(price)), str(price.since))),
        tools=sorted([*listed.tools, *kept_tools], key=lambda tool: (tool.tool, tool.sku)),
    )
    used = {line.source for _, line in merged.lines()}
    return structs.replace(merged, sources={name: one for name, one in merged.sources.items() if name in used})


def _stays(price: Price, listed: Collection[Key], today: date) -> bool:
    if price.since is not None and price.since > today:
        return True
    return _key(price) not in listed and price.source != retail.SOURCE


def _ended(price: Price, coming: Price | None) -> Price:
    """Return a price until the day before another one counts."""
    if coming is None or coming.since is None:
        return price
    return structs.replace(price, until=coming.since - timedelta(days=1))


def _loses(price: Price, old: PriceTable, today: date) -> bool:
    """Tell whether an amount is missing, so that a lower one would count: its meter may have another name now."""
    before = [line for line in old.prices if _key(line) == _key(price) and in_force(line, today)]
    return any(getattr(line, name) and getattr(price, name) is None for line in before for name in _NEEDED)


def changes(old: PriceTable, new: PriceTable) -> Iterable[str]:
    """Yield what differs in the amounts of two tables, and that the list is read anew after a month."""
    before, after = _amounts(old), _amounts(new)
    for key in sorted(before.keys() | after.keys(), key=str):
        if before.get(key) != after.get(key):
            yield f"{' '.join(map(str, filter(None, key)))}: {before.get(key, 'new')} -> {after.get(key, 'gone')}"
    read, again = old.sources.get(retail.SOURCE), new.sources.get(retail.SOURCE)
    if read is not None and again is not None and again.date - read.date >= MONTH:
        yield f"{retail.TITLE}: read on {read.date} -> {again.date}"


def _amounts(prices: PriceTable) -> dict[tuple[str | None, ...], str]:
    lines: dict[tuple[str | None, ...], str] = {}
    for price in prices.prices:
        given = structs.asdict(price.amounts)
        shown = ", ".join(f"{name} {amount}" for name, amount in given.items() if amount is not None)
        lines[(*_key(price), str(price.since or ""))] = shown
    return {**lines, **{(tool.tool, tool.sku): f"call {tool.call}" for tool in prices.tools}}


def _key(price: Price) -> Key:
    return price.model, price.version, price.sku, price.tier, price.context


def check(today: date) -> int:
    """Return 1 and say why if the table is wrong, or too old."""
    try:
        read = table.read_table()
    except ValueError as error:
        print(f"{table.TABLE.name} {error}", file=sys.stderr)
        return 1
    if is_old(read, today):
        print(f"{table.TABLE.name} is old: run python -m tools.prices update", file=sys.stderr)
        return 1
    lines: list[Price | ToolPrice] = [*read.prices, *read.tools]
    print(f"{len(lines)} prices, {sum(line.verified for line in lines)} of them verified.")
    return 0


def docs(today: date) -> int:
    """Write the generated part of docs/costs.md."""
    page.write(today)
    return 0


COMMANDS: dict[str, Callable[[date], int]] = {"update": update, "check": check, "docs": docs}


def main(arguments: list[str], today: date) -> int:
    """Run a command; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        print(__doc__, file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](today)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], datetime.now(UTC).date()))
