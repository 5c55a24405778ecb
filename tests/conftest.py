"""A run that must be complete says so: FAIL_ON_SKIP makes a skipped test fail it."""

import os
from collections.abc import Generator

import pytest

_skipped: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note what was skipped."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        _skipped.append(item.nodeid)
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in which something was skipped, when nothing may be."""
    if _skipped and os.environ.get("FAIL_ON_SKIP"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        print(f"\nFAIL_ON_SKIP is set and these were skipped: {', '.join(_skipped)}")  # noqa: T201
