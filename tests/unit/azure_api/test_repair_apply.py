"""Repairs made: what was refused goes, every other byte stays."""

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_api.repair import apply, encode_repairs, find_repairs
from proxy.openai_api.json_body import parse_json_body
from proxy.values import Repair
from tests.unit.openai_api.test_json_body import OBJECTS, RANDOM, VALUES, around, document, member, spelt

NEWER = Repair(parameter="max_tokens", renamed_to="max_completion_tokens")
OLDER = Repair(parameter="max_completion_tokens", renamed_to="max_tokens")
TEMPERATURE, TOP_P = Repair(parameter="temperature"), Repair(parameter="top_p")
COLD = Repair(parameter="temperature", value=b"0.0")
VERBOSITY = Repair(parameter="text.verbosity")
QUIET = Repair(parameter="text.verbosity", value=b'"low"')
DROPPED = st.sampled_from([
    *("temperature", "top_p", "presence_penalty", "frequency_penalty", "verbosity"),
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_options"),
])  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "repairs", "left", "header"),
    [
        (b'{"temperature":0.0}', [TEMPERATURE], b"{}", "temperature"),
        (b'{"a":1 , "temperature" : 0.0, "b":2}', [TEMPERATURE], b'{"a":1 , "b":2}', "temperature"),
        (b'{"a":1, "temperature":null}', [TEMPERATURE], b'{"a":1}', "temperature"),
        (b'{"\\u0074emperature":1,"a":{"temperature":1}}', [TEMPERATURE], b'{"a":{"temperature":1}}', "temperature"),
        (b'{"temperature":0.0,"top_p":1}', [COLD, TOP_P], b"{}", "temperature, top_p"),
        (b'{"temperature":0,"top_p":1}', [COLD, TOP_P], b'{"temperature":0}', "top_p"),
        (b'{"Temperature":0.0}', [COLD, TEMPERATURE, NEWER], b'{"Temperature":0.0}', ""),
        (b'{"messages":[], "max_tokens" : 5 }', [NEWER], b'{"messages":[], "max_completion_tokens" : 5 }',
         "max_tokens=max_completion_tokens"),
        (b'{"max_completion_tokens":5,"messages":[]}', [OLDER], b'{"max_tokens":5,"messages":[]}',
         "max_completion_tokens=max_tokens"),
        (b'{"max_t\\u006fkens":5,"messages":[]}', [NEWER], b'{"max_completion_tokens":5,"messages":[]}',
         "max_tokens=max_completion_tokens"),
        # Never both: what the client gave under the name that is taken stands.
        (b'{"messages":[],"max_tokens":5,"max_completion_tokens":9}', [NEWER],
         b'{"messages":[],"max_completion_tokens":9}', "max_tokens"),
        (b'{"messages":[],"max_completion_tokens":9,"max_tokens":5}', [NEWER, OLDER],
         b'{"messages":[],"max_tokens":9}', "max_tokens, max_completion_tokens=max_tokens"),
        # A null is no limit.
        (b'{"max_completion_tokens":null,"messages":[],"max_tokens":5}', [NEWER],
         b'{"messages":[],"max_completion_tokens":5}', "max_tokens=max_completion_tokens"),
        (b'{"input":"","max_tokens":5}', [NEWER], b'{"input":"","max_tokens":5}', ""),
        (b'{"text":{"verbosity":"low"},"input":""}', [VERBOSITY], b'{"input":""}', "text.verbosity"),
        (b'{"text": { "verbosity" : "low" } }', [QUIET], b"{ }", "text.verbosity"),
        (b'{"text":{"format":{"verbosity":1}, "verbosity":"low"},"verbosity":"low"}', [QUIET],
         b'{"text":{"format":{"verbosity":1}},"verbosity":"low"}', "text.verbosity"),
        (b'{"text":{"verbosity":"high"}}', [QUIET], b'{"text":{"verbosity":"high"}}', ""),
        (b'{"text":{}}', [VERBOSITY], b'{"text":{}}', ""),
        (b'{"text":null}', [VERBOSITY], b'{"text":null}', ""),
        (b'{"text":"verbosity"}', [VERBOSITY], b'{"text":"verbosity"}', ""),
        (b'{"text":[{"verbosity":1}]}', [VERBOSITY], b'{"text":[{"verbosity":1}]}', ""),
        (b'{"text":{"verbosity":1,"verbosity":2}}', [VERBOSITY], b'{"text":{"verbosity":1,"verbosity":2}}', ""),
        (b'{"verbosity":"low"}', [VERBOSITY], b'{"verbosity":"low"}', ""),
    ],
)  # fmt: skip
def test_a_repair_changes_what_it_names_and_no_more(
    raw: bytes, repairs: list[Repair], left: bytes, header: str
) -> None:
    repaired, made = apply(parse_json_body(raw), repairs)
    assert repaired.raw == left
    assert repaired == parse_json_body(left)
    assert encode_repairs(made) == header


def test_what_concerns_nothing_leaves_the_very_request() -> None:
    body = parse_json_body(b'{"a":1}')
    assert apply(body, [TEMPERATURE, NEWER, VERBOSITY]) == (body, ())
    assert apply(body, [TEMPERATURE])[0] is body


def mixed(others: dict[str, object], name: str, random: Random) -> tuple[list[str], list[str]]:
    """Return the members before and after one, which is not among them."""
    members = [member(other, value, random) for other, value in others.items() if other != name]
    at = random.randint(0, len(members))
    return members[:at], members[at:]


@given(OBJECTS, DROPPED, VALUES, RANDOM)
def test_every_byte_of_the_other_members_stays(
    others: dict[str, object], name: str, value: object, random: Random
) -> None:
    written = member(name, value, random)
    before, after = mixed(others, name, random)
    raw = document([*before, written, *after], random).encode()
    repaired, made = apply(parse_json_body(raw), [Repair(parameter=name)])
    assert made == (Repair(parameter=name),)
    assert json.loads(repaired.raw) == {other: value for other, value in others.items() if other != name}
    for kept in (*before, *after):
        assert kept.strip().encode() in repaired.raw
    head = ",".join(before).rstrip().encode()
    assert raw[: raw.index(b"{") + 1] + head == repaired.raw[: raw.index(b"{") + 1 + len(head)]
    tail = ",".join(after).lstrip().encode()
    assert repaired.raw[repaired.raw.rindex(b"}") + 1 :] == raw[raw.rindex(b"}") + 1 :]
    assert repaired.raw[: repaired.raw.rindex(b"}")].endswith(tail)


@given(OBJECTS, VALUES.filter(lambda value: value is not None), RANDOM)
def test_a_renamed_limit_changes_its_name_alone(others: dict[str, object], value: object, random: Random) -> None:
    others["messages"] = []
    rest = ":" + member("x", value, random).partition(":")[2]
    before, after = mixed(others, "max_tokens", random)
    start, end = around("{", random), around("}", random)

    def written(name: str) -> bytes:
        return (start + ",".join([*before, " " + name + rest, *after]) + end).encode()

    repaired, made = apply(parse_json_body(written(spelt("max_tokens", random))), [NEWER])
    assert made == (NEWER,)
    assert repaired.raw == written('"max_completion_tokens"')


@given(OBJECTS, OBJECTS, RANDOM)
def test_every_byte_around_the_verbosity_of_a_text_stays(
    others: dict[str, object], inside: dict[str, object], random: Random
) -> None:
    inside = {**inside, "x": 1}
    quiet = [around('"verbosity":"low"', random)]
    kept = [member(name, value, random) for name, value in inside.items() if name != "verbosity"]
    before, after = mixed(others, "text", random)

    def written(members: list[str]) -> bytes:
        return ("{" + ",".join([*before, '"text" : {' + ",".join(members) + "}", *after]) + "}").encode()

    repaired, made = apply(parse_json_body(written([*kept, *quiet])), [QUIET])
    assert made == (QUIET,)
    assert repaired.raw == written([*kept[:-1], kept[-1] + quiet[0].rpartition('"')[2]])


def test_five_refusals_one_after_the_other_are_repaired() -> None:
    sent = b'{"model":"m","max_tokens":7,"temperature":0.0,"messages":[],"prompt_cache_key":"k","top_p":0.5,"n":1}'
    body = parse_json_body(sent)
    made: tuple[Repair, ...] = ()
    for message, param, code in [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            "max_tokens",
            "unsupported_parameter",
        ),
        ("Only the default (1) value is supported.", "temperature", "unsupported_value"),
        ("Unknown parameter: 'prompt_cache_key'.", "prompt_cache_key", "unknown_parameter"),
        ("Unrecognized request argument supplied: top_p", None, None),
    ]:
        refusal = json.dumps({"error": {"message": message, "param": param, "code": code}}).encode()
        body, done = apply(body, find_repairs(400, refusal, body, made))
        made += done
    assert body.raw == b'{"model":"m","max_completion_tokens":7,"messages":[],"n":1}'
    assert encode_repairs(made) == "max_tokens=max_completion_tokens, temperature, prompt_cache_key, top_p"
