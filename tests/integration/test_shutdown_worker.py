"""The end of a worker without its host: what the host would not hand on, and what it would hide."""

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
import pytest_asyncio

from tests.integration.test_shutdown import SETTINGS
from tests.load.azure import Azure
from tests.load.clients import CHAT, MARKS, Client
from tests.load.worker import Worker, chat, environ_for, running_worker
from tests.processes import REPOSITORY

# What the system keeps for a client that reads slowly, in bytes.
SMALL = 32 * 1024


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Azure]:
    async with Azure().serving() as running:
        yield running


async def test_who_still_sends_a_body_reads_that_nobody_waits_for_it(azure: Azure) -> None:
    """Without the host, which would hand the answer on only behind the end of the body."""
    async with running_worker(REPOSITORY, environ_for(azure) | SETTINGS) as worker, worker.connected() as connection:
        await worker.send(connection, "POST", CHAT, "content-type: application/json", "content-length: 100", body=b"{")
        await until_in_flight(worker)
        stopping = asyncio.create_task(worker.process.stop())
        reply = await connection.reply()
        assert (reply.status, reply.json()["error"]["code"]) == (503, "proxy_shutting_down")
        await stopping
        assert await worker.ended == -signal.SIGTERM


@pytest.mark.serial
async def test_who_reads_too_slowly_for_the_last_word_never_gets_an_end(azure: Azure) -> None:
    async with AsyncExitStack() as stack, running_worker(REPOSITORY, environ_for(azure) | SETTINGS) as worker:
        clients: list[Client] = []
        for mark in itertools.islice(MARKS, 20):
            connection = await stack.enter_async_context(worker.connected(receive_buffer=SMALL))
            await worker.post(connection, CHAT, chat("flood", mark, stream=True))
            assert (await connection.head()).status == 200
            clients.append(Client(connection=connection, arrival=await azure.arrived(mark)))
        await azure.until_paused(len(clients))
        await worker.process.stop()
        assert await worker.ended == -signal.SIGTERM
        for client in clients:
            came, is_whole = await client.read()
            assert came
            assert not is_whole


async def test_an_idle_process_does_not_wait(azure: Azure) -> None:
    """It would be killed long before this grace is over."""
    settings = environ_for(azure) | SETTINGS | {"SHUTDOWN_GRACE": "600"}
    async with running_worker(REPOSITORY, settings) as worker:
        async with worker.connected() as connection:
            await worker.post(connection, CHAT, chat("whole", next(MARKS), stream=False))
            assert (await connection.reply()).status == 200
        await worker.process.stop()
        assert await worker.ended == -signal.SIGTERM


async def until_in_flight(worker: Worker) -> None:
    """Return when what was sent before on another connection has been taken in."""
    for _ in range(2):
        async with worker.connected() as connection:
            await worker.send(connection, "GET", "/health")
            assert (await connection.reply()).status == 200
