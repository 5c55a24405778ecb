"""Ids that say whose they are: what a client gets comes back as it was, and nothing else passes."""

import re
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.errors import UnknownId
from proxy.openai_api.object_ids import LENGTH, Tags, split_text
from proxy.openai_api.object_owners import (
    LONG,
    LONGEST_ID,
    LONGEST_OF_ITEMS,
    MARK,
    SHORT,
    OwnedTags,
    Owner,
    SigningKey,
    refuse_unowned,
    tag_length,
    with_mark,
    without_mark,
)
from tests.unit.openai_api.worlds import ALONE, TWO

KEY, OTHER_KEY = SigningKey("k" * 32), SigningKey("o" * 32)
# An id of an item.
AZURES_LONGEST = 54
WORD = string.ascii_letters + string.digits
HEX = st.text("0123456789abcdef", min_size=24, max_size=50)
PREFIXES = ("resp_", "conv_", "cntr_", "msg_", "rs_", "file-", "assistant-", "batch_", "vs_", "thread_", "video_")
IDS = st.builds(lambda prefix, rest: prefix + rest, st.sampled_from(PREFIXES), HEX)
CLIENTS = st.text(WORD + "-", min_size=1, max_size=20)
RESOURCES = st.sampled_from([0, 1])


def tags_of(client: str, *keys: SigningKey, tags: Tags = TWO, strict: bool = True) -> OwnedTags:
    return OwnedTags(tags, Owner(client, keys or (KEY,)), strict)


def signed(tags: OwnedTags, identifier: str, resource: int = 0) -> str:
    return identifier + tags.tag(identifier.encode(), resource).decode()


@given(IDS, CLIENTS, RESOURCES)
def test_an_id_comes_back_as_it_was_with_its_resource(identifier: str, client: str, resource: int) -> None:
    tags = tags_of(client)
    assert split_text(tags, signed(tags, identifier, resource), "id") == (identifier, resource)


@given(IDS, CLIENTS, CLIENTS, RESOURCES)
def test_an_id_of_another_client_is_an_object_that_is_not_there(
    identifier: str, client: str, other: str, resource: int
) -> None:
    assume(client != other)
    with pytest.raises(UnknownId, match="No such object"):
        split_text(tags_of(other), signed(tags_of(client), identifier, resource), "id")


@given(IDS, CLIENTS, st.data())
def test_an_id_with_any_other_character_does_not_pass(identifier: str, client: str, data: st.DataObject) -> None:
    tags = tags_of(client)
    written = signed(tags, identifier)
    at = data.draw(st.integers(0, len(written) - 1))
    forged = written[:at] + data.draw(st.sampled_from(WORD + "-_")) + written[at + 1 :]
    assume(forged != written)
    assert not passes(tags, forged)


@given(IDS, CLIENTS, st.data())
def test_an_id_that_is_cut_does_not_pass(identifier: str, client: str, data: st.DataObject) -> None:
    tags = tags_of(client)
    written = signed(tags, identifier)
    cut = written[: data.draw(st.integers(1, len(written) - 1))]
    assert not passes(tags, cut)
    assert not passes(tags, written[data.draw(st.integers(1, len(written) - 1)) :])


@given(IDS, IDS, CLIENTS, RESOURCES)
def test_the_tag_of_one_id_does_not_fit_another(one: str, other: str, client: str, resource: int) -> None:
    assume(one != other)
    tags = tags_of(client)
    assert not passes(tags, other + tags.tag(one.encode(), resource).decode())


@given(IDS, CLIENTS)
def test_the_tag_of_one_resource_does_not_fit_another(identifier: str, client: str) -> None:
    tags = tags_of(client)
    first, second = (tags.tag(identifier.encode(), resource).decode() for resource in (0, 1))
    assert not passes(tags, identifier + second[:5] + first[5:])


@given(IDS, CLIENTS)
def test_nobody_chooses_the_shorter_form_of_an_id(identifier: str, client: str) -> None:
    tags = tags_of(client)
    assume(tag_length(identifier.encode()) == LONG)
    assert not passes(tags, signed(tags, identifier)[: len(identifier) + SHORT])


@given(IDS, CLIENTS)
def test_what_another_key_signed_does_not_pass(identifier: str, client: str) -> None:
    assert not passes(tags_of(client), signed(tags_of(client, OTHER_KEY), identifier))


@given(IDS, CLIENTS)
def test_what_the_key_before_signed_stays_valid_and_is_no_longer_written(identifier: str, client: str) -> None:
    before, rotated = tags_of(client, OTHER_KEY), tags_of(client, KEY, OTHER_KEY)
    assert passes(rotated, signed(before, identifier))
    assert signed(rotated, identifier) == signed(tags_of(client), identifier)


@given(IDS, CLIENTS, RESOURCES)
def test_ids_have_the_characters_and_the_lengths_that_clients_keep(identifier: str, client: str, resource: int) -> None:
    assume(len(identifier) <= AZURES_LONGEST)
    written = signed(tags_of(client), identifier, resource)
    assert re.fullmatch(r"[A-Za-z0-9_-]+", written)
    assert len(written) <= LONGEST_OF_ITEMS or identifier.startswith(("resp_", "conv_", "cntr_"))


def test_only_the_ids_of_items_have_the_short_form() -> None:
    assert tag_length(b"msg_" + b"a" * 50) == SHORT == LENGTH
    assert {tag_length(prefix + b"a" * 50) for prefix in (b"resp_", b"conv_", b"cntr_")} == {LONG}
    assert {tag_length(one) for one in (b"file-" + b"a" * 32, b"batch_" + b"a" * 36)} == {LONG}


@given(IDS, CLIENTS, RESOURCES)
def test_where_objects_have_no_owners_any_longer_their_ids_are_read_all_the_same(
    identifier: str, client: str, resource: int
) -> None:
    written = signed(tags_of(client), identifier, resource)
    assert split_text(TWO, written, "id") == (identifier, resource)
    assert TWO.may_be_in(written.encode())
    alone = signed(tags_of(client, tags=ALONE), identifier)
    assert ALONE.may_be_in(alone.encode())
    assert split_text(ALONE, alone, "id") == (identifier, 0)


def test_an_id_with_an_owner_is_read_where_there_are_none() -> None:
    assert TWO.split(signed(tags_of("alice"), "file-1", 1).encode(), "id") == (b"file-1", 1)


def test_ids_from_before_have_no_owner() -> None:
    before = "file-1" + TWO.tag(b"file-1", 1).decode()
    assert split_text(tags_of("alice"), before, "id") == (before, None)
    assert split_text(tags_of("alice", strict=False), before, "id") == ("file-1", 1)
    assert split_text(tags_of("alice", strict=False), "file-1", "id") == ("file-1", None)


def test_sealed_content_has_the_tag_of_its_resource_alone() -> None:
    content = b"g" * (LONGEST_ID + 1)
    tags = tags_of("alice")
    assert tags.tag(content, 1) == TWO.tag(content, 1)
    assert tags_of("bob").split(content + tags.tag(content, 1), "encrypted_content") == (content, 1)


def test_the_tags_of_a_client_are_those_of_its_resources() -> None:
    tags = tags_of("alice")
    assert (tags.names, tags.alone, tags.may_be_in(b""), tags.may_be_in(b"{}")) == (TWO.names, False, False, True)


def test_names_of_clients_do_not_run_into_ids() -> None:
    assert KEY.sign(b"id", "ab", b"c") != KEY.sign(b"id", "a", b"bc")
    assert KEY.sign(b"id", "a", b"b") != KEY.sign(b"mark", "a", b"b")


def test_a_key_is_not_shown() -> None:
    assert "k" * 32 not in repr(KEY) + repr(tags_of("alice"))


@pytest.mark.parametrize("written", [b"x", b"file-1", b" resp_1", b"notstored_", b"resp_notstored_12"])
def test_an_id_without_an_owner_is_refused(written: bytes) -> None:
    with pytest.raises(UnknownId) as caught:
        refuse_unowned(written, "file_id")
    assert (caught.value.status, caught.value.param, caught.value.code) == (404, "file_id", None)


@pytest.mark.parametrize("written", [b"", b"resp_notstored_" + b"0" * 32])
def test_what_names_nothing_that_azure_keeps_is_left_alone(written: bytes) -> None:
    refuse_unowned(written, "previous_response_id")


@pytest.mark.parametrize(
    "written", [b"msg_1", b"", b"my own id", b"msg_notstored_" + b"0" * 32, b"msg_a-b-c-d-e-f-0-1"]
)
def test_an_id_that_a_client_made_up_is_its_own(written: bytes) -> None:
    refuse_unowned(written, "id", may_be_own=True)


@pytest.mark.parametrize(
    "written", [b"msg_" + b"0" * 50, b"assistant-" + b"A" * 22, b"msg_" + b"0" * 50 + b"-1abcdefgh"]
)
def test_an_id_that_looks_like_azures_is_not_a_clients_own(written: bytes) -> None:
    with pytest.raises(UnknownId):
        refuse_unowned(written, "id", may_be_own=True)


OWNER = Owner("alice", (KEY, OTHER_KEY))


@pytest.mark.parametrize("metadata", [b"{}", b"null", b'{"a":"b"}', b'{"proxy_owner":"bob","a":"b"}'])
def test_metadata_says_whose_an_object_is_whatever_a_client_writes(metadata: bytes) -> None:
    marked = with_mark(metadata, OWNER)
    assert marked is not None
    assert marked.count(MARK.encode()) == 1
    assert f'"{MARK}":"{OWNER.marks[0]}"'.encode() in marked


def test_what_is_no_metadata_gets_no_owner() -> None:
    assert with_mark(b'"text"', OWNER) is None
    assert with_mark(b'{"\xff":"a"}', OWNER) is None


MARKED = f'"{MARK}": "{OWNER.marks[0]}"'


@pytest.mark.parametrize(
    ("marked", "without"),
    [
        ("{" + MARKED + "}", "{}"),
        ("{" + MARKED + ', "a": "b"}', '{"a": "b"}'),
        ('{"a": "b", ' + MARKED + "}", '{"a": "b"}'),
        ('{"a": "b", ' + MARKED + ', "c": "d"}', '{"a": "b","c": "d"}'),
        ('{"a": "proxy_owner"}', '{"a": "proxy_owner"}'),
        ("{}", "{}"),
    ],
)
def test_answers_do_not_show_the_owner(marked: str, without: str) -> None:
    assert without_mark(marked.encode()) == without.encode()


def test_a_text_that_looks_like_an_owner_stays() -> None:
    text = b'{"content": "{\\"proxy_owner\\": \\"%b\\"}"}' % OWNER.marks[0].encode()
    assert without_mark(text) == text


def passes(tags: OwnedTags, written: str) -> bool:
    try:
        return split_text(tags, written, "id")[1] is not None
    except UnknownId:
        return False
