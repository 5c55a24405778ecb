"""Members of a JSON body put in, taken out and handed on as bytes."""

import json
from random import Random

import pytest
from hypothesis import given

from proxy.openai_api.json_body import parse_json_body
from tests.unit.openai_api.test_json_body import OBJECTS, RANDOM, VALUES, document, member, rendered


def written(members: dict[str, object], random: Random) -> bytes:
    return document([member(name, value, random) for name, value in members.items()], random).encode()


@given(OBJECTS, VALUES, RANDOM)
def test_a_member_is_put_in_where_there_was_none(others: dict[str, object], new: object, random: Random) -> None:
    others.pop("model", None)
    raw, value = written(others, random), rendered(new, random).encode()
    changed = parse_json_body(raw).with_member("model", value)
    assert json.loads(changed) == {"model": new, **others}
    at = raw.index(b"{") + 1
    assert (changed[:at], changed[len(changed) - len(raw) + at :]) == (raw[:at], raw[at:])


@given(OBJECTS, VALUES, RANDOM)
def test_a_member_that_is_there_is_replaced(members: dict[str, object], new: object, random: Random) -> None:
    members["model"] = "old"
    body, value = parse_json_body(written(members, random)), rendered(new, random).encode()
    assert body.with_member("model", value) == body.replace("model", value)


@given(OBJECTS, VALUES, RANDOM)
def test_a_member_is_taken_out_with_its_comma(others: dict[str, object], old: object, random: Random) -> None:
    others.pop("model", None)
    names = random.sample([*others, "model"], len(others) + 1)
    raw = written({name: others.get(name, old) for name in names}, random)
    left = parse_json_body(raw).without("model")
    assert json.loads(left) == others
    assert list(parse_json_body(left).spans) == [name for name in names if name != "model"]


@given(OBJECTS, RANDOM)
def test_without_the_member_nothing_is_taken_out(others: dict[str, object], random: Random) -> None:
    others.pop("model", None)
    raw = written(others, random)
    assert parse_json_body(raw).without("model") == raw


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b'{"model":"m"}', b"{}"), (b'{ "model" : "m" }', b"{  }"), (b'{"model":1,"a":2}', b'{"a":2}'),
        (b'{"model":1 , "a":2}', b'{"a":2}'), (b'{"a":2,"model":1}', b'{"a":2}'),
        (b'{"a":2 , "model":1 }', b'{"a":2  }'),
        (b'{"a":",","model":{"model":1},"b":[1,2]}', b'{"a":",","b":[1,2]}'),
        (b'{"a":{"model":1}}', b'{"a":{"model":1}}'),
        (b'{"model":"}","a":","}', b'{"a":","}'), (b'{"a":[1,2],"model":"a,b"}', b'{"a":[1,2]}'),
    ],
)  # fmt: skip
def test_every_other_byte_stays(raw: bytes, left: bytes) -> None:
    assert parse_json_body(raw).without("model") == left


def test_a_member_is_handed_on_as_its_bytes() -> None:
    body = parse_json_body(b'{"a": {"n": 1.0} ,"b":null,"c":"null","d":[],"e":0}')
    assert [body.member(name) for name in "abcdef"] == [b'{"n": 1.0}', None, b'"null"', b"[]", b"0", None]


def test_the_names_are_where_they_begin() -> None:
    raw = b'{ "a":1,\n"b" :2}'
    assert parse_json_body(raw).names == {"a": raw.index(b'"a"'), "b": raw.index(b'"b"')}
