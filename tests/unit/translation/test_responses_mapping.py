"""The table of what becomes of a request has a row for everything that OpenAI's document has."""

from typing import Any

from proxy.translation.responses_on_chat.draft import Fate
from proxy.translation.responses_on_chat.mapping import mapping
from tests.documents import OPENAI, load, needed


def schema(name: str) -> Any:
    found: Any = load(OPENAI).root["components"]
    return found["schemas"][name]


def names_in(node: Any) -> set[str]:
    """Return the members that a schema names, in all its parts."""
    if "$ref" in node:
        return names_in(schema(node["$ref"].rpartition("/")[2]))
    inside = [names_in(part) for part in node.get("allOf", [])]
    return {*node.get("properties", {}), *(name for names in inside for name in names)}


def types_in(node: Any) -> set[str]:
    """Return the types of the objects that a schema allows."""
    if "$ref" in node:
        return types_in(schema(node["$ref"].rpartition("/")[2]))
    inside = [types_in(part) for part in node.get("anyOf", [])]
    own = node.get("properties", {}).get("type", {}).get("enum", [])
    return {*own, *(kind for kinds in inside for kind in kinds)}


def rows(area: str) -> dict[str, Fate]:
    return {row.name: row.fate for row in mapping() if row.area == area}


@needed
def test_every_parameter_has_a_row() -> None:
    assert names_in(schema("CreateResponse")) - rows("parameter").keys() == set()


@needed
def test_every_type_of_item_has_a_row() -> None:
    assert types_in(schema("InputItem")) - rows("item").keys() == set()


def test_a_row_says_what_becomes_of_it() -> None:
    assert {row.area for row in mapping()} == {"parameter", "tool", "item", "part"}
    assert rows("parameter")["conversation"] is Fate.REFUSED
    assert rows("tool")["namespace"] is Fate.SENT
    assert rows("item")["web_search_call"] is Fate.DROPPED
    assert rows("part")["input_image"] is Fate.SENT
    assert all(row.chat for row in mapping() if row.fate is Fate.SENT)
