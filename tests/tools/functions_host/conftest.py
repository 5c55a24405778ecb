"""One host for all tests that need none of their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.processes import HostProcess, running_host

APPS = Path(__file__).parents[2] / "apps"
BODY_LIMIT = 1_000_000


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def host() -> AsyncIterator[HostProcess]:
    async with running_host(APPS / "echo", {}, "--body-limit", str(BODY_LIMIT)) as running:
        yield running
