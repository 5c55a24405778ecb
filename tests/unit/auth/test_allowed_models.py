"""The models that a key may use, by names with `*`."""

import pytest

from proxy.auth.allowed_models import (
    AllowedModels,
    allowed_models,
    unknown_operation,
    unnamed_model,
    unread_batch,
)
from proxy.errors import ModelNotFound


@pytest.mark.parametrize(
    ("patterns", "name", "allowed"),
    [
        (("gpt-5",), "gpt-5", True),
        (("gpt-5",), "gpt-5-mini", False),
        (("gpt-5*",), "gpt-5", True),
        (("gpt-5*",), "gpt-5-mini", True),
        (("gpt-5*",), "gpt-4o", False),
        (("*-mini",), "gpt-5-mini", True),
        (("gpt*mini",), "gpt-5-mini", True),
        (("gpt*mini",), "gpt-5-minis", False),
        (("o3", "gpt-5"), "o3", True),
        (("a.c",), "abc", False),
        (("a|b",), "b", False),
        (("gpt-5*",), "gpt-5\nx", True),
        (("gpt-5",), "gpt-5\n", False),
        (("gpt-5",), "GPT-5", False),
        (("gpt-5*",), "", False),
        (("gpt-5*",), None, False),
    ],
)
def test_a_star_stands_for_any_characters_and_everything_else_for_itself(
    patterns: tuple[str, ...], name: str | None, allowed: bool
) -> None:
    assert AllowedModels(patterns).allows(name) is allowed


def test_a_model_that_is_refused_is_not_found_and_only_allowed_ones_are_suggested() -> None:
    allowed = allowed_models(("gpt-5*",))
    allowed.check("gpt-5-mini", ())
    with pytest.raises(ModelNotFound) as caught:
        allowed.check("gpt-4o", ("gpt-4o-mini", "gpt-5"))
    assert "`gpt-5`" in caught.value.message
    assert "gpt-4o-mini" not in caught.value.message


def test_equal_patterns_are_compiled_once() -> None:
    assert allowed_models(("a", "b*")) is allowed_models(("a", "b*"))


def test_what_cannot_be_judged_says_what_to_do() -> None:
    assert [error.status for error in (unnamed_model(), unread_batch(), unknown_operation())] == [400] * 3
