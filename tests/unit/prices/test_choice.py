"""The price goes by the deployment's model and SKU; what is not certain is refused, or reported."""

from dataclasses import replace
from datetime import date

import pytest

from proxy.config.price_table import Amounts
from proxy.prices.choice import FREE, Choice, Doubt, Tariff, call_price, choose, dearest, size_of
from proxy.values import Deployed
from tests.unit.prices.samples import DAY, SIZE, deployed, price, table

DEFAULT, USUAL = ("default",), ("default", "priority")
PRICES = table(
    price(),
    price(sku="DataZoneStandard", input=1_100_000, output=2_200_000),
    price(tier="priority", input=2_000_000, output=4_000_000),
    price(tier="batch", input=500_000, output=1_000_000),
    price(model="unverified", verified=False),
    price(model="only-priority", tier="priority"),
    price(model="later", since="2027-01-01"),
    price(model="versions", version="1", input=1),
    price(model="versions", version="2", input=2),
    price(model="versions", input=3),
    price(model="regions", sku="DataZoneStandard", input=7),
    price(model="regions", sku="Standard", input=8),
)


def chosen(
    given: Deployed | None, tiers: tuple[str, ...] = DEFAULT, day: date = DAY, *, hard: bool = True
) -> int | Doubt | None:
    """Return the price of the input, or the doubt."""
    found = choose(PRICES, given, tiers, day, hard=hard)
    return found if isinstance(found, Doubt) else found.tariff.short.input


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("GlobalStandard", 1_000_000),
        ("globalstandard", 1_000_000),
        ("DataZoneStandard", 1_100_000),
        ("GlobalBatch", 500_000),
        ("DataZoneBatch", 1_100_000),
        ("ProvisionedManaged", None),
        ("GlobalProvisionedManaged", None),
    ],
)
def test_the_sku_says_which_price_counts(sku: str, expected: int | None) -> None:
    assert chosen(deployed(sku)) == expected


def test_capacity_that_is_paid_anyway_costs_nothing() -> None:
    assert choose(PRICES, deployed("ProvisionedManaged", model="x"), DEFAULT, DAY, hard=True) == Choice(tariff=FREE)


@pytest.mark.parametrize(
    ("sku", "expected"), [("GlobalProvisionedManaged", 1_000_000), ("DataZoneProvisionedManaged", 1_100_000)]
)
def test_capacity_that_spills_over_costs_a_hard_budget_what_it_spills_over_to(sku: str, expected: int) -> None:
    spilling = replace(deployed(sku), spills_over=True)
    assert chosen(spilling) == expected
    assert choose(PRICES, spilling, DEFAULT, DAY, hard=False) == Choice(tariff=FREE)


def test_the_dearest_of_the_possible_tiers_counts() -> None:
    assert chosen(deployed(), USUAL) == 2_000_000
    assert chosen(deployed("DataZoneStandard"), USUAL) == 1_100_000
    assert chosen(deployed(), ("flex", "default")) == 1_000_000
    assert chosen(deployed("DataZoneStandard"), ("priority",)) is Doubt.NO_PRICE_FOR_TIER
    assert chosen(deployed(model="only-priority"), DEFAULT) is Doubt.NO_PRICE_FOR_TIER
    assert chosen(deployed("DataZoneStandard"), ("priority",), hard=False) == 1_100_000


@pytest.mark.parametrize("given", [None, deployed(model="x"), deployed(model="later")])
def test_an_unknown_model_is_refused_or_costs_nothing_with_a_warning(given: Deployed | None) -> None:
    assert chosen(given) is Doubt.UNKNOWN_MODEL
    assert choose(PRICES, given, DEFAULT, DAY, hard=False) == Choice(tariff=FREE, doubt=Doubt.UNKNOWN_MODEL)


def test_an_unknown_sku_counts_as_the_dearest_or_as_the_usual_one_with_a_warning() -> None:
    hard = choose(PRICES, deployed(None), DEFAULT, DAY, hard=True)
    assert isinstance(hard, Choice)
    assert (hard.tariff.short.input, hard.tariff.sku, hard.doubt) == (1_100_000, None, Doubt.UNKNOWN_SKU)
    assert chosen(deployed("DeveloperTier"), hard=False) == 1_000_000
    assert chosen(deployed(None, model="regions"), hard=False) == 8


def test_a_known_sku_without_a_price_is_refused_or_counts_as_the_dearest() -> None:
    assert chosen(deployed("Standard")) is Doubt.NO_PRICE_FOR_SKU
    assert chosen(deployed("Standard"), hard=False) == 1_100_000


def test_a_price_that_is_not_verified_is_refused_or_reported() -> None:
    assert chosen(deployed(model="unverified")) is Doubt.UNVERIFIED_PRICE
    found = choose(PRICES, deployed(model="unverified"), DEFAULT, DAY, hard=False)
    assert isinstance(found, Choice)
    assert (found.tariff.short.input, found.doubt) == (1_000_000, Doubt.UNVERIFIED_PRICE)


def test_a_version_has_its_own_price_or_that_of_the_model() -> None:
    prices = {version: chosen(deployed(model="versions", version=version)) for version in ("1", "2", "3", None)}
    assert prices == {"1": 1, "2": 2, "3": 3, None: 3}


def test_the_day_decides_which_line_counts() -> None:
    assert chosen(deployed(model="later"), day=date(2027, 1, 1)) == 1_000_000


def test_a_long_prompt_costs_more_above_its_number_of_tokens() -> None:
    lines = table(price(context="short"), price(context="long", input=5))
    found = choose(lines, deployed(), DEFAULT, DAY, hard=True)
    assert isinstance(found, Choice)
    assert [found.tariff.amounts(tokens).input for tokens in (600, 601)] == [1_000_000, 1_000_000]
    lines = table(price(), price(context="long", input=9_000_000))
    found = choose(lines, deployed(), DEFAULT, DAY, hard=True)
    assert isinstance(found, Choice)
    assert [found.tariff.amounts(tokens).input for tokens in (600, 601)] == [1_000_000, 9_000_000]


def test_without_a_known_number_every_prompt_counts_as_long() -> None:
    lines = table(price(model="n"), price(model="n", context="long", input=9_000_000))
    found = choose(lines, deployed(model="n"), DEFAULT, DAY, hard=True)
    assert isinstance(found, Choice)
    assert found.tariff.amounts(1).input == 9_000_000


def test_a_price_for_long_prompts_alone_counts_for_all() -> None:
    prices = table(price(context="long", input=2_000_000))
    found = choose(prices, deployed(), DEFAULT, DAY, hard=True)
    assert isinstance(found, Choice)
    assert [found.tariff.amounts(tokens).input for tokens in (1, 600, 601)] == [2_000_000] * 3


def test_of_each_amount_the_highest_is_the_dearest_and_nothing_counts_as_an_amount() -> None:
    assert dearest([Amounts(input=0), Amounts(cached_input=1)]) == Amounts(input=0, cached_input=1)
    assert Tariff(short=Amounts()).amounts(10**9) == Amounts()


def test_the_size_of_a_model_is_known_or_not_good_enough() -> None:
    lines = table(price())
    assert size_of(lines, "m", DAY, hard=True) == SIZE
    assert size_of(lines, "n", DAY, hard=False) is None
    lines.models[:] = [type(SIZE)(model="m", input=1, source="list", verified=False)]
    assert size_of(lines, "m", DAY, hard=True) is None
    assert size_of(lines, "m", DAY, hard=False) is not None


def test_a_tool_costs_what_its_sku_says_or_the_dearest() -> None:
    lines = table(price())
    assert call_price(lines, "file_search", "GlobalStandard", DAY) == (2500, True)
    assert call_price(lines, "file_search", None, DAY) == (2750, True)
    assert call_price(lines, "code_interpreter", "Standard", DAY) == (30_000, False)
    assert call_price(lines, "web_search", None, DAY) is None
