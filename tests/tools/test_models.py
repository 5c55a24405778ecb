"""The default model can be deployed by new customers, and somebody hears in time when that ends."""

import json
import re
from datetime import date, timedelta

import pytest

from tools import models
from tools.models import Model

TABLE = models.table()
RETIRED = re.compile(r"\bgpt-(?:3\.5|35|4)(?!o-(?:mini-)?(?:tts|transcribe))|\bo[134]\b")
# What clients ask for, and what other proxies know by name.
NAMES_OF_OTHERS = ("docs/clients.md", "docs/zh-CN/clients.md", "docs/comparison.md")
PAGES = (
    *("README.md", "local.settings.json.example", "compose.yaml", "infra/README.md", "infra/createUiDefinition.json"),
    "README.zh-CN.md",
    *(path.relative_to(models.ROOT).as_posix() for path in sorted((models.ROOT / "docs").glob("**/*.md"))),
)
MODEL = Model(name="m", version=date(2026, 1, 1), closes=date(2027, 1, 1), retires=date(2027, 7, 1))


def test_the_default_is_the_model_that_new_customers_get_the_longest() -> None:
    assert TABLE.default == max(TABLE.models, key=lambda model: model.closes).name


def test_a_model_closes_to_new_customers_a_year_after_its_version_and_retires_later() -> None:
    for model in TABLE.models:
        assert model.closes == model.version.replace(year=model.version.year + 1)
        assert model.closes < model.retires


def test_the_table_says_where_it_is_from_and_when() -> None:
    assert TABLE.source.startswith("https://learn.microsoft.com/")
    assert TABLE.source_date > max(model.version for model in TABLE.models)


@pytest.mark.parametrize("page", PAGES)
def test_only_what_clients_ask_for_by_themselves_is_a_retired_model(page: str) -> None:
    lines = (models.ROOT / page).read_text("utf-8").splitlines()
    found = [line for line in lines if RETIRED.search(line) and "Clients ask for fixed names" not in line]
    assert found == [] or page in NAMES_OF_OTHERS


@pytest.mark.parametrize(
    "page",
    ["README.md", "README.zh-CN.md", "docs/deploy.md", "docs/zh-CN/deploy.md", "local.settings.json.example"],
)
def test_examples_name_the_default(page: str) -> None:
    assert TABLE.default in (models.ROOT / page).read_text("utf-8")


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (91, []),
        (90, ["no new customer gets a deployment of it from 2027-01-01 on, in 90 days."]),
        (-1, ["no new customer gets a deployment of it from 2027-01-01 on, in -1 days."]),
        (-91, ["no new customer gets", "its deployments end from 2027-07-01 on, in 90 days."]),
    ],
)
def test_ninety_days_before_a_date_the_check_fails(days: int, expected: list[str]) -> None:
    found = list(models.problems(MODEL, MODEL.closes - timedelta(days=days)))
    assert len(found) == len(expected)
    assert all(part in line for line, part in zip(found, expected, strict=True))


def test_the_command_fails_when_it_is_time_and_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    closes = TABLE.named(TABLE.default).closes
    assert models.main([], closes - timedelta(days=200)) == 0
    assert models.main([], closes) == 1
    assert "python -m tools.models use NAME" in capsys.readouterr().out


def test_another_default_is_written_into_table_and_form() -> None:
    written = models.with_default(models.TABLE.read_text("utf-8"), TABLE.default, "gpt-5.4-mini")
    assert json.loads(written) == {**json.loads(models.TABLE.read_text("utf-8")), "default": "gpt-5.4-mini"}
    form = models.with_default(models.FORM.read_text("utf-8"), TABLE.default, "other-model")
    assert TABLE.default not in form
    assert form.count("other-model") == models.FORM.read_text("utf-8").count(TABLE.default) > 0


def test_a_model_that_is_not_in_the_table_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert models.main(["use", "gpt-2"], date(2027, 1, 1)) == 1
    assert "infra/models.json has no gpt-2" in capsys.readouterr().err
    assert models.main(["x"], date(2027, 1, 1)) == 2
