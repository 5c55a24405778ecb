"""The table of prices is whole: every line has its source and day, and what is certain is marked."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from proxy.config.price_table import LONGEST_AGE, Price, in_force
from proxy.openai_api.operations import OPERATIONS
from tests import documents
from tests.unit.prices.usage_samples import SAMPLES, WITHOUT_SAMPLE
from tools import models
from tools.prices import __main__ as command
from tools.prices import page, table

TABLE = table.read_table()
TODAY = date(2026, 11, 28)
USAGES = frozenset({"usage", "per_model_usage"})


def test_every_line_has_a_source_with_an_address_and_a_day() -> None:
    assert len(TABLE.prices) > 300
    for name, line in TABLE.lines():
        source = TABLE.sources[line.source]
        assert source.url.startswith("https://"), name
        assert date(2026, 1, 1) < source.date <= date.today() + timedelta(days=1), name
    assert {line.source for _, line in TABLE.lines()} == TABLE.sources.keys()


def test_what_only_one_source_says_is_not_verified() -> None:
    for _, line in TABLE.lines():
        if line.source in {"litellm", "retail-2026-08"}:
            assert not line.verified


def test_a_batch_costs_no_more_and_priority_no_less_than_the_default() -> None:
    every = {(p.model, p.version, p.sku, p.tier, p.context): p for p in TABLE.prices if in_force(p, TODAY)}
    for key, price in every.items():
        default = every.get((*key[:3], "default", key[4]))
        if default is None or price.input is None or default.input is None:
            continue
        dearer = price.tier == "priority"
        assert (price.input >= default.input) if dearer else (price.input <= default.input), key


def test_what_comes_from_the_cache_never_costs_more_than_what_does_not() -> None:
    for price in TABLE.prices:
        assert price.cached_input is None or price.input is None or price.cached_input <= price.input, price.model


def test_a_long_prompt_has_a_length_above_which_it_is_one() -> None:
    sizes = {size.model: size for size in TABLE.models}
    for price in TABLE.prices:
        if price.context == "long":
            assert sizes[price.model].long_context == 272_000


def test_the_models_that_the_template_offers_have_a_price() -> None:
    known = {price.model for price in TABLE.prices}
    for model in models.table().models:
        assert model.name in known, model.name


def usual(model: str) -> list[Price]:
    return [price for price in TABLE.prices if price.model == model and price.sku == "GlobalStandard"]


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-5.4", "gpt-5.6-luna", "gpt-6-luna", "o3", "o4-mini"]
)
def test_a_usual_model_is_good_enough_for_a_hard_budget(model: str) -> None:
    assert all(price.verified for price in usual(model) if price.tier in {"default", "priority"})


def test_check_passes_now_and_fails_when_the_table_is_old_or_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    oldest = min(TABLE.sources[price.source].date for price in TABLE.prices)
    assert command.main(["check"], oldest + LONGEST_AGE) == 0
    assert "verified" in capsys.readouterr().out
    assert command.main(["check"], oldest + LONGEST_AGE + timedelta(days=1)) == 1
    assert "python -m tools.prices update" in capsys.readouterr().err
    monkeypatch.setattr(table, "TABLE", tmp_path / "wrong.json")
    table.TABLE.write_text("{", "utf-8")
    assert command.main(["check"], oldest) == 1
    assert "wrong.json must be JSON" in capsys.readouterr().err
    assert command.main([], oldest) == 2


def test_the_page_has_what_the_code_says() -> None:
    text = page.PAGE.read_text("utf-8")
    assert page.page(text) == text, "run: python -m tools.prices docs"
    assert text.count(page.START) == text.count(page.END) == 1
    for operation in OPERATIONS:
        assert f"`{operation.name}`" in text


def test_docs_writes_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "PAGE", tmp_path / "costs.md")
    page.PAGE.write_text(f"before\n{page.START}old\n{page.END}after\n", "utf-8")
    assert command.main(["docs"], TODAY) == 0
    written = page.PAGE.read_text("utf-8")
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "old\n" not in written


def schemas_with_usage(name: str) -> set[str]:
    """Return the schemas of a document that say what was used, by their names in OpenAI's document."""
    schemas = cast(
        "dict[str, dict[str, Any]]", cast("dict[str, Any]", documents.load(name).root["components"])["schemas"]
    )
    return {_plain(name) for name, schema in schemas.items() if any(_has_usage(part) for part in _parts(schema))}


def _parts(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for one in (*schema.get("allOf", ()), *schema.get("properties", {}).values()):
        yield from _parts(one)


def _has_usage(schema: dict[str, Any]) -> bool:
    return not USAGES.isdisjoint(schema.get("properties", {}))


def _plain(name: str) -> str:
    plain = re.sub(r"^(OpenAI\.)?(Azure|Beta)?", "", name)
    return plain[:1].upper() + plain[1:]


@documents.needed
def test_every_form_of_usage_in_the_documents_has_a_sample() -> None:
    found = {
        name
        for one in (documents.OPENAI, documents.AZURE_V1, *documents.AZURE_DATED)
        for name in schemas_with_usage(one)
    }
    assert found - WITHOUT_SAMPLE == SAMPLES.keys() - {"VideoResource"}
