"""A host of 2024 loses some requests: their functions wait for them in vain."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.processes import HostProcess, running_host
from tests.tools.functions_host.conftest import APPS
from tests.tools.functions_host.raw import exchange, get

pytestmark = pytest.mark.asyncio(loop_scope="session")
LOST = ["x-ms-invocation-id: mine", "X-Name: \N{LATIN SMALL LETTER E WITH ACUTE}"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def losing() -> AsyncIterator[HostProcess]:
    async with running_host(APPS / "echo", {}, "--lose-requests", "--function-timeout", "1") as running:
        yield running


@pytest.mark.parametrize("header", LOST)
async def test_a_lost_request_ends_at_the_function_timeout_with_its_worker(losing: HostProcess, header: str) -> None:
    before = losing.worker_pid
    printed = f"The worker process {before} ended"
    assert (await exchange(losing, "POST", "/x", header, "Content-Length: 2", body=b"{}")).is_empty(500)
    await losing.wait_for_output(printed)
    assert (await get(losing, "/x")).status == 200
