"""What holds for all tests of single modules."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count no coverage of tests with drawn examples: what covers a branch does so in every run."""
    for item in items:
        if item.get_closest_marker("hypothesis"):
            item.add_marker("no_cover")
