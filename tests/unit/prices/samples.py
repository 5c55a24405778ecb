"""Tables of prices for tests, and calls."""

import json
from datetime import date

from proxy.azure_api.request import Call, parse_call
from proxy.config.price_table import Amounts, ModelSize, Price, PriceTable, Source, ToolPrice, parse_price_table
from proxy.openai_api.operations import OPERATIONS
from proxy.openai_api.router import Route
from proxy.prices.bounds import Priced
from proxy.prices.choice import FREE, Tariff
from proxy.values import Deployed

DAY = date(2026, 11, 28)
ROWS = {row.name: row for row in OPERATIONS}
SOURCES = {"list": Source(title="a list", url="https://example.com", date=date(2026, 11, 1))}
TOOLS = [
    ToolPrice(tool="file_search", sku="GlobalStandard", call=2500, source="list"),
    ToolPrice(tool="file_search", sku="DataZoneStandard", call=2750, source="list"),
    ToolPrice(tool="code_interpreter", sku="GlobalStandard", call=30_000, source="list", verified=False),
]
SIZE = ModelSize(model="m", input=1000, output=200, image_input=50, image_output=80, long_context=600, source="list")
EVERY = Amounts(
    input=2_000_000,
    cached_input=500_000,
    cache_write=2_500_000,
    output=8_000_000,
    audio_input=6_000_000,
    cached_audio_input=600_000,
    audio_output=12_000_000,
    image_input=3_000_000,
    cached_image_input=300_000,
    image_output=40_000_000,
    characters=15_000_000,
    audio_hour=360_000,
    video_second=100_000,
    image=40_000,
)
TEXT = Amounts(input=2_000_000, cached_input=500_000, output=8_000_000)


def price(sku: str = "GlobalStandard", **members: object) -> Price:
    """Return a line for the model `m`."""
    given = {"model": "m", "sku": sku, "source": "list", "input": 1_000_000, "output": 2_000_000, **members}
    text = json.dumps({"sources": {"list": {"title": "l", "url": "u", "date": "2026-11-01"}}, "prices": [given]})
    return parse_price_table(text).prices[0]


def table(*prices: Price) -> PriceTable:
    return PriceTable(sources=SOURCES, prices=list(prices), tools=TOOLS, models=[SIZE])


def deployed(sku: str | None = "GlobalStandard", model: str = "m", version: str | None = None) -> Deployed:
    return Deployed(name="d", model=model, version=version, sku=sku)


def priced(
    short: Amounts = TEXT, *, size: ModelSize | None = SIZE, long: Amounts | None = None, hard: bool = True
) -> Priced:
    tariff = Tariff(short=short, long=long, long_context=600, sku="GlobalStandard")
    return Priced(tariff=tariff, size=size, table=table(), day=DAY, hard=hard)


def without_model() -> Priced:
    return Priced(tariff=FREE, size=None, table=table(), day=DAY)


def call(operation: str, **members: object) -> Call:
    return parse_call(Route(operation=ROWS[operation]), json.dumps({"model": "m", **members}).encode())
