"""The limits of a key, as tags say them; what looks like a limit and is none must not count as none."""

import pytest

from proxy.config.client_limits import (
    LIMITS,
    LimitRules,
    has_limits,
    parse_limit_defaults,
    parse_model_sets,
    parse_whole_budget,
    resembles_limit,
    tags_of,
)
from proxy.values import Budget, Limits

RULES = LimitRules(model_sets={"small": ("gpt-5-mini", "gpt-5-nano")})


@pytest.mark.parametrize(
    ("tags", "limits"),
    [
        ({}, None),
        ({"note": "for the web shop", "env": "test", "app": "shop", "mode": "y", "cost-center": "7"}, None),
        ({"rpm": "60"}, Limits(rpm=60)),
        ({"rpm": " 60 ", "tpm": "100000", "concurrency": "4", "max-output-tokens": "2000"},
         Limits(rpm=60, tpm=100_000, concurrency=4, max_output_tokens=2000)),
        ({"models": "gpt-5*, o3 , gpt-5*"}, Limits(models=("gpt-5*", "o3"))),
        ({"models": "@small,o3"}, Limits(models=("gpt-5-mini", "gpt-5-nano", "o3"))),
        ({"models": "*", "rpm": "unlimited"}, None),
    ],
)  # fmt: skip
def test_tags_are_limits(tags: dict[str, str], limits: Limits | None) -> None:
    assert RULES.read(tags) == limits


@pytest.mark.parametrize(
    ("tags", "limits"),
    [
        ({}, Limits(rpm=10, models=("gpt-5*",))),
        ({"rpm": "20"}, Limits(rpm=20, models=("gpt-5*",))),
        ({"rpm": "unlimited"}, Limits(models=("gpt-5*",))),
        ({"rpm": "unlimited", "models": "*"}, None),
    ],
)
def test_what_a_key_does_not_say_is_the_default(tags: dict[str, str], limits: Limits | None) -> None:
    assert LimitRules(defaults=Limits(rpm=10, models=("gpt-5*",))).read(tags) == limits


@pytest.mark.parametrize(
    "name",
    ["rmp", "RPM", "rpms", "rp", "tmp", "TPM", "tpms", "model", "Models", "modles", "concurency", "Concurrency",
     "concurrancy", "max_output_tokens", "max-output-token", "max-tokens", "Max Output Tokens", "requests-per-minute",
     "expires", "limits", "rate_limit"],
)  # fmt: skip
def test_a_misspelt_limit_is_no_foreign_tag(name: str) -> None:
    assert resembles_limit(name)
    assert has_limits({name: "60"})
    with pytest.raises(ValueError, match="no limit"):
        RULES.read({name: "60"})


def test_a_strange_name_is_not_shown() -> None:
    with pytest.raises(ValueError, match="with a strange name"):
        RULES.read({"rpm\n": "60"})


@pytest.mark.parametrize(
    "name", ["note", "env", "team", "app", "owner", "mode", "module", "created-by", "ppm2", "", "é"]
)
def test_a_foreign_tag_is_none(name: str) -> None:
    assert not resembles_limit(name)
    assert not has_limits({name: "60"})
    assert RULES.read({name: "60"}) is None


@pytest.mark.parametrize("name", ["rpm", "tpm", "concurrency", "max-output-tokens"])
@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", "canary", "1e3", "1 000"])
def test_a_number_that_is_none_is_refused_with_the_name_of_its_tag(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"^has a tag {name} that must be") as caught:
        RULES.read({name: text})
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["", " , ", "@canary", "@", "a\nb", "x" * 257, ",".join(map(str, range(201)))])
def test_models_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^has a tag models that") as caught:
        RULES.read({"models": text})
    assert "canary" not in str(caught.value)


def test_every_limit_is_a_field_of_limits() -> None:
    assert set(LIMITS.values()) == {*Limits.__dataclass_fields__, "budget_kind"}


@pytest.mark.parametrize(
    ("tags", "budget"),
    [
        ({"budget-usd": "25"}, Budget(micro_dollars=25_000_000)),
        ({"budget-usd": " 2.5 ", "budget": "hard"}, Budget(micro_dollars=2_500_000)),
        ({"budget-usd": "0.000001", "budget": "soft"}, Budget(micro_dollars=1, is_hard=False)),
        (tags_of({"budget-usd": 0.25}), Budget(micro_dollars=250_000)),
        ({"budget-usd": "unlimited"}, None),
    ],
)
def test_a_budget_is_dollars_a_month_and_hard_unless_it_says_soft(tags: dict[str, str], budget: Budget | None) -> None:
    limits = LimitRules().read(tags)
    assert (None if limits is None else limits.budget) == budget


@pytest.mark.parametrize(
    "tags",
    [
        {"budget-usd": "0"},
        {"budget-usd": "1.0000001"},
        {"budget-usd": "$5"},
        {"budget-usd": "\u0665"},
        {"budget-usd": "5", "budget": "firm"},
        {"budget": "soft"},
        {"budgetusd": "5"},
    ],
    ids=str,
)
def test_a_budget_that_is_none_locks_the_key(tags: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="budget"):
        LimitRules().read(tags)


def test_the_budget_of_the_proxy_is_an_amount_and_its_kind() -> None:
    assert parse_whole_budget("") is None
    assert parse_whole_budget("250") == Budget(micro_dollars=250_000_000)
    assert parse_whole_budget("250 soft") == Budget(micro_dollars=250_000_000, is_hard=False)
    with pytest.raises(ValueError, match="hard or soft"):
        parse_whole_budget("250 firm")


def test_defaults_are_json() -> None:
    assert parse_limit_defaults("") == {}
    assert parse_limit_defaults('{"rpm": 60, "models": ["a", "b*"], "tpm": "unlimited"}') == {
        "rpm": "60",
        "models": "a,b*",
        "tpm": "unlimited",
    }


@pytest.mark.parametrize(
    "text", ["[]", "{", '{"rmp": 1}', '{"rpm": true}', '{"rpm": null}', '{"rpm": 1.5}', '{"models": ["a,b"]}',
             '{"models": [1]}', '{"rpm": 1, "rpm": 2}'],
)  # fmt: skip
def test_wrong_defaults_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has)"):
        parse_limit_defaults(text)


def test_sets_of_models_are_json() -> None:
    assert parse_model_sets("") == {}
    assert parse_model_sets('{"small": ["a", "b*"]}') == {"small": ("a", "b*")}


@pytest.mark.parametrize("text", ["[]", '{"a b": []}', '{"a": "b"}', '{"a": [1]}', '{"a": [""]}'])
def test_wrong_sets_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^must"):
        parse_model_sets(text)
