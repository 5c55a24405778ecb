"""The end of the host: the worker ends first, in its own time, and clients still hear what it says."""

import os
import signal

import pytest

from tests.processes import running_host
from tests.tools.functions_host.conftest import APPS
from tests.tools.functions_host.raw import connected, get


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_streams_and_requests_reach_the_worker_until_it_has_ended(number: signal.Signals) -> None:
    async with running_host(APPS / "ending", {}) as host, connected(host) as connection:
        await connection.send("GET", "/stream")
        await connection.head()
        assert await connection.chunk() == b"first"
        host.process.send_signal(number)
        assert await connection.chunk() == b"asked"
        assert (await get(host, "/heard")).body == b"heard"
        assert await connection.chunk() == b"last"
        assert await connection.chunk() == b""
        assert await host.ended() == 0
        with pytest.raises(ProcessLookupError):
            os.kill(host.worker_pid, 0)


async def test_a_worker_that_ends_without_a_last_word_resets_its_streams() -> None:
    async with running_host(APPS / "ending", {}) as host, connected(host) as connection:
        await connection.send("GET", "/stream")
        await connection.head()
        assert await connection.chunk() == b"first"
        os.kill(host.worker_pid, signal.SIGKILL)
        host.process.send_signal(signal.SIGTERM)
        assert await connection.is_reset()
        assert await host.ended() == 0
