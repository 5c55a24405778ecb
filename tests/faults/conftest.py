"""The rows of the matrix, each run once for all tests."""

import pytest

from tests.faults.fault import Fault
from tests.faults.matrix import Row, run_row


class Rows:
    """What came of each fault, run when it is first asked for."""

    def __init__(self) -> None:
        self._known: dict[str, Row] = {}

    async def of(self, fault: Fault) -> Row:
        """Return the row of a fault."""
        if fault.name not in self._known:
            self._known[fault.name] = await run_row(fault)
        return self._known[fault.name]


@pytest.fixture(scope="session")
def rows() -> Rows:
    return Rows()
