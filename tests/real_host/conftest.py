"""Every test here runs on Microsoft's own hosts, all of a process on one event loop."""

import pytest

from tests.real_host.hosts import KINDS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items[:] = [item for item in items if _is_chosen(item)]
    for item in items:
        if "real_host" in item.path.parts:
            item.add_marker(pytest.mark.real_host)
            if isinstance(item, pytest.Function):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


def _is_chosen(item: pytest.Item) -> bool:
    """Tell whether a test's only host is among those that REAL_HOST leaves; what it leaves out is not skipped."""
    mark = item.get_closest_marker("only_on")
    return mark is None or mark.args[0] in KINDS
