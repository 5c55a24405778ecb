"""Two recordings, compared field by field."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from tests.oracle import id_tags
from tests.oracle.accepted import ACCEPTED, Accepted

_SHOWN = 300
_MISSING = "(nothing)"
_LENGTH = "content-length: "
_WAITS = ("retry-after: ", "retry-after-ms: ")
# Seconds that may pass between the moment a wait is counted from and the moment it is told.
_PASSES = 2.0


@dataclass(frozen=True, slots=True)
class Difference:
    """A field of a case that is not the same."""

    case: str
    field: str
    old: object
    new: object

    @property
    def kind(self) -> str:
        """Return what differences of one cause have in common, as far as that can be seen."""
        return "/".join(part for part in self.field.split("/") if not part.isdigit())

    def accepted(self, rows: Sequence[Accepted] = ACCEPTED) -> Accepted | None:
        """Return the row that accepts it."""
        return next((row for row in rows if self._is_accepted(row)), None)

    def _is_accepted(self, row: Accepted) -> bool:
        matches = fnmatchcase(self.case, row.case) and fnmatchcase(self.field, row.field)
        return matches and row.new in (None, str(self.new))


def differences(
    olds: Sequence[Mapping[str, object]], new: Mapping[str, object], *, without_tags: bool = False
) -> list[Difference]:
    """Return the differences of a recording from the first of others, of cases that are as in none of them.

    `without_tags` leaves out which ids have a tag.
    """
    found = []
    for case in sorted({*new, *(name for old in olds for name in old)}):
        each = [list(_of_case(case, old, new, without_tags)) for old in olds]
        if all(each):
            found += each[0]
    return found


def _of_case(
    case: str, old: Mapping[str, object], new: Mapping[str, object], without_tags: bool
) -> Iterator[Difference]:
    if case not in old or case not in new:
        yield Difference(case, "case", _there(case in old), _there(case in new))
        return
    first, second = (id_tags.shown(each[case], without=without_tags) for each in (old, new))
    for one in _differ(first, second, ""):
        yield Difference(case, *one)


def _there(is_there: bool) -> str:
    return "recorded" if is_there else _MISSING


def _differ(old: object, new: object, path: str) -> Iterator[tuple[str, object, object]]:
    if isinstance(old, dict) and isinstance(new, dict):
        old, new = _with_equal_lengths(old, new)
        for name in sorted({*old, *new}):
            yield from _differ(old.get(name, _MISSING), new.get(name, _MISSING), f"{path}/{name}".lstrip("/"))
    elif isinstance(old, list) and isinstance(new, list) and path.endswith(("client", "upstream", "log")):
        for number in range(max(len(old), len(new))):
            yield from _differ(_item(old, number), _item(new, number), f"{path}/{number}")
    elif old != new and not (path.endswith("headers") and _as_late(old) == _as_late(new) and _soon(old, new)):
        yield path, old, new


def _as_late(headers: object) -> object:
    """Return headers without the times in them that pass while the app works."""
    return [one for one in headers if not one.startswith(_WAITS)] if isinstance(headers, list) else headers


def _soon(old: object, new: object) -> bool:
    """Tell whether two lists of headers say to come back after about the same time."""
    pairs = [_waits(old), _waits(new)]
    return pairs[0].keys() == pairs[1].keys() and all(
        abs(pairs[0][name] - pairs[1][name]) <= _PASSES for name in pairs[0]
    )


def _waits(headers: object) -> dict[str, float]:
    """Return the seconds after which headers say to come back, by the header's name."""
    found: dict[str, float] = {}
    for one in headers if isinstance(headers, list) else ():
        name, _, value = one.partition(": ")
        if name in ("retry-after", "retry-after-ms"):
            number = value.replace(".", "", 1).isdigit()
            found[name if number else one] = float(value) / (1000 if name.endswith("ms") else 1) if number else 0.0
    return found


def _with_equal_lengths(old: dict[str, object], new: dict[str, object]) -> tuple[dict[str, object], dict[str, object]]:
    """Return both without their lengths where one of them lacks it, as it does where its body has tags."""
    found = [one.get("headers") for one in (old, new)]
    if not all(isinstance(headers, list) for headers in found) or old.get("body") != new.get("body"):
        return old, new
    lengths = [[one for one in headers if one.startswith(_LENGTH)] for headers in found if isinstance(headers, list)]
    if bool(lengths[0]) == bool(lengths[1]):
        return old, new
    first, second = (
        [one for one in headers if not one.startswith(_LENGTH)] for headers in found if isinstance(headers, list)
    )
    return {**old, "headers": first}, {**new, "headers": second}


def _item(items: list[object], number: int) -> object:
    return items[number] if number < len(items) else _MISSING


def report(found: Sequence[Difference], shown: int = 5) -> str:
    """Return the differences that nobody accepted, grouped by kind, and the number of the others."""
    open_ones = [one for one in found if one.accepted() is None]
    kinds: dict[str, list[Difference]] = {}
    for one in open_ones:
        kinds.setdefault(one.kind, []).append(one)
    parts = [_group(kind, kinds[kind], shown) for kind in sorted(kinds, key=lambda kind: -len(kinds[kind]))]
    cases = len({one.case for one in open_ones})
    parts.append(f"{len(open_ones)} differences in {cases} cases; {len(found) - len(open_ones)} more are accepted.")
    return "\n\n".join(parts)


def _group(kind: str, group: Sequence[Difference], shown: int) -> str:
    lines = [f"== {kind}: {len(group)}"]
    for one in group[:shown]:
        lines += [f"  {one.case}  [{one.field}]", *_both(one.old, one.new)]
    if len(group) > shown:
        lines.append(f"  ... and {len(group) - shown} more: {', '.join(one.case for one in group[shown : shown + 20])}")
    return "\n".join(lines)


def _both(old: object, new: object) -> list[str]:
    """Return both values, of lists only what one of them has alone."""
    if isinstance(old, list) and isinstance(new, list) and len(old) + len(new) > 4:
        gone, come = [one for one in old if one not in new], [one for one in new if one not in old]
        if gone or come:
            old, new = gone, come
    first, second = str(old), str(new)
    start = max(0, _common(first, second) - 60)
    return [f"    old: {_cut(first, start)}", f"    new: {_cut(second, start)}"]


def _common(first: str, second: str) -> int:
    pairs = zip(first, second, strict=False)
    return next((at for at, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))


def _cut(text: str, start: int) -> str:
    begins, ends = "..." if start else "", "..." if len(text) > start + _SHOWN else ""
    return f"{begins}{text[start : start + _SHOWN]!r}{ends}"
