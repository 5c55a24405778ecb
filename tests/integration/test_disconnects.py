"""A client that leaves, at any moment and in any way, ends the call to Azure at once and leaves nothing behind."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial

import pytest
import pytest_asyncio

from tests.load.azure import Azure
from tests.load.scripts import Arrival
from tests.load.worker import KEY, Worker, chat, environ_for, probed_app, running_worker
from tests.processes import REPOSITORY, running_host
from tests.tools.functions_host.raw import Connection, connected

# Seconds; what a real head takes is too long for a test.
PATIENCE = {"STREAM_HEAD_TIMEOUT": "0.2", "STREAM_KEEP_ALIVE_INTERVAL": "0.05"}
SIDE_BY_SIDE = 20
FEW, MANY = 30, 1_000
CHAT, WHISPER = "/v1/chat/completions", "/v1/audio/transcriptions"
WAYS = itertools.cycle(("close", "reset", "half close"))
MARKS = itertools.count(1)
FORM = "content-type: multipart/form-data; boundary=b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A moment to leave at: after so many chunks of the answer, None is before its head.

    `at_once` leaves just when Azure's answer comes. `path` is of a GET, None is a chat.
    """

    name: str
    model: str
    stream: bool = True
    chunks: int | None = None
    at_once: bool = False
    path: str | None = None


PHASES = (
    Phase(name="a call without an answer", model="silent", stream=False),
    Phase(name="a call with half an answer", model="half", stream=False),
    Phase(name="a stream without an answer", model="silent"),
    Phase(name="a stream whose head is held", model="headed"),
    Phase(name="just as a call is answered", model="wholelater", stream=False, at_once=True),
    Phase(name="just as a stream begins", model="firstlater", at_once=True),
    Phase(name="just as a late stream begins", model="firstlater", chunks=2, at_once=True),
    Phase(name="the silence behind an early head", model="silent", chunks=2),
    Phase(name="the silence before the first content", model="headed", chunks=2),
    Phase(name="the first chunk", model="first", chunks=1),
    Phase(name="the middle of a stream", model="endless", chunks=10),
    Phase(name="the middle of a file", model="file", chunks=1, path="/v1/files/load-file-mark-{}/content"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Azure]:
    async with Azure().serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    app = probed_app(tmp_path_factory.mktemp("watched"))
    async with running_worker(app, environ_for(azure) | PATIENCE) as running:
        async with running.connected() as connection:  # so that what opens with the first call is open
            await running.post(connection, CHAT, chat("whole", next(MARKS), stream=False))
            assert (await connection.reply()).status == 200
        yield running


async def ask(worker: Worker, azure: Azure, phase: Phase, connection: Connection) -> Arrival:
    """Send a request and wait until it has reached Azure."""
    mark = next(MARKS)
    if phase.path is not None:
        await worker.send(connection, "GET", phase.path.format(mark))
    else:
        await worker.post(connection, CHAT, chat(phase.model, mark, stream=phase.stream))
    return await azure.arrived(mark)


async def leave(worker: Worker, azure: Azure, phase: Phase) -> None:
    """Leave at a moment, and wait until the connection to Azure is closed."""
    async with worker.connected() as connection:
        arrival = await ask(worker, azure, phase, connection)
        if phase.chunks is not None:
            await connection.head()
            for _ in range(phase.chunks):
                await connection.chunk()
        if phase.at_once:
            arrival.go.set()
        connection.leave(next(WAYS))
        await arrival.over


async def repeat(once: Callable[[], Awaitable[None]], times: int) -> None:
    """Do it as often, some side by side."""
    turns = iter(range(times))

    async def in_turn() -> None:
        for _ in turns:
            await once()

    await asyncio.gather(*(in_turn() for _ in range(SIDE_BY_SIDE)))


@pytest.mark.parametrize("phase", PHASES, ids=lambda phase: phase.name)
@pytest.mark.parametrize("times", [FEW, pytest.param(MANY, marks=pytest.mark.nightly)])
async def test_leaving_closes_azure_s_side_and_leaves_nothing(
    worker: Worker, azure: Azure, phase: Phase, times: int
) -> None:
    """No time limit of the proxy is shorter than that of the test: it is the leaving that closes Azure's side."""
    before = await worker.look()
    await repeat(partial(leave, worker, azure, phase), times)
    after = await worker.comes_to_rest(before, lines=times)
    assert after.outcomes.get("failed") == before.outcomes.get("failed")


def form(model: str, mark: int, *, model_first: bool) -> bytes:
    """Return a form that goes on."""
    named = f'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nload-{model}\r\n'
    prompt = f'--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nmark-{mark}\r\n'
    file = '--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
    return ((prompt + named if model_first else prompt) + file).encode() + b"RIFF" * 10_000


async def leave_an_upload(worker: Worker, azure: Azure) -> None:
    """Leave in the middle of a form that goes on to Azure as it comes."""
    mark = next(MARKS)
    body = form("upload", mark, model_first=True)
    async with worker.connected() as connection:
        await worker.send(connection, "POST", WHISPER, FORM, "content-length: 20000000", body=body)
        arrival = await azure.arrived(mark)
        connection.leave(next(WAYS))
        await arrival.over


async def test_leaving_within_an_upload_ends_it_at_azure_too(worker: Worker, azure: Azure) -> None:
    before = await worker.look()
    await repeat(partial(leave_an_upload, worker, azure), FEW)
    await worker.comes_to_rest(before, lines=FEW)


@pytest.mark.parametrize(
    ("path", "body", "header"),
    [
        pytest.param(CHAT, b'{"model":"load-whole"', "content-type: application/json", id="a call"),
        pytest.param(WHISPER, form("whole", 0, model_first=False), FORM, id="a form without its model"),
    ],
)
async def test_leaving_before_azure_is_asked_leaves_nothing(
    worker: Worker, azure: Azure, path: str, body: bytes, header: str
) -> None:
    before, connections = await worker.look(), len(azure.open)
    for _ in range(FEW):
        async with worker.connected() as connection:
            await worker.send(connection, "POST", path, header, "transfer-encoding: chunked")
            await connection.send_chunk(body)
            connection.leave(next(WAYS))
    after = await worker.comes_to_rest(before, lines=FEW)
    assert after.outcomes["client_left"] == before.outcomes.get("client_left", 0) + FEW
    assert len(azure.open) == connections


async def test_an_upload_that_azure_does_not_take_is_not_held_for_who_has_left(
    azure: Azure, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The worker does not hear of it while it waits for Azure, so Azure is not waited for without a bound."""
    app = probed_app(tmp_path_factory.mktemp("stuck"))
    async with running_worker(app, environ_for(azure) | {"UPSTREAM_IDLE_TIMEOUT": "2"}) as worker:
        before, mark = await worker.look(), next(MARKS)
        async with worker.connected() as connection:
            body = form("deaf", mark, model_first=True)
            await worker.send(connection, "POST", WHISPER, FORM, "content-length: 90000000", body=body)
            await azure.arrived(mark)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    while True:
                        connection.writer.write(b"x" * 100_000)
                        await connection.writer.drain()
            connection.leave("reset")
        await worker.comes_to_rest(before, lines=1)


async def test_leaving_the_host_closes_azure_s_side_too(azure: Azure) -> None:
    """Through the local Functions host, which stands between."""
    async with running_host(REPOSITORY, environ_for(azure) | PATIENCE) as host:
        for phase in PHASES * 3:
            if phase.path is not None:
                continue
            mark = next(MARKS)
            body = chat(phase.model, mark, stream=phase.stream)
            async with connected(host) as connection:
                await connection.send("POST", CHAT, KEY, f"content-length: {len(body)}", body=body)
                arrival = await azure.arrived(mark)
                if phase.chunks is not None:
                    await connection.head()
                    await connection.chunk()
                arrival.go.set()
                connection.leave(next(WAYS))
                await arrival.over


async def test_leaving_while_azure_judges_a_key_ends_that_too(azure: Azure) -> None:
    """A list of models is the proxy's own answer, but a key that the client brings is Azure's to judge."""
    environ = {"AZURE_OPENAI_ENDPOINT": azure.url, "CLIENT_AUTH": "azure-key"}
    async with running_worker(REPOSITORY, environ) as worker:
        before = set(azure.open)
        async with worker.connected() as connection:
            await connection.send("GET", "/v1/models", "api-key: 0123456789abcdef", worker.invoke("GET", "/v1/models"))
            judging = await azure.opened(before)
            connection.leave("reset")
            await judging.lost.wait()
