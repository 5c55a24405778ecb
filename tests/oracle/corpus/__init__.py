"""All groups of cases."""

from collections.abc import Sequence

from tests.oracle.case import Group
from tests.oracle.corpus import faults, operations, streams


def groups() -> Sequence[Group]:
    """Return all groups; their names and those of the cases within one differ."""
    return (*faults.groups(), *operations.groups(), *streams.groups())
