"""Answers of Azure with the tag of their resource on the ids that clients come back with."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.object_ids import bare_body, brings_ids, tag_answer
from tests.unit.azure_api import recorded
from tests.unit.openai_api.documents import BARE, OF_ITEMS, OF_NO_KIND, Reader, values
from tests.unit.openai_api.paths import BY_NAME
from tests.unit.openai_api.worlds import ALONE, CASES, FIRST, SECOND, TWO, read

RESPONSE = BY_NAME["createResponse"]
IDS = st.sampled_from([*BARE, *OF_ITEMS, *OF_NO_KIND])


def with_tag(tag: str) -> Callable[[str, str], str]:
    return lambda _, identifier: identifier if "~" in identifier else identifier + tag


@pytest.mark.parametrize("case", CASES)
def test_the_ids_of_an_answer_are_tagged(case: str) -> None:
    operation, azure, client = BY_NAME[case], read(case, "azure.json"), read(case, "client.json")
    assert tag_answer(TWO, operation, azure, 1).decode() == client.decode()
    assert tag_answer(TWO, operation, azure, 0) == client.replace(SECOND.encode(), FIRST.encode())


@pytest.mark.parametrize("case", CASES)
def test_what_the_client_got_comes_back_as_azure_knows_it(case: str) -> None:
    body, claims = bare_body(TWO, BY_NAME[case], read(case, "client.json"))
    assert body == read(case, "azure.json")
    assert {claim.resource for claim in claims} == {1}


@pytest.mark.parametrize("case", CASES)
def test_an_id_is_tagged_once(case: str) -> None:
    client = read(case, "client.json")
    assert tag_answer(TWO, BY_NAME[case], client, 0) == client


@settings(max_examples=500, deadline=None)
@given(values(IDS), st.sampled_from([None, 1]), st.sampled_from([0, 1]))
def test_an_answer_gets_its_tags_and_nothing_else(value: object, indent: int | None, resource: int) -> None:
    raw = json.dumps(value, indent=indent).encode()
    expected = Reader(with_tag(TWO.tag(resource))).read(value)
    tagged = tag_answer(TWO, RESPONSE, raw, resource)
    assert tagged == json.dumps(expected, indent=indent).encode()
    assert bare_body(TWO, RESPONSE, tagged)[0] == raw


@given(values(IDS))
def test_a_resource_that_is_alone_answers_as_azure_does(value: object) -> None:
    raw = json.dumps(value).encode()
    assert tag_answer(ALONE, RESPONSE, raw, 0) is raw


@pytest.mark.parametrize("case", recorded.cases("events.sse") + recorded.cases("upstream.sse"))
def test_of_the_events_of_a_stream_only_ids_are_changed(case: str) -> None:
    stream = recorded.read(case, "client.sse")
    tagged = tag_answer(TWO, RESPONSE, stream, 1)
    assert tagged.replace(SECOND.encode(), b"") == stream
    assert bare_body(TWO, RESPONSE, tagged)[0] == stream
    assert tagged.count(b'"id":"resp_1~btoc"') == stream.count(b'"id":"resp_1"')


def test_the_events_of_a_response_are_tagged_like_an_answer() -> None:
    azure = (
        b'event: response.created\ndata: {"type":"response.created","response":{"id":"resp_1","output":[]}}\n\n'
        b'event: response.output_item.done\ndata: {"type":"response.output_item.done","item":{"id":"ci_1",'
        b'"container_id":"cntr_1"},"item_id":"msg_1"}\n\ndata: [DONE]\n\n'
    )
    tagged = re.sub(rb"(resp|ci|cntr|msg)_1", rb"\g<0>~btoc", azure)
    assert tag_answer(TWO, RESPONSE, azure, 1) == tagged


def test_the_events_of_an_item_name_it_as_the_item_names_itself() -> None:
    item = b'data: {"type":"response.output_item.added","item":{"id":"msg_1","type":"message"}}\n\n'
    delta = b'data: {"type":"response.output_text.delta","item_id":"msg_1","delta":"msg_1"}\n\n'
    added, changed = (json.loads(tag_answer(TWO, RESPONSE, event, 1)[6:]) for event in (item, delta))
    assert added["item"]["id"] == changed["item_id"] == "msg_1~btoc"
    assert changed["delta"] == "msg_1"


@pytest.mark.parametrize("sealed", ["gAAAAABo-_x", "gAAAAABo+/x=", "Z0FB==", "x"])
def test_sealed_content_is_tagged_behind_its_padding_and_comes_back_as_it_was(sealed: str) -> None:
    azure = f'{{"id":"rs_1","encrypted_content" : "{sealed}","summary":[]}}'.encode()
    client = tag_answer(TWO, RESPONSE, azure, 1)
    assert client == f'{{"id":"rs_1~btoc","encrypted_content" : "{sealed}~btoc","summary":[]}}'.encode()
    assert bare_body(TWO, RESPONSE, client)[0] == azure


def test_an_approval_goes_back_with_the_id_that_the_request_came_with() -> None:
    asked = tag_answer(TWO, RESPONSE, b'{"type":"mcp_approval_request","id":"mcpr_1"}', 1)
    reply = {"type": "mcp_approval_response", "approval_request_id": json.loads(asked)["id"], "approve": True}
    body, claims = bare_body(TWO, RESPONSE, json.dumps(reply).encode())
    assert json.loads(body)["approval_request_id"] == "mcpr_1"
    assert [claim.resource for claim in claims] == [1]


def test_an_answer_without_ids_is_the_same_bytes() -> None:
    for raw in (b'{"delta":"\\"id\\":\\"resp_1\\"","item_id":"x_1"}', b'{"id":"call_1"}', b"", b"<html>"):
        assert tag_answer(TWO, RESPONSE, raw, 1) is raw


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("createResponse", b'{"store":false}', True), ("getResponse", None, True), ("Compactconversation", None, True),
        ("createFile", None, True), ("listBatches", None, True), ("downloadFile", None, False),
        ("RetrieveVideoContent", None, False), ("createEmbedding", b"{}", False), ("createImage", b"{}", False),
        ("createChatCompletion", b"{}", False), ("createChatCompletion", b'{"store":true}', True),
        ("createChatCompletion", b'{"store":false}', False), ("createChatCompletion", None, False),
        ("getChatCompletion", None, True), ("createSpeech", b'{"store":true}', False),
    ],
)  # fmt: skip
def test_only_what_is_kept_has_ids_to_come_back_with(name: str, body: bytes | None, expected: bool) -> None:
    assert brings_ids(BY_NAME[name], parse_json_body(body) if body else None) is expected
