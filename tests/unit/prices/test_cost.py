"""Costs are exact to the micro-dollar: sums of fractions, rounded up once."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.price_table import Amounts
from proxy.prices.choice import FREE, Tariff
from proxy.prices.cost import BilledUsage, cost, format_usd, rounded_up
from tests.unit.prices.samples import EVERY, TEXT

COUNTS = st.integers(0, 10**7)
AMOUNTS = st.builds(Amounts, **{name: st.none() | st.integers(0, 10**9) for name in Amounts.__struct_fields__})
USAGES = st.builds(
    BilledUsage, **{name: COUNTS for name in BilledUsage.__struct_fields__ if name != "calls"}, calls=st.just(())
)


def exact(usage: BilledUsage, amounts: Amounts) -> Fraction:
    """Return the cost in micro-dollars as the price list says it, as a fraction."""
    text = _first(amounts.input, amounts.audio_input, amounts.image_input)
    written = _first(amounts.output, amounts.audio_output, amounts.image_output)
    audio, image = _first(amounts.audio_input, text), _first(amounts.image_input, text)
    heard, seen = max(usage.audio_input, usage.cached_audio_input), max(usage.image_input, usage.cached_image_input)
    tokens = (
        (max(0, usage.input - heard - seen - usage.cached_input - usage.cache_write), text),
        (usage.cached_input, _first(amounts.cached_input, text)),
        (usage.cache_write, _first(amounts.cache_write, text)),
        (heard - usage.cached_audio_input, audio),
        (usage.cached_audio_input, _first(amounts.cached_audio_input, audio)),
        (seen - usage.cached_image_input, image),
        (usage.cached_image_input, _first(amounts.cached_image_input, image)),
        (max(0, usage.output - usage.audio_output - usage.image_output), written),
        (usage.audio_output, _first(amounts.audio_output, written)),
        (usage.image_output, _first(amounts.image_output, written)),
        (usage.characters, amounts.characters or 0),
    )
    total = sum(Fraction(count * price, 1_000_000) for count, price in tokens)
    total += Fraction(usage.heard_ms * (amounts.audio_hour or 0), 3_600_000)
    return total + usage.video_seconds * (amounts.video_second or 0) + usage.images * (amounts.image or 0)


def _first(*prices: int | None) -> int:
    return next((price for price in prices if price is not None), 0)


@pytest.mark.hypothesis
@given(USAGES, AMOUNTS)
def test_a_cost_is_the_exact_fraction_rounded_up_to_the_next_micro_dollar(usage: BilledUsage, amounts: Amounts) -> None:
    assert cost(usage, Tariff(short=amounts)) == ceil(exact(usage, amounts))


@pytest.mark.hypothesis
@given(USAGES, USAGES, AMOUNTS)
def test_more_usage_never_costs_less(usage: BilledUsage, more: BilledUsage, amounts: Amounts) -> None:
    names = [name for name in BilledUsage.__struct_fields__ if name != "calls"]
    both = BilledUsage(**{name: getattr(usage, name) + getattr(more, name) for name in names})
    tariff = Tariff(short=amounts)
    assert max(cost(usage, tariff), cost(more, tariff)) <= exact(usage, amounts) + exact(more, amounts) + 1
    assert cost(both, tariff) >= 0


def test_each_kind_of_token_has_its_price() -> None:
    tariff = Tariff(short=EVERY)
    assert cost(BilledUsage(input=1_000_000), tariff) == 2_000_000
    assert cost(BilledUsage(input=1_000_000, cached_input=1_000_000), tariff) == 500_000
    assert cost(BilledUsage(input=1_000_000, cache_write=1_000_000), tariff) == 2_500_000
    assert cost(BilledUsage(input=1_000_000, audio_input=1_000_000), tariff) == 6_000_000
    assert cost(BilledUsage(input=1_000_000, image_input=1_000_000), tariff) == 3_000_000
    assert cost(BilledUsage(output=1_000_000), tariff) == 8_000_000
    assert cost(BilledUsage(output=1_000_000, audio_output=1_000_000), tariff) == 12_000_000
    assert cost(BilledUsage(output=1_000_000, image_output=1_000_000), tariff) == 40_000_000
    assert cost(BilledUsage(characters=1_000_000, heard_ms=3_600_000, video_seconds=2, images=3), tariff) == 15_680_000


def test_what_has_no_price_of_its_own_costs_what_text_does() -> None:
    tariff = Tariff(short=TEXT)
    assert cost(BilledUsage(input=10, audio_input=10), tariff) == 20
    assert cost(BilledUsage(output=10, image_output=10), tariff) == 80
    assert cost(BilledUsage(output=10), Tariff(short=Amounts(audio_output=1_000_000))) == 10


def test_a_sum_is_rounded_once() -> None:
    tariff = Tariff(short=Amounts(input=100_000, output=100_000))
    assert cost(BilledUsage(input=1, output=1), tariff) == 1
    assert cost(BilledUsage(input=6, output=5), tariff) == 2
    assert cost(BilledUsage(), tariff) == 0


def test_calls_of_tools_cost_their_prices() -> None:
    usage = BilledUsage(input=1, calls=(("file_search", 2), ("web_search", 1)))
    assert cost(usage, FREE, (2500, 14_000)) == 19_000
    with pytest.raises(ValueError, match="zip"):
        cost(usage, FREE)


def test_a_long_prompt_costs_the_long_price() -> None:
    tariff = Tariff(short=TEXT, long=Amounts(input=4_000_000), long_context=10)
    assert cost(BilledUsage(input=10), tariff) == 20
    assert cost(BilledUsage(input=11), tariff) == 44


@pytest.mark.parametrize(
    ("micro_dollars", "expected"),
    [(0, "0.000000"), (1, "0.000001"), (1_234_567, "1.234567"), (10**12, "1000000.000000")],
)
def test_an_amount_is_written_with_all_its_decimals(micro_dollars: int, expected: str) -> None:
    assert format_usd(micro_dollars) == expected


@pytest.mark.parametrize(("numerator", "expected"), [(0, 0), (1, 1), (6, 1), (7, 2)])
def test_a_fraction_is_rounded_up(numerator: int, expected: int) -> None:
    assert rounded_up(numerator, 6) == expected
