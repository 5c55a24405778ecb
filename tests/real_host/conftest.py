"""Every test here runs on Microsoft's own hosts, all of a process on one event loop."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "real_host" in item.path.parts:
            item.add_marker(pytest.mark.real_host)
            if isinstance(item, pytest.Function):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
