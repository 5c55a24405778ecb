"""The tag that says which resource an id belongs to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._utils._path import path_template

from proxy.errors import UnknownId
from proxy.openai_api.object_ids import Tags, tag_of
from tests.unit.openai_api.worlds import ALONE, FIRST, SECOND, TWO

NAMES = st.from_regex(r"[A-Za-z0-9.:-]{1,40}", fullmatch=True)


def test_tags_never_change_because_clients_keep_ids_for_years() -> None:
    assert [tag_of(name) for name in ("eastus", "westus", "my-openai")] == [FIRST, SECOND, "~pswr"]


@given(NAMES)
def test_a_tag_follows_from_the_name_alone_whatever_its_case(name: str) -> None:
    assert re.fullmatch("~[a-z2-7]{4}", tag_of(name))
    assert tag_of(name) == tag_of(name.upper()) == tag_of(name.lower())


@given(st.lists(NAMES, min_size=2, max_size=5, unique_by=tag_of), st.data())
def test_an_id_comes_apart_as_it_was_put_together(names: list[str], data: st.DataObject) -> None:
    tags = Tags(tuple(names))
    resource = data.draw(st.sampled_from(range(len(names))))
    bare = data.draw(st.from_regex(r"[A-Za-z0-9][\w.-]*", fullmatch=True))
    assert tags.split(bare + tags.tag(resource), "id") == (bare, resource)
    assert tags.split(bare, "id") == (bare, None)


def test_a_list_in_another_order_has_the_same_tags() -> None:
    turned = Tags(("westus", "eastus"))
    assert [turned.tag(0), turned.tag(1)] == [TWO.tag(1), TWO.tag(0)]


@pytest.mark.parametrize("names", [("r170", "r316"), ("a", "A"), ("a", "b", "a")])
def test_two_resources_with_one_tag_are_refused_at_the_start(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"{names[0]}, .* have the same tag"):
        Tags(names)


@pytest.mark.parametrize("tagged", ["file-1~zzzz", "file-1~", "file-1~i6on~", "file-1~I6ON", "~", "file-1~i6o"])
def test_an_id_with_a_tag_of_nobody_is_of_an_object_that_does_not_exist(tagged: str) -> None:
    with pytest.raises(UnknownId) as caught:
        TWO.split(tagged, "file_id")
    error = caught.value
    assert (error.status, error.type, error.code, error.param) == (404, "invalid_request_error", None, "file_id")
    assert error.message == f"No such object: {tagged}"


def test_a_long_id_is_shown_in_part() -> None:
    with pytest.raises(UnknownId) as caught:
        TWO.split("x" * 100_000 + "~zzzz", "file_id")
    assert len(caught.value.message) < 150


def test_a_resource_that_is_alone_leaves_ids_as_they_are() -> None:
    assert ALONE.tag(0) == ""
    assert ALONE.split("file-1", "file_id") == ("file-1", None)
    assert ALONE.split("file-1~zzzz", "file_id") == ("file-1~zzzz", None)


def test_a_resource_that_became_alone_knows_the_ids_that_it_gave() -> None:
    assert ALONE.split(f"file-1{FIRST}", "file_id") == ("file-1", 0)


def test_the_official_sdk_leaves_a_tag_in_a_path_as_it_is() -> None:
    assert path_template("/files/{file_id}", file_id=f"file-1{SECOND}") == f"/files/file-1{SECOND}"
