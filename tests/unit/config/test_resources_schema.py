"""The JSON Schema and the example that users are given say what the parser does."""

import json
import re
from dataclasses import fields
from pathlib import Path

import pytest
from openapi_schema_validator import OAS31Validator

from proxy.config.address_rules import AddressRules
from proxy.config.policy import MAX_FALLBACKS, parse_fallbacks
from proxy.config.resources import Resource, parse_resources
from proxy.values import AuthMode
from tests.unit.config.resource_samples import RIGHT, RIGHT_WITH_VAULT, WRONG

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "resources.md").read_text("utf-8")
SCHEMA = json.loads((DOCS / "resources.schema.json").read_text("utf-8"))
# OpenAPI 3.1 is JSON Schema 2020-12 with some words more.
JUDGE = OAS31Validator(SCHEMA)


def examples() -> list[str]:
    return re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def test_the_schema_is_one() -> None:
    OAS31Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("sample", RIGHT | RIGHT_WITH_VAULT, ids=str)
def test_a_right_list_passes(sample: str) -> None:
    assert list(JUDGE.iter_errors((RIGHT | RIGHT_WITH_VAULT)[sample])) == []


@pytest.mark.parametrize("sample", WRONG, ids=str)
def test_a_wrong_list_fails(sample: str) -> None:
    assert not JUDGE.is_valid(WRONG[sample][0])


def test_schema_and_page_know_every_member_and_no_other() -> None:
    members = {one.name for one in fields(Resource)}
    resource = SCHEMA["$defs"]["resource"]
    assert set(resource["properties"]) == members
    assert members <= set(re.findall(r"^\| `([a-z_]+)` \|", PAGE, re.MULTILINE))
    assert all("description" in member for member in resource["properties"].values())


def test_the_example_of_the_page_is_accepted() -> None:
    text = examples()[0]
    assert JUDGE.is_valid(json.loads(text))
    found = parse_resources(text, vault=True, read_file=lambda _: b"")
    assert [(one.name, one.priority, one.weight) for one in found] == [
        ("ptu", 0, 1),
        ("sweden", 1, 3),
        ("france", 1, 1),
        ("openai", 2, 1),
    ]


def test_the_other_upstreams_of_the_page_are_accepted() -> None:
    text = next(example for example in examples() if "ollama" in example)
    assert list(JUDGE.iter_errors(json.loads(text))) == []
    rules = AddressRules(loopback=True, private=True)
    found = parse_resources(text, vault=False, read_file=lambda _: b"", rules=rules)
    assert {one.auth for one in found} == {AuthMode.NONE}
    assert [one.name for one in found] == ["ollama", "vllm", "lm-studio", "foundry-local"]


def test_the_fallbacks_of_the_page_are_accepted() -> None:
    assert parse_fallbacks(next(example for example in examples() if example.startswith('{"gpt-5.6-sol"'))) == {
        "gpt-5.6-sol": ("gpt-5.6-terra", "gpt-5.6-luna")
    }
    assert f"At most {MAX_FALLBACKS} for a model" in PAGE
