"""All groups of cases."""

from collections.abc import Sequence

from tests.oracle.case import Group
from tests.oracle.corpus import (
    bad_input,
    faults,
    leaving,
    operations,
    settings,
    several,
    shutdown,
    streams,
    uploads,
)

_SUBJECTS = (leaving, shutdown, several, faults, operations, streams, uploads, bad_input, settings)


def groups() -> Sequence[Group]:
    """Return all groups, those that wait most first; their names and those of the cases within one differ."""
    return tuple(group for subject in _SUBJECTS for group in subject.groups())
