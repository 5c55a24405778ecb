"""Expressions of templates are written and read without a loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.infra.arm import ArmError, Call, Item, Value, calls, is_expression, read, write

_names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
_values = st.recursive(
    st.one_of(st.text(max_size=8), st.integers(-99, 99)),
    lambda inner: st.one_of(
        st.builds(Call, _names, st.lists(inner, max_size=3).map(tuple)),
        st.builds(Item, st.builds(Call, _names, st.lists(inner, max_size=2).map(tuple)), inner),
    ),
    max_leaves=12,
)


@given(_values)
def test_what_is_written_is_read_back(value: Value) -> None:
    assert read(write(value)) == value


def test_properties_are_read_with_a_dot_and_with_brackets_alike() -> None:
    assert read("[a().b['c d'][0]]") == Item(Item(Item(Call("a"), "b"), "c d"), 0)
    assert read("[a()['b']]") == read("[a().b]")


def test_spaces_say_nothing() -> None:
    assert read("[ a( 'it''s' ,-1 ) ]") == Call("a", ("it's", -1))


@pytest.mark.parametrize("text", ["[a]", "[a(]", "[a()) ]", "[a(1]", "[a().]", "[a()[1]", "[#]", "[]", "[a() b()]"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ArmError):
        read(text)


@pytest.mark.parametrize(("text", "expected"), [("[a()]", True), ("[[a]", False), ("a", False), ("[a", False)])
def test_a_string_in_brackets_is_an_expression(text: str, expected: bool) -> None:
    assert is_expression(text) is expected


def test_every_call_is_found() -> None:
    found = [call.name for call in calls(read("[a(b(), 'x')[c().d]]"))]
    assert found == ["a", "b", "c"]
