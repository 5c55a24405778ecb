"""Clients that read slowly: Azure is not read faster than they are, memory stays, and others are served meanwhile."""

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.load.azure import Azure
from tests.load.scripts import FLOOD, Arrival
from tests.load.worker import Worker, chat, environ_for, probed_app, running_worker
from tests.tools.functions_host.raw import Connection

CHAT = "/v1/chat/completions"
SLOW, OTHERS = 200, 100
KILOBYTE = 1024
MEGABYTE = KILOBYTE * KILOBYTE
# What one stream may hold in the worker, and what it may have taken from Azure: the system's own buffers on both sides
# of the worker are most of it, tcp(7).
HELD, TAKEN = MEGABYTE, 12 * MEGABYTE
BUFFER = 32 * KILOBYTE
MARKS = itertools.count(1)
pytestmark = [
    pytest.mark.serial,
    pytest.mark.skipif(sys.platform != "linux", reason="/proc tells what a process holds"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Azure]:
    async with Azure().serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    app = probed_app(tmp_path_factory.mktemp("slow"))
    async with running_worker(app, environ_for(azure) | {"STREAM_KEEP_ALIVE_INTERVAL": "0.2"}) as running:
        await ask_whole(running)
        yield running


async def ask_whole(worker: Worker) -> None:
    """Be one of the others: one call and its whole answer."""
    async with worker.connected() as connection:
        await worker.post(connection, CHAT, chat("whole", next(MARKS), stream=False))
        assert (await connection.reply()).status == 200


async def begin_slowly(worker: Worker, azure: Azure, connection: Connection) -> Arrival:
    """Ask for a flood, and read its head alone."""
    mark = next(MARKS)
    await worker.post(connection, CHAT, chat("flood", mark, stream=True))
    assert (await connection.head()).status == 200
    return await azure.arrived(mark)


async def test_slow_readers_hold_little_and_nobody_up(worker: Worker, azure: Azure) -> None:
    before, memory = await worker.look(), worker.memory()
    async with AsyncExitStack() as stack:
        connections = [await stack.enter_async_context(worker.connected(receive_buffer=BUFFER)) for _ in range(SLOW)]
        arrivals = await asyncio.gather(*(begin_slowly(worker, azure, connection) for connection in connections))
        await azure.until_paused(SLOW)
        for _ in range(10):
            for connection in connections:
                await connection.reader.readexactly(KILOBYTE)
            await asyncio.gather(*(ask_whole(worker) for _ in range(OTHERS // 10)))
        await azure.until_paused(SLOW)
        assert worker.memory() - memory < SLOW * HELD
        assert max(arrival.sent for arrival in arrivals) < TAKEN
        assert (await worker.look()).held.slots == SLOW
    await asyncio.gather(*(arrival.closed for arrival in arrivals))
    await worker.comes_to_rest(before, lines=SLOW + OTHERS)


async def test_a_reader_that_is_slow_misses_nothing(worker: Worker, azure: Azure) -> None:
    async with worker.connected() as connection:
        arrival = await begin_slowly(worker, azure, connection)
        await azure.until_paused(1)
        came = b""
        while arrival.sent < 20 * MEGABYTE:
            came += await connection.chunk()
        _, *events, _ = came.split(b"\n\n")
        assert len(events) > 100
        assert set(events) == {FLOOD.strip()}


async def test_comments_do_not_pile_up_before_a_reader_that_does_not_read(worker: Worker, azure: Azure) -> None:
    before = await worker.look()
    async with worker.connected(receive_buffer=BUFFER) as connection:
        await begin_slowly(worker, azure, connection)
        await azure.until_paused(1)
        for _ in range(300):
            await ask_whole(worker)
        assert (await worker.look()).held.tasks <= before.held.tasks + 6
