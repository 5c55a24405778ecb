"""The host's own deadlines, made short."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.processes import HostProcess, running_host
from tests.tools.functions_host.conftest import APPS
from tests.tools.functions_host.raw import connected, get

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hasty() -> AsyncIterator[HostProcess]:
    """A host whose functions have one second."""
    async with running_host(APPS / "echo", {}, "--function-timeout", "1") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def nervous() -> AsyncIterator[HostProcess]:
    """A host that bears half a second of silence."""
    async with running_host(APPS / "echo", {}, "--activity-timeout", "0.5") as running:
        yield running


async def test_silence_mid_stream_is_a_reset(nervous: HostProcess) -> None:
    async with connected(nervous) as connection:
        await connection.send("GET", "/stream/silence")
        await connection.head()
        assert await connection.chunk() == b"first"
        assert await connection.is_reset()
    assert (await get(nervous, "/await/silence%20cancelled")).status == 200


async def test_silence_before_the_headers_is_an_empty_500_and_the_worker_lives_on(nervous: HostProcess) -> None:
    worker = nervous.worker_pid
    assert (await get(nervous, "/patient/never")).is_empty(500)
    assert (await get(nervous, "/process")).json()["pid"] == worker
    await get(nervous, "/signal/never")  # a handler that runs on keeps its worker from ending at once


async def test_a_running_stream_is_cut_alone_at_the_function_timeout(hasty: HostProcess) -> None:
    worker = hasty.worker_pid
    async with connected(hasty) as connection:
        await connection.send("GET", "/stream/endless")
        await connection.head()
        assert await connection.chunk() == b"first"
        assert await connection.is_reset()
    assert (await get(hasty, "/await/endless%20cancelled")).status == 200
    assert (await get(hasty, "/process")).json()["pid"] == worker


async def test_a_handler_that_has_not_returned_takes_the_whole_worker_down(hasty: HostProcess) -> None:
    worker = hasty.worker_pid
    async with connected(hasty) as late, connected(hasty) as stream, connected(hasty) as waiting:
        await late.send("GET", "/patient/late")
        await get(hasty, "/await/late%20reached")
        await stream.send("GET", "/stream/innocent")
        await stream.head()
        assert await stream.chunk() == b"first"
        await waiting.send("GET", "/patient/waiting")
        assert (await late.reply()).is_empty(500)
        assert await stream.is_reset()
        assert (await waiting.reply()).is_empty(500)
    successor = (await get(hasty, "/process")).json()["pid"]
    assert successor != worker
    assert successor == hasty.worker_pid
    await hasty.wait_for_output(f"The worker process {worker} ended with code -9")
