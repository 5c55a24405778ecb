"""Two resources, the recorded answers of the second, and JSON in which ids stand at their places and elsewhere."""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hypothesis import strategies as st

from proxy.openai_api.object_ids import Tags

TWO = Tags(("eastus", "westus"))
ALONE = Tags(("eastus",))
# The tags of before.
FIRST, SECOND = "~i6on", "~btoc"
_FOLDER = Path(__file__).parent / "samples"
# One folder for each operation: Azure's answer, and what the client gets, where `~2` stands for the second's tag.
CASES = sorted(path.name for path in _FOLDER.iterdir())
_STEP = re.compile(r"[^.\[{]+|\[\*\]|\{\}")
_MARKED = re.compile(rb'([^"\\]+)~2(?=")')

LEAVES = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(['"id":"resp_1"', "\\", "~"])
)


def tagged(identifier: str, resource: int) -> str:
    return identifier + TWO.tag(identifier.encode(), resource).decode()


def read(case: str, name: str) -> bytes:
    return (_FOLDER / case / name).read_bytes()


def for_client(case: str, resource: int = 1) -> bytes:
    return _MARKED.sub(lambda id_: tagged(id_[1].decode(), resource).encode(), read(case, "client.json"))


def values(paths: Iterable[str], strings: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    """Return JSON whose members have the names of places, here and there at the places themselves."""
    steps = [_STEP.findall(path.rstrip("?")) for path in paths]
    names = st.sampled_from(sorted({step for path in steps for step in path if step not in ("[*]", "{}")}))
    random = st.recursive(
        LEAVES | strings,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(max_size=4), inner, max_size=5),
        max_leaves=12,
    )
    return _shape(steps, random | strings, random)


def _shape(
    steps: Iterable[list[str]], leaf: st.SearchStrategy[object], random: st.SearchStrategy[object]
) -> st.SearchStrategy[object]:
    """Return JSON of the shape that some paths have, with anything in the place of each part."""
    children: dict[str, list[list[str]]] = {}
    for path in steps:
        if path:
            children.setdefault(path[0], []).append(path[1:])
    shapes: list[st.SearchStrategy[object]] = [leaf]
    if elements := children.pop("[*]", None):
        shapes.append(st.lists(_shape(elements, leaf, random), max_size=3))
    if members := children.pop("{}", None):
        shapes.append(st.dictionaries(st.text(max_size=3), _shape(members, leaf, random), max_size=2))
    if children:
        known = {name: _shape(rest, leaf, random) for name, rest in children.items()}
        other = st.dictionaries(st.text(max_size=4), random, max_size=2)
        shapes.append(st.builds(lambda one, two: {**two, **one}, st.fixed_dictionaries({}, optional=known), other))
    return shapes[-1] | shapes[0] if len(shapes) > 1 else leaf


def changed(value: object, paths: Iterable[str], change: Callable[[str, str], str]) -> object:
    """Return JSON with each string at a place changed, given its path; a plain reader of values, not of bytes."""
    return _changed(value, {tuple(_STEP.findall(path.rstrip("?"))): path.rstrip("?") for path in paths}, change)


def _changed(value: object, paths: Mapping[tuple[str, ...], str], change: Callable[[str, str], str]) -> object:
    if isinstance(value, str):
        return change(paths[()], value) if () in paths else value
    if isinstance(value, list):
        return [_changed(each, _below(paths, "[*]"), change) for each in value]
    if isinstance(value, dict):
        return {
            name: _changed(each, _below(paths, name) or _below(paths, "{}"), change) for name, each in value.items()
        }
    return value


def _below(paths: Mapping[tuple[str, ...], str], step: str) -> dict[tuple[str, ...], str]:
    return {steps[1:]: path for steps, path in paths.items() if steps[:1] == (step,)}
