"""The marks on what a translated answer has: its ids and its sealed reasoning."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import InvalidRequest
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.object_ids import Tags
from proxy.translation.interface import Reply
from proxy.translation.responses_on_chat.marks import (
    is_translated,
    needs_responses,
    new_id,
    refuse_reference,
    seal,
    unseal,
    without_marks,
)
from tests.unit.translation.responses import Json, call, encode, user

REPLY = Reply(token=lambda: "0123456789abcdef" * 2, created=1)


def bare(**members: object) -> Json:
    found: Json = json.loads(without_marks(parse_json_body(encode(members))).raw)
    return found


@pytest.mark.parametrize("prefix", ["resp", "msg", "rs", "fc", "ctc", "tsc"])
def test_an_id_is_known_with_an_affinity_tag_and_without(prefix: str) -> None:
    identifier = new_id(prefix, REPLY)
    assert len(identifier) <= 54
    assert is_translated(identifier)
    tags = Tags(("eastus", "westus"))
    assert tags.split(identifier.encode(), "id") == (identifier.encode(), None)
    tagged = identifier.encode() + tags.tag(identifier.encode(), 1)
    assert len(tagged) <= 64
    assert is_translated(tagged.decode())
    assert tags.split(tagged, "id") == (identifier.encode(), 1)


@pytest.mark.parametrize(
    "identifier", ["", "resp_", "resp_68ab12", "notstored_1", "resp_notstored", "resp_x_notstored_1"]
)
def test_other_ids_are_not(identifier: str) -> None:
    assert not is_translated(identifier)


@given(st.text())
def test_reasoning_comes_out_of_its_seal(text: str) -> None:
    text = text.encode(errors="replace").decode()
    assert unseal(seal(text)) == text


@pytest.mark.parametrize("content", ["", "gAAAAAB", "notstored.1.AA=A", "notstored.1.gICA", "notstored.3.QQ=="])
def test_other_content_has_no_seal_of_ours(content: str) -> None:
    assert unseal(content) is None


def test_a_refusal_says_what_to_set() -> None:
    error = refuse_reference("previous_response_id")
    assert (error.status, error.code) == (400, "previous_response_not_found")
    assert "`store: false`" in error.message
    assert needs_responses("`x`").message == (
        "`x` needs a deployment that serves the Responses API, and this model's serves only chat completions."
    )


def test_a_native_request_without_marks_is_the_same_object() -> None:
    document = parse_json_body(encode({"model": "m", "input": [user("Hi")]}))
    assert without_marks(document) is document


def test_a_native_request_loses_our_reasoning_and_our_ids() -> None:
    native = {"type": "reasoning", "id": "rs_68ab", "summary": [], "encrypted_content": "gAAA"}
    ours = {"type": "reasoning", "id": new_id("rs", REPLY), "summary": [{"type": "summary_text", "text": "Hm."}]}
    sealed = {"type": "reasoning", "summary": [], "encrypted_content": seal("Hm.")}
    message = {"type": "message", "id": new_id("msg", REPLY), "role": "assistant", "content": []}
    easy = {"id": new_id("msg", REPLY), "role": "assistant", "content": "notstored_"}
    items = [user("Hi"), native, ours, sealed, message, easy, call("c", id=new_id("fc", REPLY)), call("d", id="fc_68")]
    assert bare(model="m", input=items, temperature=1) == {
        "model": "m",
        "input": [
            user("Hi"),
            native,
            {"type": "message", "role": "assistant", "content": []},
            {"role": "assistant", "content": "notstored_"},
            call("c"),
            call("d", id="fc_68"),
        ],
        "temperature": 1,
    }


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"previous_response_id": new_id("resp", REPLY)}, "previous_response_id"),
        ({"input": [user("Hi"), {"type": "item_reference", "id": new_id("msg", REPLY)}]}, "input[1].id"),
        ({"input": [{"id": new_id("msg", REPLY)}]}, "input[0].id"),
    ],
)
def test_a_native_request_that_names_what_is_not_stored_is_refused(members: Json, param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        bare(**members)
    assert caught.value.param == param


@pytest.mark.parametrize(
    "members",
    [
        {"input": "notstored_"},
        {"previous_response_id": "resp_68ab", "metadata": {"a": "notstored_"}},
        {"previous_response_id": 1, "instructions": "notstored_"},
        {"input": ["notstored_", {"type": 1, "id": "msg_notstored_1"}]},
        {"input": [1, {"type": "message", "id": "msg_1", "content": "notstored_"}]},
    ],
)
def test_words_that_look_like_a_mark_pass(members: Json) -> None:
    assert bare(**members) == members
