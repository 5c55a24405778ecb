"""Strings at places in JSON, found in its bytes."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.openai_api.json_walk import MAX_STEPS, elements, members, places, string_end, walk
from tests.unit.openai_api.worlds import LEAVES, changed, values

PATHS = (
    *("id", "list[*].id", "list[*].parts[*].file_id", "list[*].parts[*].notes[*].file_id", "list[*].output.file_id"),
    *(
        "list[*].output[*].file_id",
        "both",
        "both.ids[*]",
        "free{}.file_id",
        "list[*].é",
        "deep.list[*][*]",
        "list[*].free{}.id",
    ),
)
PLACES = places({path: path for path in PATHS})
LONG = st.sampled_from(["x" * 300, "\n" * 70, '"' * 5000, "\\" * 999, '\\"' * 300, "é" * 200, "x" * 70])


def found(raw: bytes) -> list[tuple[str, str]]:
    return [(path, json.loads(raw[start:end])) for path, start, end in walk(raw, PLACES)]


@given(values(PATHS, LONG), st.sampled_from([None, 1]), st.booleans())
def test_every_string_at_a_place_is_found_in_its_order_and_no_other(
    value: object, indent: int | None, ascii_only: bool
) -> None:
    expected: list[tuple[str, str]] = []

    def note(path: str, text: str) -> str:
        expected.append((path, text))
        return text

    changed(value, PATHS, note)
    assert found(json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b' {"id"\n:\t"a" , "x" : "b" } ', [("id", "a")]),
        (b'{"\\u0069d":"a"}', [("id", "a")]),
        (b'{"list":[{"\\u00e9":"a"}]}', [("list[*].é", "a")]),
        (b'{"both":"a"}', [("both", "a")]),
        (b'{"both":{"ids":["a",null,"b"]}}', [("both.ids[*]", "a"), ("both.ids[*]", "b")]),
        (b'{"free":{"":{"file_id":"a"},"id":{"file_id":"b"}}}', [("free{}.file_id", "a"), ("free{}.file_id", "b")]),
        (b'{"id":"a","id":"b"}', [("id", "a"), ("id", "b")]),
        (b'{"":"a","\\ud83d":"b","id":"c"}', [("id", "c")]),
        (b'{"id":""}', [("id", "")]),
        (b'{"list":[{"free":{"a":{"x":1},"b":{"id":"c"}}}]}', [("list[*].free{}.id", "c")]),
        (b'{"list":[{"free":{"a":{"x":1}}}],"id":"c"}', [("id", "c")]),
        (b'{"%b":1,"%b":"b","id":"c"}' % (b"n" * 99, b"m" * 99), [("id", "c")]),
        (b'{"x":["%b"],"id":"c"}' % (b"\\n" * 5000), [("id", "c")]),
    ],
)
def test_a_string_is_found(raw: bytes, expected: list[tuple[str, str]]) -> None:
    assert found(raw) == expected


def test_places_are_found_behind_members_of_any_name_in_the_elements_of_a_list() -> None:
    path = "list[*].free{}.id"
    raw = b'{"list":[{"free":{"a":{"x":1}}},{"free":{"b":{"id":"c"}}}]}'
    assert [raw[start:end] for _, start, end in walk(raw, places({path: path}))] == [b'"c"']


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id":null}', b'{"id":1}', b'{"id":["a"]}', b'{"id":{"id":"a"}}', b'{"x":{"id":"a"}}', b'[{"id":"a"}]',
        b'{"list":{"id":"a"}}', b'{"list":"id"}', b'{"free":{"file_id":"a"}}', b'"id"', b'{"x":"\\"id\\":\\"a\\""}',
    ],
)  # fmt: skip
def test_what_stands_elsewhere_is_not_found(raw: bytes) -> None:
    json.loads(raw)
    assert found(raw) == []


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"<html>", b'"', b'{"id":', b'{"id":"a', b'{"id"', b'{"list":[', b'{"list":[{', b'{"x":{"a', b'{"x":[[',
        b"\xff", b'{"x"}', b'{"list":[}', b'{"x":[{}', b'{"list":[:', b'{"' + b"x" * 99 + b'" 1}',
    ],
)  # fmt: skip
def test_bytes_that_are_not_json_do_no_harm(raw: bytes) -> None:
    assert found(raw) == []


@given(st.binary(max_size=40) | st.text('{}[]",:\\id list', max_size=40).map(str.encode))
def test_any_bytes_are_read_to_an_end(raw: bytes) -> None:
    for _, start, end in walk(raw, PLACES):
        assert raw[start : start + 1] == raw[end - 1 : end] == b'"'


@given(st.lists(LEAVES | st.lists(LEAVES) | st.dictionaries(LONG, LONG), max_size=5), st.sampled_from([None, 1]))
def test_the_elements_of_a_list_are_found(values: list[object], indent: int | None) -> None:
    raw = json.dumps({"list": values}, indent=indent).encode()
    found = [json.loads(raw[start:end]) for start, end in elements(raw, raw.index(b"["))]
    assert found == values


def test_what_was_found_before_json_breaks_off_counts() -> None:
    assert found(b'{"id":"a","list":[{"id":"b"},{"id"') == [("id", "a"), ("list[*].id", "b")]


def test_a_walk_begins_where_it_is_told() -> None:
    assert walk(b'data: {"id":"a"}\n\n{"id":"b"}', PLACES, 6) == [("id", 12, 15)]


def test_what_stands_behind_too_many_steps_is_not_found() -> None:
    raw = b'{"both":{"ids":[' + b'"a",' * MAX_STEPS + b'"a"]},"id":"x"}'
    assert 0 < len(walk(raw, PLACES)) < MAX_STEPS


@pytest.mark.parametrize(
    "raw",
    [
        b'"' * 30_000_000, b'{"id":"' + b"a" * 30_000_000 + b'"}', b'{"x":"' + b'\\"' * 15_000_000 + b'","id":"a"}',
        b'{"x":"' + b"\\" * 30_000_000, b'{"x":' + b"[" * 30_000_000, b'{"list":' + b"[" * 30_000_000,
        b'{"list":[' + b'{"id":"a"},' * 2_500_000, b'{"list":[' + b'{"a":1},' * 3_500_000, b'{"id"' + b" " * 30_000_000,
        b'{"list":[' + b'{"parts":[{"file_id":1},' * 1_200_000, b'{"' + b"\\u0069" * 5_000_000 + b'":1}',
        b'{"list":[{"parts":[' + b'{"a":"b"},' * 2_000_000 + b'{"a":"' + b"c" * 9_000_000 + b'"}]}]}',
        b'{"list":[{"parts":[' + (b'{"a":"' + b"c" * 300 + b'"},') * 90_000 + b"{}]}]}",
        b'{"list":[' + b'{"x":{"a":{}},"y":[[[]]]},' * 1_000_000, b'{"x":[' + b"0.25," * 6_000_000 + b"1]}",
        b'{"both":{"ids":[' + b'"a",' * 7_000_000, (b'{"x":"' + b"a" * 300 + b'",') * 90_000,
    ],
    ids=lambda raw: raw[:24].decode(),
)  # fmt: skip
def test_the_largest_body_takes_no_time_that_grows_with_the_square_of_its_length(raw: bytes) -> None:
    """Such a time would be hours."""
    assert len(walk(raw, PLACES)) <= MAX_STEPS


@given(st.text())
def test_a_string_ends_at_its_quote(text: str) -> None:
    raw = json.dumps(text, ensure_ascii=False).encode()
    assert string_end(b" " + raw + b'"', 1) == len(raw) + 1


@given(
    st.dictionaries(st.text(max_size=5), LEAVES | st.lists(LEAVES, max_size=3), max_size=4), st.sampled_from([None, 1])
)
def test_the_members_of_an_object_are_where_they_stand(value: dict[str, object], indent: int | None) -> None:
    raw = json.dumps(value, indent=indent).encode()
    read = {
        json.loads(raw[name : string_end(raw, name)]): json.loads(raw[start:end]) for name, start, end in members(raw)
    }
    assert read == value
