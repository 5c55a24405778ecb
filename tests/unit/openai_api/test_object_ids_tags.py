"""The tag that says which resource an id belongs to."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._utils._path import path_template

from proxy.errors import UnknownId
from proxy.openai_api.object_ids import LENGTH, Tags, old_tag_of, prefix_of, split_text, tag_location
from tests.unit.openai_api.worlds import ALONE, FIRST, SECOND, TWO, tagged

NAMES = st.from_regex(r"[A-Za-z0-9.:-]{1,40}", fullmatch=True)
IDS = st.from_regex(r"[A-Za-z0-9_+/=.-]{1,70}", fullmatch=True) | st.text(min_size=1)
GONE = Tags(("norway", "poland"))


def test_tags_never_change_because_clients_keep_ids_for_years() -> None:
    assert [prefix_of(name) for name in ("eastus", "westus", "my-openai")] == [b"-1K8p", b"-1L3p", b"-1mJo"]
    assert [old_tag_of(name) for name in ("eastus", "westus", "my-openai")] == [b"~i6on", b"~btoc", b"~pswr"]
    assert [tagged("msg_1", 0), tagged("msg_1", 1)] == ["msg_1-1K8phLsnx", "msg_1-1L3pYgDoi"]


@given(NAMES, IDS)
def test_a_tag_is_ten_letters_that_no_client_rewrites(name: str, identifier: str) -> None:
    tag = Tags((name, name + "x")).tag(identifier.encode(), 0)
    assert re.fullmatch(rb"-1[A-Za-z0-9_-]{8}", tag)
    assert len(tag) == LENGTH
    assert prefix_of(name) == prefix_of(name.upper()) == prefix_of(name.lower())


@given(st.lists(NAMES, min_size=2, max_size=5, unique_by=prefix_of), IDS, st.data())
def test_an_id_comes_apart_as_it_was_put_together(names: list[str], bare: str, data: st.DataObject) -> None:
    tags = Tags(tuple(names))
    resource = data.draw(st.sampled_from(range(len(names))))
    written = bare.encode() + tags.tag(bare.encode(), resource)
    assert tags.split(written, "id") == (bare.encode(), resource)
    assert split_text(tags, written.decode(), "id") == (bare, resource)


@given(st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True), st.sampled_from(["", "-1", "-1L3p", "-19v3aaaaa"]))
def test_an_id_of_azure_or_of_a_client_is_not_read_as_a_tagged_one(identifier: str, end: str) -> None:
    for tags in (TWO, ALONE):
        assert split_text(tags, identifier + end, "id") == (identifier + end, None)


@given(IDS, st.integers(0, LENGTH - 1), st.sampled_from("aB3_-"))
def test_an_id_with_one_other_letter_is_no_tagged_one(identifier: str, place: int, letter: str) -> None:
    written = tagged(identifier, 1)
    at = len(written) - 1 - place
    other = written[:at] + letter + written[at + 1 :]
    assert split_text(TWO, other, "id") == ((identifier, 1) if other == written else (other, None))


@pytest.mark.parametrize(
    "written", ["a~", "a~btoc~", "a~BTOC", "a~bto", "~btoc", "~", "", "my~thing", "my own~item", "a~btoc1", "a~x1yz"]
)
def test_what_only_looks_like_a_tag_of_before_is_none(written: str) -> None:
    assert split_text(TWO, written, "id") == (written, None)


def test_a_list_in_another_order_has_the_same_tags() -> None:
    turned = Tags(("westus", "eastus"))
    assert [turned.tag(b"a", 0), turned.tag(b"a", 1)] == [TWO.tag(b"a", 1), TWO.tag(b"a", 0)]


@pytest.mark.parametrize("names", [("r170", "r316"), ("a", "A"), ("a", "b", "a"), ("r64", "r380")])
def test_two_resources_with_one_tag_are_refused_at_the_start(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=f"{names[0]}, .* have the same tag"):
        Tags(names)


@pytest.mark.parametrize("identifier", ["file-1~zzzz", f"file-1{GONE.tag(b'file-1', 0).decode()}"])
def test_an_id_with_a_tag_of_nobody_is_at_a_resource_that_is_gone(identifier: str) -> None:
    with pytest.raises(UnknownId) as caught:
        split_text(TWO, identifier, "file_id")
    error = caught.value
    assert (error.status, error.type, error.code, error.param) == (404, "invalid_request_error", None, "file_id")
    assert error.message == (
        f"No such object: {identifier} is at an Azure OpenAI resource that this proxy does not have."
    )


def test_a_long_id_is_shown_in_part() -> None:
    with pytest.raises(UnknownId) as caught:
        split_text(TWO, "x" * 100_000 + "~zzzz", "file_id")
    assert len(caught.value.message) < 250


def test_a_resource_that_is_alone_leaves_ids_as_they_are() -> None:
    assert ALONE.tag(b"file-1", 0) == b""
    for identifier in ("file-1", "file-1~zzzz", f"file-1{GONE.tag(b'file-1', 0).decode()}"):
        assert split_text(ALONE, identifier, "file_id") == (identifier, None)


def test_a_resource_that_became_alone_knows_the_ids_that_it_gave() -> None:
    for identifier in (f"file-1{FIRST}", tagged("file-1", 0)):
        assert split_text(ALONE, identifier, "file_id") == ("file-1", 0)
        assert ALONE.may_be_in(identifier.encode())
    assert not ALONE.may_be_in(b"file-1~none and " + tagged("file-1", 1).encode())


def test_half_a_surrogate_is_a_letter_like_any_other() -> None:
    assert split_text(TWO, "file-\udcff", "file_id") == ("file-\udcff", None)


def test_the_address_of_an_object_ends_with_its_tagged_id() -> None:
    assert tag_location(TWO, "/v1/realtime/calls/rtc_1", 1) == f"/v1/realtime/calls/{tagged('rtc_1', 1)}"


def test_the_official_sdk_leaves_a_tag_in_a_path_as_it_is() -> None:
    for identifier in (f"file-1{SECOND}", tagged("file-1", 1)):
        assert path_template("/files/{file_id}", file_id=identifier) == f"/files/{identifier}"
