"""Numbers of failover by name."""

import json

import pytest

from proxy.settings.routing import parse_routing

CANARY = "canary"


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"attempts": 2},
        {"jitter": 0.5, "retries_timeouts": True, "cooldown": 86_400, "min_wait": 0, "_a1": False},
    ],
)
def test_numbers_and_switches_are_read_as_they_stand(values: dict[str, object]) -> None:
    found = parse_routing(json.dumps(values))
    assert found == values
    assert [type(value) for value in found.values()] == [type(value) for value in values.values()]


@pytest.mark.parametrize("value", [None, CANARY, "1", [], {}, -1, -0.1, 86_400.1, 10**400])
def test_any_other_value_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(ValueError, match=r"from 0 to 86400, true or false for attempts$") as caught:
        parse_routing(json.dumps({"cooldown": 1, "attempts": value}))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("name", ["", "a b", "1a", "a-b", "a.b", "né", f"{CANARY}!"])
def test_a_name_that_can_be_none_is_refused_and_not_shown(name: str) -> None:
    with pytest.raises(ValueError, match="must have nothing but names") as caught:
        parse_routing(json.dumps({name: 1}))
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", "1", CANARY, '{"attempts": NaN}', '{"attempts": 1, "attempts": 2}'])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        parse_routing(text)
    assert CANARY not in str(caught.value)
