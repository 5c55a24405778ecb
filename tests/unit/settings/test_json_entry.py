"""An entry of a list is read member by member."""

import pytest

from proxy.settings.json_entry import JsonEntry

KNOWN = ("name", "weight")


def test_a_member_is_read_or_its_default_is_taken() -> None:
    entry = JsonEntry(1, {"name": "7"}, KNOWN)
    assert entry.text("name", int, 0) == 7
    assert entry.text("weight", int, 3) == 3
    assert entry("name", repr, "") == "'7'"
    assert (entry.has("name"), entry.has("weight")) == (True, False)


def test_what_is_wrong_is_told_with_the_entry_and_the_member() -> None:
    entry = JsonEntry(3, {"name": "x", "weight": 1}, KNOWN)

    def refuse(value: object) -> None:
        raise ValueError("must be better")

    with pytest.raises(ValueError, match=r"^is wrong in entry 3: name must be better$"):
        entry("name", refuse, None)
    with pytest.raises(ValueError, match=r"^is wrong in entry 3: weight must be a text$"):
        entry.text("weight", str, "")


@pytest.mark.parametrize("other", [None, [], "text", 1, True])
def test_an_entry_is_an_object(other: object) -> None:
    with pytest.raises(ValueError, match=r"^is wrong in entry 2: it must be a JSON object$"):
        JsonEntry(2, other, KNOWN)


@pytest.mark.parametrize(
    ("name", "shown"), [("wieght", "wieght"), ("Name", "Name"), ("sk-42", "a member"), ("", "a member")]
)
def test_an_unknown_member_is_named_unless_it_may_be_a_secret(name: str, shown: str) -> None:
    with pytest.raises(ValueError, match=rf"^is wrong in entry 2: {shown} is not known$"):
        JsonEntry(2, {"name": "a", name: 1}, KNOWN)
