"""Members dropped, renamed and replaced: the places of the others are those that another walk would find."""

import json
from random import Random

from hypothesis import given

from proxy.openai_api.json_body import JsonBody, parse_json_body
from tests.unit.openai_api.test_json_body import OBJECTS, RANDOM, VALUES, rendered
from tests.unit.openai_api.test_json_body_members import written


def walked(body: JsonBody) -> JsonBody:
    """Return the same body as a walk finds it, and see that its members are in the same order."""
    again = parse_json_body(body.raw)
    assert [*again.spans] == [*body.spans]
    assert [*again.names] == [*body.names]
    return again


def mixed(members: dict[str, object], random: Random) -> dict[str, object]:
    return {name: members[name] for name in random.sample([*members], len(members))}


@given(OBJECTS, VALUES, RANDOM)
def test_what_is_dropped_leaves_the_others_in_their_places(
    others: dict[str, object], old: object, random: Random
) -> None:
    members = mixed({**others, "model": old}, random)
    body = parse_json_body(written(members, random))
    left = body.dropped("model")
    assert left == walked(left)
    assert json.loads(left.raw) == {name: value for name, value in members.items() if name != "model"}
    assert left.raw == body.without("model")


@given(OBJECTS, VALUES, RANDOM)
def test_what_is_renamed_keeps_its_place_and_its_value(others: dict[str, object], old: object, random: Random) -> None:
    others.pop("new_name", None)
    members = mixed({**others, "model": old}, random)
    body = parse_json_body(written(members, random))
    renamed = body.renamed("model", "new_name")
    assert renamed == walked(renamed)
    at = body.names["model"]
    assert renamed.raw[:at] == body.raw[:at]
    assert renamed.raw[at:].startswith(b'"new_name"')
    rest = renamed.raw[at + len(b'"new_name"') :]
    assert body.raw.endswith(rest)
    assert json.loads(b"{" + body.raw[at : len(body.raw) - len(rest)] + b":0}") == {"model": 0}


@given(OBJECTS, VALUES, VALUES, RANDOM)
def test_what_is_replaced_moves_the_others(others: dict[str, object], old: object, new: object, random: Random) -> None:
    body = parse_json_body(written(mixed({**others, "model": old}, random), random))
    value = rendered(new, random).encode()
    replaced = body.replaced("model", value)
    assert replaced == walked(replaced)
    assert replaced.raw == body.replace("model", value)


def test_what_is_not_there_is_not_dropped() -> None:
    body = parse_json_body(b'{"a":1}')
    assert body.dropped("b") is body
