"""Where ids stand in JSON, found in its bytes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.openai_api.object_ids import MAX_LOOKUPS, IdMembers, members_of
from tests.unit.openai_api.documents import BARE, IN_EVALS, OF_ITEMS, OF_NO_KIND, USERS, Reader, values
from tests.unit.openai_api.paths import BY_NAME

PLAIN, EVALS = members_of(BY_NAME["createResponse"]), members_of(BY_NAME["createEvalRun"])
IDS = st.sampled_from([*BARE, *OF_ITEMS, *OF_NO_KIND, "file-1~btoc", "resp_1~"])
WORLDS = st.sampled_from([(PLAIN, USERS), (EVALS, USERS + IN_EVALS)])


def found(raw: bytes) -> list[tuple[str, str]]:
    return [(name, raw[start:end].decode()) for name, start, end in PLAIN.places(raw)]


@settings(max_examples=500, deadline=None)
@given(values(IDS), st.sampled_from([None, 1]), st.booleans(), WORLDS)
def test_every_id_is_found_in_its_order_and_no_text_of_a_user(
    value: object, indent: int | None, ascii_only: bool, world: tuple[IdMembers, tuple[str, ...]]
) -> None:
    members, users = world
    expected: list[str] = []

    def note(_: str, identifier: str) -> str:
        expected.append(identifier)
        return identifier

    raw = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    Reader(note, ascii_only, users).read(value)
    assert [raw[start:end].decode() for _, start, end in members.places(raw)] == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"file_id":"file-1"}', [("file_id", "file-1")]),
        (b'{ "file_id"\n:\t"file-1~k3fq" }', [("file_id", "file-1~k3fq")]),
        (b'{"file_ids":[ "file-1" ,\n"file-2"]}', [("file_ids", "file-1"), ("file_ids", "file-2")]),
        (b'{"file_ids":["file-1","","a b","file-2"]}', [("file_ids", "file-1"), ("file_ids", "file-2")]),
        (b'{"conversation":"conv_1"}', [("conversation", "conv_1")]),
        (b'{"conversation":{"id":"conv_1"}}', [("id", "conv_1")]),
        (b'{"container":"cntr_1"}', [("container", "cntr_1")]),
        (b'{"container":{"type":"auto","file_ids":["file-1"]}}', [("file_ids", "file-1")]),
        (b'{"metadata":"x","file_id":"file-1"}', [("file_id", "file-1")]),
        (b'{"metadata":{"a":"}"},"file_id":"file-1"}', [("file_id", "file-1")]),
        (b'{"metadata":{"a":[{}],"b":"\\"]"},"id":"vs_1"}', [("id", "vs_1")]),
        (b'{"variables":{"a":{"type":"input_file","file_id":"file-1"}}}', [("file_id", "file-1")]),
        (b'{"type":"item_reference","id":"rs_1"}', [("id", "rs_1")]),
        (b'{"item_id":"msg_1~k3fq"}', [("item_id", "msg_1~k3fq")]),
        (b'{"message_creation":{"message_id":"msg_1"}}', [("message_id", "msg_1")]),
        (b'{"encrypted_content":"gAAA-_+/.Q=="}', [("encrypted_content", "gAAA-_+/.Q==")]),
        (b'{"encrypted_content": "gAAA==~k3fq"}', [("encrypted_content", "gAAA==~k3fq")]),
        (b'{"encrypted_content":"a\\/b\\u003d\\u002B~k3fq"}', [("encrypted_content", "a\\/b\\u003d\\u002B~k3fq")]),
        (b'{"arguments":"{\\"file_id\\":\\"file-1\\"}","id":"vs_1"}', [("id", "vs_1")]),
    ],
)
def test_an_id_is_found(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert found(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b'{"file_id":null}', b'{"file_id":""}', b'{"file_id":"data:a/b"}', b'{"file_id":"a\\"b"}', b'{"file_id":1}',
        b'{"file_id":{"type":"string"}}', b'{"file_ids":["file-1",null]}', b'{"file_ids":["file-1","\\u0061"]}',
        b'{"file_ids":[["file-1"]]}', b'{"file_ids":[]}', b'{"id":"msgs_1"}', b'{"id":"call_1"}', b'{"id":["file-1"]}',
        b'{"id":"chatcmpl-tool-1"}', b'{"id":"evalrun_1"}', b'{"id":"filet-1"}', b'{"container":"auto"}',
        b'{"conversation":"none"}', b'{"x":"file_id"}', b'["file_id","file-1"]', b'{"a\\"file_id":"file-1"}',
        b'{"x":"\\"file_id\\":\\"file-1\\""}', b'{"metadata":{"file_id":"file-1"}}', b'{"call_id":"fc_1"}',
        b'{"tools":[{"parameters":{"default":{"file_id":"file-1"}}}]}', b'{"metadata":[{"file_id":"file-1"}]}',
        b'{"encrypted_content":"a b"}', b'{"encrypted_content":"a\\"b"}', b'{"encrypted_content":"a\\\\/b"}',
        b'{"encrypted_content":null}', b'{"encrypted_content":""}', b'{"encrypted_content":["a"]}',
        b'{"encrypted_content":"\\u0022"}', b'{"encrypted_content":"~"}', b'{"encrypted_content":"a~b~c"}',
        b'{"include":["reasoning.encrypted_content"]}', b'{"metadata":{"encrypted_content":"a"}}',
    ],
)  # fmt: skip
def test_everything_else_is_left_alone(raw: bytes) -> None:
    json.loads(raw)
    assert found(raw) == []


@pytest.mark.parametrize(
    "raw", [b"", b"<html>", b'"', b'{"file_id":"file-', b'{"metadata":{', b'{"metadata":{"a', b"\xff"]
)
def test_bytes_that_are_not_json_do_no_harm(raw: bytes) -> None:
    assert found(raw) == []


@pytest.mark.parametrize(
    "raw",
    [
        b'{"file_id":"a"},' * 2_000_000, b'"metadata":{"a":1},' * 1_700_000, b'"id":"x",' * 3_500_000,
        b'{"metadata":' * 2_500_000, b'"metadata":' + b"[" * 30_000_000, b'"file_ids":["a",' * 2_000_000,
        b'"file_ids":[' + b'"file-1",' * 3_000_000 + b'"file-1"]', b'"' * 30_000_000, b'"file_id' * 4_000_000,
        b'"id"' + b" " * 30_000_000 + b":", b'"metadata":{"' + b"\\" * 30_000_000, b'"' + b"a" * 30_000_000,
        b'"encrypted_content":"' + b"A" * 30_000_000, b'"encrypted_content":"' + b"A=" * 15_000_000 + b'~k3fq"',
        b'"encrypted_content":"' + b"a\\/" * 10_000_000, b'"encrypted_content":"A",' * 1_300_000,
    ],
    ids=lambda raw: raw[:12].decode(),
)  # fmt: skip
def test_the_largest_body_takes_no_time_that_grows_with_the_square_of_its_length(raw: bytes) -> None:
    """Such a time would be hours."""
    assert len(found(raw)) <= MAX_LOOKUPS


def test_what_stands_behind_too_many_ids_is_left_alone() -> None:
    raw = b'{"file_ids":[' + b'"file-1",' * MAX_LOOKUPS + b'"file-1"],"id":"vs_1"}'
    assert len(found(raw)) == MAX_LOOKUPS - 1
