"""Checks whether the prices that count are new enough."""

import asyncio
from datetime import UTC, datetime

from proxy.config.price_table import decode_price_table, is_old, merged, oldest_source
from proxy.diagnosis.seen import Seen
from proxy.pipeline.doctor.examination import Checked, Examination

PRICES = "prices"
# The table of the project, from where function_app.py is.
TABLE = "proxy/prices/table.json"


async def check_prices(run: Examination) -> Checked:
    """Read the prices, those of a setting too, and tell how old the oldest is."""
    table = decode_price_table(await asyncio.to_thread(run.read_file, TABLE))
    prices = merged(run.settings.usage.own_prices, table)
    oldest, today = oldest_source(prices), datetime.fromtimestamp(run.now(), UTC).date()
    if oldest is not None and is_old(prices, today):
        return run.checked(PRICES, Seen(code="prices_old", subject=oldest.title, facts={"date": str(oldest.date)}))
    return Checked(check=PRICES, detail=f"{len(prices.prices)} prices, none of more than 180 days ago")
