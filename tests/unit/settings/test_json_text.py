"""JSON in a setting is JSON without doubt, and what is wrong with it is told without its content."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import json_text

CANARY = "canary"


NUMBERS = st.integers(-(10**18), 10**18) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_every_json_value_is_read(value: object) -> None:
    assert json_text.decode(json.dumps(value)) == value
    assert json_text.decode(json.dumps(value).encode()) == value


def test_a_byte_order_mark_of_a_file_is_no_content() -> None:
    assert json_text.decode(b"\xef\xbb\xbf[1]") == [1]


@pytest.mark.parametrize(
    "document",
    [
        "", CANARY, f'{{"{CANARY}"', f'["{CANARY}]', f'["{CANARY}",]', "[NaN]", "[Infinity]", "[-Infinity]",
        f'"{CANARY}\n"', "[" * 100_000, "[" + "9" * 10_000 + "]", b"[\"\xff\"]", f"'{CANARY}'",
        f'{{"a": 1}} {CANARY}', "[01]",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused_and_not_shown(document: str | bytes) -> None:
    with pytest.raises(ValueError, match="must be JSON") as caught:
        json_text.decode(document)
    assert CANARY not in str(caught.value)


def test_the_place_of_a_mistake_is_told() -> None:
    with pytest.raises(ValueError, match="line 2, column 3 is wrong"):
        json_text.decode('{\n  x"')


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ('{"endpoint": 1, "name": 2, "endpoint": 1}', "endpoint"),
        ('[{"a": {"b": 1, "b": 2}}]', "b"),
        ('{"a": 1, "\\u0061": 2}', "a"),
        ('{"sk-4242": 1, "sk-4242": 2}', "a member"),
    ],
)
def test_a_name_may_not_stand_twice_in_an_object(document: str, said: str) -> None:
    with pytest.raises(ValueError, match=f"must not say {said} twice"):
        json_text.decode(document)


def test_the_same_name_may_stand_in_several_objects() -> None:
    assert json_text.decode('[{"a": {"a": 1}}, {"a": 2}]') == [{"a": {"a": 1}}, {"a": 2}]


def test_a_value_of_another_kind_is_told_by_what_is_expected() -> None:
    for no_object in ([CANARY], None, 1, CANARY):
        with pytest.raises(ValueError, match=r"^must be a JSON object$"):
            json_text.members(no_object)
    for no_text in (1, None, [CANARY], True):
        with pytest.raises(ValueError, match=r"^must be a text$"):
            json_text.text(no_text)
    assert json_text.members({"a": 1}) == {"a": 1}
    assert json_text.text("a") == "a"


def test_a_number_has_its_bounds_and_is_no_truth_value() -> None:
    assert [json_text.number(value, 5) for value in (0, 5, 2.5, -0.0)] == [0.0, 5.0, 2.5, 0.0]
    wrong: tuple[object, ...] = (-1, 5.1, True, False, "1", None, [], 10**400, float("inf"), float("nan"))
    for value in wrong:
        with pytest.raises(ValueError, match="must be a number from 0 to 5"):
            json_text.number(value, 5)
