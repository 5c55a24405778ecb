"""What holds for every test: how many examples are drawn, the order, and that FAIL_ON_SKIP fails what is skipped."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# Examples may take long on a busy machine. HYPOTHESIS_PROFILE=nightly draws twenty times as many.
settings.register_profile("quick", max_examples=100, deadline=None)
settings.register_profile("nightly", max_examples=2_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)
# They begin first, so that at the end no process is alone with one of them.
_SLOWEST = ("tests/tools/package/", "tests/faults/")
# Microsoft's Bicep compiler takes seconds to warm up in each process.
_TOGETHER = ("tests/infra/",)
_FAIL_ON_SKIP = bool(os.environ.get("FAIL_ON_SKIP"))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Stop the first of the two measurements of coverage that pytest-cov 7.1 begins in a process of pytest-xdist."""
    plugin = session.config.pluginmanager.getplugin("_cov")
    if plugin is not None and plugin.cov_controller is not None and hasattr(session.config, "workerinput"):
        plugin.cov_controller.cov.stop()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the slowest files first."""
    items.sort(key=lambda item: not item.nodeid.startswith(_SLOWEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Distribute by file, but keep the files of a folder that share something expensive in one process."""
    if config.getoption("dist") != "loadfile":
        return None
    scheduler = LoadFileScheduling(config, log)
    by_file = scheduler._split_scope
    scheduler._split_scope = lambda nodeid: next((one for one in _TOGETHER if nodeid.startswith(one)), by_file(nodeid))
    return scheduler


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a skipped test when nothing may be skipped; an expected failure is none."""
    report = yield
    return report if hasattr(report, "wasxfail") else _without_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Fail a skipped file when nothing may be skipped."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if report.skipped and _FAIL_ON_SKIP:
        report.outcome = "failed"
        report.longrepr = f"FAIL_ON_SKIP is set: {report.longreprtext}"
    return report
