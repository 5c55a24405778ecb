"""A table of prices is read strictly, and what is wrong with it is said without a value."""

import json
from datetime import date, timedelta

import pytest

from proxy.config.price_table import (
    LONGEST_AGE,
    Amounts,
    PriceTable,
    decode_price_table,
    in_force,
    is_old,
    merged,
    parse_own_prices,
    parse_price_table,
    problems,
)

SOURCE = {"title": "contract", "url": "https://example.com", "date": "2026-11-01"}
LINE = {"model": "m", "sku": "GlobalStandard", "source": "own", "input": 1_000_000}
TOOL = {"tool": "file_search", "sku": "Standard", "source": "own", "call": 2500}
SIZE = {"model": "m", "source": "own", "input": 1000}
TODAY = date(2026, 11, 28)


def no_file(path: str) -> bytes:
    raise FileNotFoundError(path)


def text(*prices: object, **members: object) -> str:
    return json.dumps({"sources": {"own": SOURCE}, "prices": prices, **members})


def table(*prices: object, **members: object) -> PriceTable:
    return parse_price_table(text(*prices, **members))


def test_a_line_has_its_model_its_sku_and_its_amounts_in_micro_dollars() -> None:
    (line,) = table({**LINE, "output": 4_000_000, "since": "2026-01-01"}).prices
    assert (line.model, line.sku, line.tier, line.context, line.version) == (
        "m",
        "GlobalStandard",
        "default",
        "any",
        None,
    )
    assert line.amounts == Amounts(input=1_000_000, output=4_000_000)
    assert line.verified


def test_a_setting_that_is_empty_is_no_table() -> None:
    assert parse_own_prices("", no_file) is None
    assert parse_own_prices(text(LINE), no_file) == table(LINE)


def test_a_setting_may_be_the_path_of_a_file() -> None:
    files = {"prices.json": text(LINE).encode()}
    assert parse_own_prices("prices.json", files.__getitem__) == table(LINE)
    with pytest.raises(ValueError, match="or the path of a file with one that can be read"):
        parse_own_prices("canary.json", no_file)


def test_the_table_of_the_project_is_decoded_without_a_second_check() -> None:
    assert decode_price_table(text(LINE).encode()) == table(LINE)


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ("{", "must be JSON"),
        ("[]", "is wrong at its top: Expected `object`, got `array`"),
        (text({**LINE, "input": 1.5}), "is wrong at $.prices[0].input: Expected `int | null`, got `float`"),
        (text({**LINE, "input": -1}), "is wrong at $.prices[0].input: Expected `int` >= 0"),
        (text({**LINE, "secret": 1}), "is wrong at $.prices[0]: a word or a member that is not known"),
        (text({**LINE, "sku": "secret"}), "is wrong at $.prices[0].sku: a word or a member that is not known"),
        (text({"model": "m", "sku": "Standard", "input": 1}), "is wrong at $.prices[0]: Object missing required field"),
        (text({**LINE, "source": "secret"}), "is wrong at prices[0]: its source is not among the sources"),
        (text(LINE, tools=[{**TOOL, "source": "secret"}]), "is wrong at tools[0]: its source is not among the sources"),
        (text(LINE, models=[{**SIZE, "source": "x"}]), "is wrong at models[0]: its source is not among the sources"),
        (
            text({**LINE, "since": "2026-02-01", "until": "2026-01-01"}),
            "is wrong at prices[0]: it ends before it begins",
        ),
        (text({"model": "m", "sku": "Standard", "source": "own"}), "is wrong at prices[0]: it has no amount"),
        (text(LINE, LINE), "is wrong at prices[1]: another line has the same model, SKU, tier, context and days"),
        ('{"sources": {}, "sources": {}}', "must not say sources twice"),
    ],
)
def test_what_is_wrong_is_named_and_never_quoted(wrong: str, expected: str) -> None:
    with pytest.raises(ValueError, match=r"must|is wrong") as caught:
        parse_price_table(wrong)
    assert str(caught.value).startswith(expected)
    assert "secret" not in str(caught.value)


def test_two_lines_for_the_same_hold_one_after_the_other() -> None:
    first, second = {**LINE, "until": "2026-06-30"}, {**LINE, "since": "2026-07-01", "input": 1}
    for lines in ((first, second), (second, first)):
        assert not list(problems(table(*lines)))
    assert [in_force(line, date(2026, 6, 30)) for line in table(first, second).prices] == [True, False]
    assert [in_force(line, date(2026, 7, 1)) for line in table(first, second).prices] == [False, True]
    table({**LINE, "version": "1"}, {**LINE, "version": "2"}, {**LINE, "context": "long"})


def test_own_lines_replace_those_of_the_same_model_sku_and_tier() -> None:
    built_in = table(
        {**LINE, "version": "1", "input": 9},
        {**LINE, "tier": "priority", "input": 9},
        {**LINE, "model": "n", "input": 9},
        tools=[TOOL, {**TOOL, "tool": "web_search"}],
        models=[SIZE, {**SIZE, "model": "n"}],
    )
    own = table({**LINE, "input": 1}, tools=[{**TOOL, "call": 1}], models=[{**SIZE, "input": 5}])
    both = merged(own, built_in)
    assert [(line.model, line.tier, line.input) for line in both.prices] == [
        ("m", "default", 1),
        ("m", "priority", 9),
        ("n", "default", 9),
    ]
    assert [(line.tool, line.call) for line in both.tools] == [("file_search", 1), ("web_search", 2500)]
    assert [(line.model, line.input) for line in both.models] == [("m", 5), ("n", 1000)]
    assert merged(None, built_in) is built_in


def inputs(both: PriceTable, day: str) -> list[int | None]:
    """Return the amounts that are in force on a day."""
    return [line.input for line in both.prices if in_force(line, date.fromisoformat(day))]


def test_own_lines_replace_others_on_their_days_alone() -> None:
    built_in = table({**LINE, "until": "2026-12-31"}, {**LINE, "input": 2, "since": "2027-01-01"})
    own = table(
        {**LINE, "input": 3, "since": "2026-12-01", "until": "2027-01-31"},
        {**LINE, "input": 4, "since": "2027-06-01", "until": "9999-12-31"},
    )
    both = merged(own, built_in)
    days = ("2026-11-30", "2026-12-01", "2026-12-31", "2027-01-31", "2027-02-01", "2027-05-31", "2027-06-01")
    assert [inputs(both, day) for day in days] == [[1_000_000], [3], [3], [3], [2], [2], [4]]
    always = table({**LINE, "input": 5, "since": "0001-01-01", "until": "9999-12-31"})
    assert [line.input for line in merged(always, built_in).prices] == [5]
    past = table({**LINE, "input": 6, "until": "2025-12-31"})
    assert inputs(merged(past, built_in), "2026-11-30") == [1_000_000]


def test_a_table_is_old_when_one_of_its_prices_is() -> None:
    old = {**SOURCE, "date": str(TODAY - LONGEST_AGE - timedelta(days=1))}
    sources = {"own": {**SOURCE, "date": str(TODAY - LONGEST_AGE)}, "other": old}
    assert not is_old(table(LINE, sources=sources, tools=[TOOL]), TODAY)
    assert is_old(table(LINE, sources=sources, tools=[{**TOOL, "source": "other"}]), TODAY)
    assert not is_old(PriceTable(), TODAY)
