"""Finds the differences between two templates."""

from collections.abc import Iterator

from tools.infra.canonical import canonical
from tools.infra.values import Json


def differences(ours: dict[str, Json], theirs: dict[str, Json]) -> list[str]:
    """Return a line for every difference in meaning between two templates."""
    return list(_differences(canonical(ours), canonical(theirs), ""))


def _differences(ours: Json, theirs: Json, place: str) -> Iterator[str]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for name in sorted(ours.keys() | theirs.keys()):
            if name not in theirs or name not in ours:
                yield f"{place}/{name}: only in {'ours' if name in ours else 'theirs'}"
            else:
                yield from _differences(ours[name], theirs[name], f"{place}/{name}")
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (left, right) in enumerate(zip(ours, theirs, strict=True)):
            yield from _differences(left, right, f"{place}/{number}")
    elif ours != theirs or type(ours) is not type(theirs):
        yield f"{place}: {ours!r} is {theirs!r} in theirs"
