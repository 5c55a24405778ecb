"""`tools.prices update` reads Azure's list page by page and makes lines of it; what it does not know it names."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pytest

from proxy.config.price_table import Price, PriceTable, Source, ToolPrice, parse_price_table
from tests.tools.prices.listing import Listing, item, serving
from tools.prices import __main__ as command
from tools.prices import retail, table
from tools.prices.meters import Meter, parse_meter
from tools.prices.retail import Item, RetailError, read_items, to_table

TODAY = date(2026, 11, 28)
GLOBAL, ZONE, REGION = "GlobalStandard", "DataZoneStandard", "Standard"
PAGES = (
    [
        item("gpt 4.1 Inp glbl Tokens", 0.002),
        item("gpt 4.1 cached Inp glbl Tokens", 0.0005),
        item("gpt 4.1 Outp glbl Tokens", 0.008),
        item("gpt 4.1 Inp regnl Tokens", 0.0022),
        item("gpt 4.1 Inp regnl Tokens", 0.00264, region="northeurope"),
        item("gpt 4.1 Inp regnl Tokens", 0.00275, region="usgovvirginia"),
        item("gpt 4.1 Outp regnl Tokens", 0.0088),
        item("gpt-5-nano-2027 Inpt Glbl Tokens", 1.0),
    ],
    [
        item("5.5 ShortCo inp Gl 1M Tokens", 5, "1M"),
        item("5.5 ShortCo opt Gl 1M Tokens", 30, "1M"),
        item("5.5 LongCo inp Gl 1M Tokens", 10, "1M"),
        item("5.5 LongCo opt Gl 1M Tokens", 45, "1M"),
        item("5.5 ShortCo pp inp Gl 1M Tokens", 12.5, "1M"),
        item("5.5 ShortCo pp opt Gl 1M Tokens", 75, "1M"),
        item("5.5 ShortCo inp Gl 1M Tokens", 4, "1M", effectiveStartDate="2027-01-01T00:00:00Z"),
        item("5.5 ShortCo inp Gl 1M Tokens", 9, "1M", effectiveStartDate="2025-01-01T00:00:00Z"),
        item("5.5 ShortCo inp Gl 1M Tokens", 99, "1M", tierMinimumUnits=5.0),
        item("5.5 ShortCo inp Gl 1M Tokens", 99, "1M", currencyCode="EUR", region="westeurope"),
        item("5.5 ShortCo inp Gl 1M Tokens", 99, "1/Day", region="westus"),
    ],
    [
        item("Speech-to-Text-Batch-Whisper-glbl Unit", 0.36, "1 Hour"),
        item("file-search-tool-calls-glbl Calls", 2.5, "1K"),
        item("Code-Interpreter-global Session", 0.03, "1"),
        item("Provisioned Managed Global Unit", 1.0, "1/Hour"),
        item("gpt 4.1 nano cached Inp DZone Tokens", 0.000028),
    ],
)
Lines = dict[tuple[str, str, str, str], Price]


def no_sleep(_: float) -> None:
    raise AssertionError("nothing was to wait for")


@pytest.fixture
def listing() -> Iterator[Listing]:
    with serving(Listing(pages=PAGES)) as served:
        yield served


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the table that a command may write."""
    path = tmp_path / "table.json"
    path.write_bytes(table.TABLE.read_bytes())
    monkeypatch.setattr(table, "TABLE", path)
    return path


def lines(found: PriceTable) -> Lines:
    return {(line.model, line.sku, line.tier, line.context): line for line in found.prices}


def test_every_page_is_read_and_the_filter_asks_for_models_alone(listing: Listing) -> None:
    items = list(read_items(listing.url, no_sleep))
    assert len(items) == sum(len(page) for page in PAGES)
    assert "$filter=serviceName eq 'Foundry Models' and priceType eq 'Consumption'" in unquote(listing.asked[0])
    assert [path.partition("?")[2] for path in listing.asked[1:]] == ["$skip=1", "$skip=2"]


def test_prices_become_micro_dollars_for_a_million_tokens(listing: Listing) -> None:
    found = lines(to_table(read_items(listing.url), TODAY).table)
    line = found["gpt-4.1", GLOBAL, "default", "any"]
    assert (line.input, line.cached_input, line.output) == (2_000_000, 500_000, 8_000_000)
    assert (line.source, line.verified, line.since) == (retail.SOURCE, True, date(2026, 6, 1))
    assert found["gpt-4.1-nano", ZONE, "default", "any"].cached_input == 28_000
    assert found["whisper", GLOBAL, "default", "any"].audio_hour == 360_000


def test_of_regions_with_different_prices_the_dearest_counts_and_those_of_other_clouds_do_not(listing: Listing) -> None:
    found = lines(to_table(read_items(listing.url), TODAY).table)
    assert found["gpt-4.1", REGION, "default", "any"].input == 2_640_000


def test_the_price_in_force_counts_by_tier_and_length_of_the_prompt(listing: Listing) -> None:
    found = lines(to_table(read_items(listing.url), TODAY).table)
    prices = {key[2:]: line.input for key, line in found.items() if key[0] == "gpt-5.5"}
    assert prices == {
        ("default", "short"): 5_000_000,
        ("default", "long"): 10_000_000,
        ("priority", "short"): 12_500_000,
    }


def test_tools_cost_by_the_call(listing: Listing) -> None:
    found = to_table(read_items(listing.url), TODAY).table
    assert [(tool.tool, tool.sku, tool.call) for tool in found.tools] == [
        ("code_interpreter", GLOBAL, 30_000),
        ("file_search", GLOBAL, 2500),
    ]


def test_models_that_nobody_knows_are_named(listing: Listing) -> None:
    assert to_table(read_items(listing.url), TODAY).unknown == ("gpt 5 nano 2027",)


def test_a_busy_list_is_asked_again_when_it_says(listing: Listing) -> None:
    listing.refusals = [
        (429, {"retry-after": "7"}),
        (503, {}),
        (429, {"retry-after": "soon"}),
        (500, {"retry-after": "999"}),
    ]
    waited: list[float] = []
    assert list(read_items(listing.url, waited.append))
    assert waited == [7.0, 2.0, 4.0, 60.0]


@pytest.mark.parametrize(("status", "times"), [(404, 1), (429, 5)])
def test_a_list_that_does_not_answer_is_an_error(listing: Listing, status: int, times: int) -> None:
    listing.refusals = [(status, {})] * times
    with pytest.raises(RetailError, match=f"the list answers {status}"):
        list(read_items(listing.url, lambda _: None))


def test_a_list_that_goes_on_elsewhere_is_not_followed(listing: Listing) -> None:
    listing.elsewhere = "https://example.com/prices"
    with pytest.raises(RetailError, match="another address"):
        list(read_items(listing.url))


def test_a_list_that_never_ends_is_left(listing: Listing) -> None:
    listing.elsewhere = listing.url
    with pytest.raises(RetailError, match="more than 200 pages"):
        list(read_items(listing.url))


def test_a_page_that_cannot_be_read_is_an_error() -> None:
    with serving(Listing(pages=["no list"])) as broken, pytest.raises(RetailError, match="cannot be read"):
        list(read_items(broken.url))


def test_a_list_that_is_away_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.update(TODAY, "http://127.0.0.1:1/prices") == 1
    assert "cannot be reached" in capsys.readouterr().err


@pytest.mark.usefixtures("copied")
def test_the_table_gets_the_prices_of_the_list_and_keeps_what_it_does_not_have(
    listing: Listing, capsys: pytest.CaptureFixture[str]
) -> None:
    before = table.read_table()
    assert command.update(TODAY, listing.url) == 0
    after = table.read_table()
    assert lines(after)["gpt-5.5", GLOBAL, "default", "long"].source == retail.SOURCE
    assert (
        lines(after)["gpt-6-sol", GLOBAL, "default", "short"] == lines(before)["gpt-6-sol", GLOBAL, "default", "short"]
    )
    assert after.sources[retail.SOURCE].date == TODAY
    assert after.models == before.models
    shown = capsys.readouterr().out
    assert "gpt-5.5 GlobalStandard default long" in shown
    assert "Meters of models that the table does not have: gpt 5 nano 2027" in shown
    assert command.update(TODAY, listing.url) == 0
    assert table.read_table() == after
    assert capsys.readouterr().out == "Meters of models that the table does not have: gpt 5 nano 2027\n"


@pytest.mark.usefixtures("copied")
def test_a_price_that_the_list_no_longer_has_goes(listing: Listing, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.update(TODAY, listing.url) == 0
    listing.pages = [[item("gpt 4.1 Inp glbl Tokens", 0.003), item("gpt 4.1 Outp glbl Tokens", 0.009)]]
    assert command.update(TODAY, listing.url) == 0
    found = lines(table.read_table())
    assert found["gpt-4.1", GLOBAL, "default", "any"].input == 3_000_000
    assert ("gpt-5.5", GLOBAL, "default", "long") not in found
    assert "-> gone" in capsys.readouterr().out


def test_a_list_without_known_models_changes_nothing(copied: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = copied.read_bytes()
    with serving(Listing(pages=[[item("other Inp glbl Tokens", 1.0)]])) as served:
        assert command.update(TODAY, served.url) == 1
    assert copied.read_bytes() == before
    assert "no price of a known model" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("gpt 4.1 cached Inp glbl Tokens", ("gpt 4.1", GLOBAL, "default", "any", "cached_input")),
        ("5.4 mini cd Inp Dz 1M Tokens", ("5.4 mini", ZONE, "default", "any", "cached_input")),
        ("6-sol LongCo Cd Wr Std Gl 1M Tokens", ("6 sol", GLOBAL, "default", "long", "cache_write")),
        ("5.6 sol ShortCo Inp PP Gl 1M Tokens", ("5.6 sol", GLOBAL, "priority", "short", "input")),
        ("56sol ShCo Inp Fl Gl 1M Tokens", ("56sol", GLOBAL, "flex", "short", "input")),
        ("gpt 4o mini0718 BatchOutp DataZone Tokens", ("gpt 4o mini 0718", ZONE, "batch", "any", "output")),
        ("gpt-4o-transcribe-aud-inp-rgnl Tokens", ("gpt 4o transcribe", REGION, "default", "any", "audio_input")),
        ("gpt aud 0828 txt Inp DZone Tokens", ("gpt aud 0828", ZONE, "default", "any", "input")),
        ("gpt aud 0828 Outp glbl Tokens", ("gpt aud 0828", GLOBAL, "default", "any", "audio_output")),
        ("gpt-image-1-inp-cached-img-glbl Tokens", ("gpt image 1", GLOBAL, "default", "any", "cached_image_input")),
        ("Image 2 img Batch opt DZ 1M Tokens", ("image 2", ZONE, "batch", "any", "image_output")),
        ("text-embedding-3-small-glbl Tokens", ("text embedding 3 small", GLOBAL, "default", "any", "input")),
        ("gpt-oss-120B Inp glbl Tokens", ("gpt oss 120b", GLOBAL, "default", "any", "input")),
    ],
)
def test_the_name_of_a_meter_says_what_it_bills(name: str, expected: tuple[str, str, str, str, str]) -> None:
    words, sku, tier, context, amount = expected
    assert parse_meter(name) == Meter(words=words, sku=sku, tier=tier, context=context, amount=amount)


@pytest.mark.parametrize("name", ["Phi-4-Input Tokens", "Sora 2 glbl Second", "gpt Inp Outp glbl Tokens"])
def test_a_name_that_does_not_say_it_is_no_meter_of_tokens(name: str) -> None:
    assert parse_meter(name) is None


def test_a_table_is_written_as_it_is_read() -> None:
    read = table.read_table()
    assert table.encode_table(read) == table.TABLE.read_text("utf-8")
    assert parse_price_table(table.encode_table(PriceTable())) == PriceTable()


def test_an_item_without_a_region_or_a_currency_is_read() -> None:
    one = Item(
        retail_price=Decimal("0.002"),
        unit_of_measure="1K",
        meter_name="gpt 4.1 Inp glbl Tokens",
        effective_start_date="2026-01-01",
    )
    assert to_table([one], TODAY).table.prices[0].input == 2_000_000


def test_tools_that_the_list_no_longer_has_go() -> None:
    old = ToolPrice(tool="file_search", sku="Standard", call=1, source=retail.SOURCE)
    other = ToolPrice(tool="web_search", sku="Standard", call=1, source="other")
    kept = command.updated(PriceTable(tools=[old, other]), PriceTable(), TODAY).tools
    assert kept == [other]


def line(source: str = retail.SOURCE, **members: object) -> Price:
    known = {"model": "m", "sku": GLOBAL, "source": source, "input": 1, "output": 2}
    return msgspec.convert({**known, **members}, Price)


def test_a_line_without_an_amount_that_it_had_leaves_the_one_before() -> None:
    old = PriceTable(prices=[line("other", cached_input=1)])
    without_output, without_cached = ([line(output=None)], [line(input=3)])
    assert command.updated(old, PriceTable(prices=without_output), TODAY).prices == old.prices
    assert command.updated(old, PriceTable(prices=without_cached), TODAY).prices == without_cached


def test_a_price_that_is_known_to_come_ends_that_of_the_list() -> None:
    tomorrow = TODAY + timedelta(days=1)
    old = PriceTable(prices=[line("other", until=str(TODAY)), line("other", input=9, since=str(tomorrow))])
    listed = PriceTable(prices=[line(input=3, since="2026-01-01")])
    new = command.updated(old, listed, TODAY)
    assert new.prices == [line(input=3, since="2026-01-01", until=str(TODAY)), old.prices[1]]
    assert command.updated(new, listed, tomorrow).prices == listed.prices


@pytest.mark.parametrize(
    ("days", "expected"), [(29, []), (30, ["Azure Retail Prices API: read on 2026-11-28 -> 2026-12-28"])]
)
def test_a_list_without_changes_is_taken_anew_after_a_month(days: int, expected: list[str]) -> None:
    first, later = (
        PriceTable(sources={retail.SOURCE: Source(title="t", url="u", date=day)})
        for day in (TODAY, TODAY + timedelta(days=days))
    )
    assert list(command.changes(first, later)) == expected
