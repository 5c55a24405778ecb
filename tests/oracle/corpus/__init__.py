"""All groups of cases."""

from collections import Counter
from collections.abc import Sequence

from tests.oracle.case import Group
from tests.oracle.corpus import (
    bad_input,
    connections,
    faults,
    leaving,
    operations,
    settings,
    several,
    shutdown,
    streams,
    uploads,
)

_SUBJECTS = (connections, leaving, shutdown, several, faults, operations, streams, uploads, bad_input, settings)


def groups() -> Sequence[Group]:
    """Return all groups, those that wait most first; their names and those of the cases within one differ."""
    found = tuple(group for subject in _SUBJECTS for group in subject.groups())
    counts = Counter(
        name for group in found for name in (group.name, *(f"{group.name}/{one.name}" for one in group.cases))
    )
    if twice := [name for name, count in counts.items() if count > 1]:
        raise ValueError(f"These names are not unique: {twice}")
    return found
