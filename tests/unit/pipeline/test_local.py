"""The health of the proxy tells that its prices are old, which is no reason against it."""

import json
from datetime import date

from proxy.config.price_table import Price, PriceTable, Source
from proxy.pipeline.local import LocalOperations

PRICES = PriceTable(
    sources={"list": Source(title="l", url="u", date=date(2026, 1, 1))},
    prices=[Price(model="m", sku="Standard", source="list", input=1)],
)


def reasons(today: date, prices: PriceTable = PRICES) -> object:
    response = LocalOperations(created=0, prices=prices, today=lambda: today).health((), ("other",))
    assert response.status == 200
    assert isinstance(response.body, bytes)
    return json.loads(response.body)["reasons"]


def test_prices_are_old_after_180_days() -> None:
    assert reasons(date(2026, 6, 30)) == ["other"]
    assert reasons(date(2026, 7, 1)) == ["other", "prices_old"]
    assert reasons(date(2026, 7, 1), PriceTable()) == ["other"]
