"""Answers of Azure with the tag of their resource on the ids that clients come back with."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.openai_api.id_places import ANSWERS, EVENTS
from proxy.openai_api.json_body import parse_json_body
from proxy.openai_api.object_ids import EventTags, bare_body, brings_ids, tag_answer
from tests.unit.azure_api import recorded
from tests.unit.openai_api.paths import BY_NAME
from tests.unit.openai_api.worlds import ALONE, CASES, TWO, changed, for_client, read, tagged, values

RESPONSE = BY_NAME["createResponse"]
IDS = st.sampled_from(["resp_1", "rs_0a", "file-1", "gAAA-_+/==", "x", "é", "x" * 400, 'a"b', "/"])


def with_tag(identifier: str, resource: int = 1) -> str:
    return identifier and tagged(identifier, resource)


def of_client(written: bytes) -> bytes:
    """Return JSON in which `~2` stands for the tag of the second resource."""
    return re.sub(rb'([^"\\]+)~2(?=")', lambda one: tagged(one[1].decode(), 1).encode(), written)


@pytest.mark.parametrize("case", CASES)
def test_the_ids_of_an_answer_are_tagged(case: str) -> None:
    for resource in (0, 1):
        answer = tag_answer(TWO, BY_NAME[case], read(case, "azure.json"), resource)
        assert answer.decode() == for_client(case, resource).decode()


@given(values(ANSWERS["createResponse"], IDS), st.sampled_from([None, 1]), st.sampled_from([0, 1]))
def test_an_answer_gets_its_tags_and_nothing_else(value: object, indent: int | None, resource: int) -> None:
    raw = json.dumps(value, indent=indent, ensure_ascii=False).encode()
    expected = changed(value, ANSWERS["createResponse"], lambda _, identifier: with_tag(identifier, resource))
    answer = tag_answer(TWO, RESPONSE, raw, resource)
    assert json.loads(answer) == expected
    assert answer == json.dumps(expected, indent=indent, ensure_ascii=False).encode()


@given(st.dictionaries(st.sampled_from(["input", "conversation", "tools", "previous_response_id"]), st.none()), IDS)
def test_what_the_client_got_comes_back_as_azure_knows_it(others: dict[str, None], identifier: str) -> None:
    answer = json.dumps({"output": [{"id": identifier, "encrypted_content": identifier}]}, ensure_ascii=False).encode()
    item = json.loads(tag_answer(TWO, RESPONSE, answer, 1))["output"]
    body, claims = bare_body(TWO, RESPONSE, json.dumps({**others, "input": item}, ensure_ascii=False).encode())
    assert json.loads(body)["input"] == [{"id": identifier, "encrypted_content": identifier}]
    assert [claim.resource for claim in claims] == [1]


@given(values(ANSWERS["createResponse"], IDS))
def test_a_resource_that_is_alone_answers_as_azure_does(value: object) -> None:
    raw = json.dumps(value).encode()
    assert tag_answer(ALONE, RESPONSE, raw, 0) is raw


def test_an_answer_of_the_only_resource_is_not_read() -> None:
    assert tag_answer(ALONE, RESPONSE, b'{"id":"resp_1"}', 0) == b'{"id":"resp_1"}'


def test_what_an_answer_repeats_of_the_clients_own_words_is_not_changed() -> None:
    raw = (
        b'{"metadata":{"id":"resp_1","thread_id":"thread_1"},"prompt":{"variables":{"thread_id":"thread_1","a":'
        b'{"file_id":"file-1"}}},"output":[{"type":"function_call","call_id":"call_1","arguments":"{}"}],'
        b'"tools":[{"parameters":{"properties":{"id":"a"}},"annotations":{"file_id":"file-1"}}],"user":"file-1"}'
    )
    assert tag_answer(TWO, RESPONSE, raw, 1) == raw


@pytest.mark.parametrize("case", recorded.cases("events.sse") + recorded.cases("upstream.sse"))
@pytest.mark.parametrize("name", ["createResponse", "createRun", "createChatCompletion"])
def test_of_the_events_of_a_stream_only_ids_are_changed(case: str, name: str) -> None:
    stream = recorded.read(case, "client.sse")
    tags = EventTags(TWO, BY_NAME[name], 1)
    expected = b""
    for event in re.split(rb"(?<=\n\n)", stream):
        head, _, data = event.partition(b"data: ")
        if not data.startswith(b"{"):
            expected += event
            continue
        line, *rest = data.split(b"\n")
        value = changed(json.loads(line), EVENTS[name], lambda _, identifier: with_tag(identifier))
        written = tags.tag(event)
        assert written.partition(b"data: ")[0] == head
        tagged, *after = written.partition(b"data: ")[2].split(b"\n")
        assert (json.loads(tagged), after) == (value, rest)
        expected += written
    assert EventTags(TWO, BY_NAME[name], 1).tag(stream) == expected


NAMES = st.sampled_from(["type", "sequence_number", "item_id", "delta", "response", "item", "part", "annotation", "é"])
PARTS = st.sampled_from([1, None, "", "msg_1", 'a"b\n', "x" * 300, [], {}, [1], {"id": "rs_1"}, {"file_id": "file-1"}])


@given(
    st.lists(st.dictionaries(NAMES, PARTS), max_size=4),
    st.sampled_from([(",", ":"), (", ", ": ")]),
    st.sampled_from(["", "event: a\n"]),
)
def test_events_of_all_kinds_are_read_one_after_the_other(
    events: list[dict[str, object]], separators: tuple[str, str], head: str
) -> None:
    def written(values: list[object]) -> bytes:
        return "".join(f"{head}data: {json.dumps(one, separators=separators)}\n\n" for one in values).encode()

    expected = [changed(one, EVENTS["createResponse"], lambda _, identifier: with_tag(identifier)) for one in events]
    assert EventTags(TWO, RESPONSE, 1).tag(written([*events])) == written(expected)


def test_the_events_of_a_response_are_tagged_like_an_answer() -> None:
    client = (
        b': comment\n\nevent: response.created\ndata: {"type":"response.created","response":{"id":"resp_1~2","output":'
        b'[]}}\n\nevent: response.output_item.done\ndata: {"type":"response.output_item.done","item":{"id":"ci_1~2",'
        b'"container_id":"cntr_1~2"},"item_id":"msg_1~2"}\n\ndata: {"delta":"item_id","item_id":"msg_1~2"}\n\n'
        b'data: {"type":"response.output_text.annotation.added","item_id":"msg_1~2","annotation":{"file_id":'
        b'"cfile_1~2","container_id":"cntr_1~2","id":"x"}}\n\ndata: [DONE]\n\n'
    )
    assert EventTags(TWO, RESPONSE, 1).tag(client.replace(b"~2", b"")) == of_client(client)


def test_the_events_of_a_run_are_tagged_by_their_places() -> None:
    client = (
        b'event: thread.run.created\ndata: {"id":"run_1~2","thread_id":"thread_1~2","assistant_id":"asst_1~2","tools":'
        b'[],"metadata":{"id":"x"}}\n\nevent: thread.message.delta\ndata: {"id":"msg_1~2","delta":{"content":[{"text":'
        b'{"value":"msg_1","annotations":[{"file_citation":{"file_id":"file-1~2"}}]}}]}}\n\n'
        b"event: done\ndata: [DONE]\n\n"
    )
    assert EventTags(TWO, BY_NAME["createRun"], 1).tag(client.replace(b"~2", b"")) == of_client(client)


def test_events_without_places_go_out_as_they_came() -> None:
    data = b'data: {"id":"x"}\n\n'
    assert EventTags(TWO, BY_NAME["createImage"], 1).tag(data) is data


@pytest.mark.parametrize("sealed", ["gAAAAABo-_x", "gAAAAABo+/x=", "Z0FB==", "x"])
def test_sealed_content_is_tagged_behind_its_padding_and_comes_back_as_it_was(sealed: str) -> None:
    azure = f'{{"output":[{{"id":"rs_1","encrypted_content" : "{sealed}","summary":[]}}]}}'.encode()
    client = tag_answer(TWO, RESPONSE, azure, 1)
    [item] = json.loads(client)["output"]
    assert item["encrypted_content"] == tagged(sealed, 1)
    for written in (json.dumps({"input": [item]}), json.dumps({"input": [item]}).replace("/", "\\/")):
        assert json.loads(bare_body(TWO, RESPONSE, written.encode())[0])["input"] == [json.loads(azure)["output"][0]]


def test_an_approval_goes_back_with_the_id_that_the_request_came_with() -> None:
    asked = tag_answer(TWO, RESPONSE, b'{"output":[{"type":"mcp_approval_request","id":"mcpr_1"}]}', 1)
    identifier = json.loads(asked)["output"][0]["id"]
    reply = {"input": [{"type": "mcp_approval_response", "approval_request_id": identifier, "approve": True}]}
    body, claims = bare_body(TWO, RESPONSE, json.dumps(reply).encode())
    assert json.loads(body)["input"][0]["approval_request_id"] == "mcpr_1"
    assert [claim.resource for claim in claims] == [1]


def test_an_answer_without_ids_has_the_same_bytes() -> None:
    for raw in (b'{"delta":"\\"id\\":\\"resp_1\\"","item_id":"x_1"}', b'{"id":""}', b'{"id":null}', b"", b"<html>"):
        assert tag_answer(TWO, RESPONSE, raw, 1) == raw


@pytest.mark.parametrize(
    ("name", "body", "expected"),
    [
        ("createResponse", b'{"store":false}', True), ("getResponse", None, True), ("Compactconversation", None, True),
        ("createFile", None, True), ("listBatches", None, True), ("downloadFile", None, False),
        ("RetrieveVideoContent", None, False), ("createEmbedding", b"{}", False), ("createImage", b"{}", False),
        ("createChatCompletion", b"{}", False), ("createChatCompletion", b'{"store":true}', True),
        ("createChatCompletion", b'{"store":false}', False), ("createChatCompletion", None, False),
        ("createChatCompletion", b'{"audio":{"voice":"alloy"}}', True),
        ("createChatCompletion", b'{"audio":null}', False),
        ("getChatCompletion", None, True), ("createSpeech", b'{"store":true}', False),
    ],
)  # fmt: skip
def test_only_what_is_kept_has_ids_to_come_back_with(name: str, body: bytes | None, expected: bool) -> None:
    assert brings_ids(BY_NAME[name], parse_json_body(body) if body else None) is expected
