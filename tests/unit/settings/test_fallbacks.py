"""Which models may stand in for a model."""

import json

import pytest

from proxy.settings.fallbacks import MAX_FALLBACKS, is_model, parse_fallbacks

CANARY = "canary"


@pytest.mark.parametrize(
    ("text", "fallbacks"),
    [
        ("{}", {}),
        ('{"gpt-4.1": ["gpt-4o", "gpt-4o-mini"]}', {"gpt-4.1": ("gpt-4o", "gpt-4o-mini")}),
        ('{"a": ["b"], "b": ["a"]}', {"a": ("b",), "b": ("a",)}),
        ('{"a": ["b"], "b": ["c"]}', {"a": ("b",), "b": ("c",)}),
        ('{"ft:gpt-4o:org::x": ["org/model 1"]}', {"ft:gpt-4o:org::x": ("org/model 1",)}),
    ],
)
def test_only_what_is_written_counts(text: str, fallbacks: dict[str, tuple[str, ...]]) -> None:
    assert parse_fallbacks(text) == fallbacks


@pytest.mark.parametrize(
    "value",
    [
        [], CANARY, None, 1, {CANARY: []}, {CANARY: "b"}, {CANARY: None}, {CANARY: {}}, {CANARY: [1]}, {CANARY: [None]},
        {CANARY: [""]}, {CANARY: [" b"]}, {"": [CANARY]}, {CANARY: ["a\nb"]}, {CANARY: ["a" * 257]}, {CANARY: [CANARY]},
        {CANARY: ["b", "b"]}, {CANARY: [f"b{number}" for number in range(MAX_FALLBACKS + 1)]}, {CANARY: ["\ud800"]},
    ],
)  # fmt: skip
def test_anything_else_is_refused_and_not_shown(value: object) -> None:
    with pytest.raises(ValueError, match=r"must|twice") as caught:
        parse_fallbacks(json.dumps(value))
    assert CANARY not in str(caught.value)


def test_what_is_wrong_is_told_by_its_number() -> None:
    with pytest.raises(ValueError, match="entry 2"):
        parse_fallbacks('{"a": ["b"], "c": []}')


def test_a_model_may_not_stand_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_fallbacks('{"a": ["b"], "a": ["c"]}')


def test_a_models_name_is_a_short_printable_text() -> None:
    assert all(map(is_model, ("a", "gpt-4o", "c/d e", "modèle", "m" * 256)))
    assert not any(map(is_model, ("", " ", "a ", "\t", "a\x00", "m" * 257, None, 1)))
