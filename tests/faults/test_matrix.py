"""Every way of failing that we know, for every call and every arrangement of targets."""

import pytest

from tests.faults.conftest import Rows
from tests.faults.fault import Fault
from tests.faults.report import DOCUMENT, render
from tests.faults.table import FAULTS


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_client_gets_what_it_must_and_nothing_is_left(rows: Rows, fault: Fault) -> None:
    assert (await rows.of(fault)).wrong == []


def test_no_fault_stands_twice() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)


async def test_the_page_is_what_the_run_gives(rows: Rows) -> None:
    assert DOCUMENT.read_text() == render([await rows.of(fault) for fault in FAULTS])
