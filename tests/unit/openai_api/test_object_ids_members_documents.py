"""OpenAI's own document has no member with an id that is not known here."""

import re
from collections.abc import Iterator
from typing import cast

from proxy.openai_api.object_ids import members_of
from proxy.openai_api.operations import OPERATIONS, Surface
from tests.documents import OPENAI, Node, load, needed
from tests.unit.openai_api.paths import BY_NAME, template

# Ids of what is reached through a kept object, of what is made here and now, or of other makers' things.
OTHERS = frozenset(
    {
        *("call_id", "caller_id", "part_ids", "run_id", "tool_call_id"),
        *("group_id", "segment_id", "skill_id", "tunnel_id", "connector_id", "organization_id", "datasource_item_id"),
    }
)
KNOWN = frozenset({"first_id", "id", "last_id"})


@needed
def test_every_member_with_an_id_is_known() -> None:
    named = {name for name in names_here() if re.search(r"(?:^|_)ids?\Z", name)}
    members = members_of(BY_NAME["createResponse"])
    ours = {name for name in named if list(members.places(f'{{"{name}":"file-1"}}'.encode()))}
    assert named - ours == OTHERS
    assert ours >= KNOWN


def names_here() -> set[str]:
    """Return the names of all members in what the operations that reach Azure send and answer."""
    root = load(OPENAI).root
    ours = {
        (row.method, template(row.path))
        for row in OPERATIONS
        if row.surface not in (Surface.LOCAL, Surface.UNSUPPORTED)
    }
    found: set[str] = set()
    seen: set[str] = set()
    for path, methods in cast("dict[str, Node]", root["paths"]).items():
        for method, described in methods.items():
            if (method.upper(), template(path)) in ours:
                found.update(names(described, root, seen))
    return found


def names(node: object, root: Node, seen: set[str]) -> Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from names(item, root, seen)
    if not isinstance(node, dict):
        return
    reference = node.get("$ref")
    if isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        yield from names(target(root, reference), root, seen)
    if isinstance(node.get("properties"), dict):
        yield from node["properties"]
    for name, value in node.items():
        if name not in ("example", "examples", "x-oaiMeta"):
            yield from names(value, root, seen)


def target(root: Node, reference: str) -> object:
    node: object = root
    for step in reference.split("/")[1:]:
        node = cast("Node", node)[step]
    return node
