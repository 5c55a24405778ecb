"""Azure's public list of prices: its pages, and its lines of models as a table of prices.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_CEILING, Decimal
from email.message import Message
from urllib.parse import quote, urlsplit

import msgspec

from proxy.config.price_table import Price, PriceTable, Source, ToolPrice
from tools.prices.meters import Meter, parse_meter
from tools.prices.models import MODELS, OTHERS, TOOLS

URL = "https://prices.azure.com/api/retail/prices"
FILTER = "serviceName eq 'Foundry Models' and priceType eq 'Consumption'"
SOURCE = "azure-retail-prices"
TITLE = "Azure Retail Prices API"
MICRO = 1_000_000
# Units of a price, and how many of them the amounts of the table are for.
_UNITS = {"1K": Decimal(1000), "1M": Decimal(1), "1 Hour": Decimal(1), "1 Second": Decimal(1), "1": Decimal(1)}
# Azure Government is another cloud, with prices of its own.
_OTHER_CLOUD = "usgov"
_TIMEOUT, _MOST_PAGES, _LARGEST_PAGE = 60.0, 200, 16 * 1024 * 1024
_TRIES, _LONGEST_WAIT = 5, 60.0
_BUSY = frozenset({429, 500, 502, 503, 504})


class RetailError(Exception):
    """The list cannot be read."""


class Item(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A line of the list: what a meter costs in a region from a day on."""

    currency_code: str = "USD"
    tier_minimum_units: Decimal = Decimal(0)
    retail_price: Decimal
    unit_of_measure: str
    meter_name: str
    arm_region_name: str = ""
    effective_start_date: str


class _Page(msgspec.Struct, rename="pascal"):
    items: list[Item]
    next_page_link: str | None = None


def read_items(url: str = URL, sleep: Callable[[float], None] = time.sleep) -> Iterator[Item]:
    """Yield the lines of models; raise `RetailError`."""
    following: str | None = f"{url}?currencyCode=USD&$filter={quote(FILTER)}"
    for _ in range(_MOST_PAGES):
        if not following:
            return
        if urlsplit(following)[:2] != urlsplit(url)[:2]:
            raise RetailError("the list goes on at another address")
        try:
            page = msgspec.json.decode(_read(following, sleep), type=_Page)
        except msgspec.MsgspecError as error:
            raise RetailError(f"a page cannot be read: {error}") from None
        yield from page.items
        following = page.next_page_link
    raise RetailError(f"the list has more than {_MOST_PAGES} pages")


def _read(url: str, sleep: Callable[[float], None]) -> bytes:
    for tried in range(_TRIES):
        try:
            with urllib.request.urlopen(url, timeout=_TIMEOUT) as answer:  # noqa: S310  https, or a test's own server
                return bytes(answer.read(_LARGEST_PAGE))
        except urllib.error.HTTPError as error:
            if error.code not in _BUSY or tried + 1 == _TRIES:
                raise RetailError(f"the list answers {error.code}") from None
            sleep(_wait(error.headers, tried))
        except OSError as error:
            raise RetailError(f"the list cannot be reached: {error}") from None
    raise AssertionError


def _wait(headers: Message, tried: int) -> float:
    """Return the seconds until the next try: the list limits how often it is asked."""
    asked = headers.get("retry-after", "")
    return min(float(asked) if asked.isdecimal() else 2.0**tried, _LONGEST_WAIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A table of prices, and the names of models in meters that nobody knows."""

    table: PriceTable
    unknown: tuple[str, ...]


Key = tuple[str, str | None, str, str, str]


@dataclass(slots=True)
class _Gathered:
    """The amounts of one line of the table, and the day from which the newest of them counts."""

    amounts: dict[str, int] = field(default_factory=dict)
    since: date = date.min

    def add(self, name: str, amount: int, since: date) -> None:
        """Take an amount unless there is a higher one, which another region has."""
        self.amounts[name] = max(amount, self.amounts.get(name, 0))
        self.since = max(self.since, since)


def to_table(items: Iterable[Item], today: date, source: Source | None = None) -> Found:
    """Return the prices of a list: of regions with different prices the highest."""
    prices: dict[Key, _Gathered] = defaultdict(_Gathered)
    tools: dict[tuple[str, str], _Gathered] = defaultdict(_Gathered)
    unknown: set[str] = set()
    for item, since in _in_force(items, today):
        meter = parse_meter(item.meter_name)
        if (tool := TOOLS.get(item.meter_name)) is not None:
            tools[tool].add("call", _per_call(item), since)
        elif (other := OTHERS.get(item.meter_name)) is not None:
            model, sku, name = other
            prices[model, None, sku, "default", "any"].add(name, _amount(item), since)
        elif meter is not None and meter.words in MODELS:
            prices[_key(meter)].add(meter.amount, _amount(item), since)
        elif meter is not None:
            unknown.add(meter.words)
    table = PriceTable(
        sources={SOURCE: source or Source(title=TITLE, url=URL, date=today)},
        prices=[_price(key, line) for key, line in sorted(prices.items(), key=lambda pair: tuple(map(str, pair[0])))],
        tools=[
            ToolPrice(tool=tool, sku=sku, call=line.amounts["call"], since=line.since, source=SOURCE)  # type: ignore[arg-type]
            for (tool, sku), line in sorted(tools.items())
        ],
    )
    return Found(table=table, unknown=tuple(sorted(unknown)))


def _in_force(items: Iterable[Item], today: date) -> Iterator[tuple[Item, date]]:
    """Yield what each meter costs in each region today, and since when."""
    newest: dict[tuple[str, str], tuple[date, Item]] = {}
    for item in items:
        since = date.fromisoformat(item.effective_start_date[:10])
        is_ours = item.currency_code == "USD" and not item.arm_region_name.startswith(_OTHER_CLOUD)
        if not is_ours or item.tier_minimum_units or since > today or item.unit_of_measure not in _UNITS:
            continue
        key = (item.meter_name, item.arm_region_name)
        if key not in newest or newest[key][0] <= since:
            newest[key] = (since, item)
    yield from ((item, since) for since, item in newest.values())


def _key(meter: Meter) -> Key:
    model, version = MODELS[meter.words]
    return model, version, meter.sku, meter.tier, meter.context


def _amount(item: Item) -> int:
    """Return micro-dollars for a million tokens, an hour or a second."""
    return _micro(item.retail_price * _UNITS[item.unit_of_measure])


def _per_call(item: Item) -> int:
    return _micro(item.retail_price / (1000 if item.unit_of_measure == "1K" else 1))


def _micro(dollars: Decimal) -> int:
    return int((dollars * MICRO).to_integral_value(ROUND_CEILING))


def _price(key: Key, line: _Gathered) -> Price:
    model, version, sku, tier, context = key
    known = {"model": model, "version": version, "sku": sku, "tier": tier, "context": context, **line.amounts}
    return msgspec.convert({**known, "source": SOURCE, "since": line.since}, Price)
