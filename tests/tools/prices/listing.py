"""Azure's list of prices as the public API answers, served on this machine.

The members of a line are those of the documentation, and the prices those of the list on 2026-08-11.
https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PATH = "/api/retail/prices"


def item(meter: str, price: float, unit: str = "1K", region: str = "eastus", **others: object) -> dict[str, object]:
    """Return a line of the list."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": 0.0,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": region,
        "location": "US East",
        "effectiveStartDate": "2026-06-01T00:00:00Z",
        "meterId": "00000000-0000-0000-0000-000000000000",
        "meterName": meter,
        "productId": "DZH318Z0BQ4B",
        "skuId": "DZH318Z0BQ4B/00FG",
        "productName": "Azure OpenAI",
        "skuName": meter.removesuffix(" Tokens"),
        "serviceName": "Foundry Models",
        "serviceId": "DZH317F1HKN0",
        "serviceFamily": "AI + Machine Learning",
        "unitOfMeasure": unit,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": meter,
        **others,
    }


@dataclass(slots=True)
class Listing:
    """The pages of the list, how many of the next requests are refused, and what was asked for."""

    pages: Sequence[object]
    refusals: list[tuple[int, Mapping[str, str]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""
    elsewhere: str | None = None

    def answer(self, path: str) -> tuple[int, Mapping[str, str], bytes]:
        """Return the answer to a request."""
        self.asked.append(path)
        if self.refusals:
            return *self.refusals.pop(0), b"busy"
        number = int(parse_qs(urlsplit(path).query).get("$skip", ["0"])[0])
        page = self.pages[number]
        following = f"{self.url}?$skip={number + 1}" if number + 1 < len(self.pages) else None
        body = {"BillingCurrency": "USD", "CustomerEntityId": "Default", "CustomerEntityType": "Retail", "Items": page}
        return 200, {}, json.dumps({**body, "NextPageLink": self.elsewhere or following, "Count": 1}).encode()


@contextmanager
def serving(listing: Listing) -> Iterator[Listing]:
    """Serve a list."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, body = listing.answer(self.path)
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the name is http.server's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    listing.url = f"http://127.0.0.1:{server.server_port}{PATH}"
    try:
        yield listing
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
