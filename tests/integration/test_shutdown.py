"""The process is asked to end: nothing more is let in; streams end, or say that they were stopped."""

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest
import pytest_asyncio

from tests.integration.endings import RETRY
from tests.integration.recordings import RESPONSE
from tests.load.azure import Azure
from tests.load.clients import CHAT, MARKS, Client, Clients
from tests.load.worker import KEY, chat, environ_for
from tests.processes import REPOSITORY, HostProcess, running_host
from tests.tools.functions_host.raw import connected, exchange

RESPONSES, WHISPER = "/v1/responses", "/v1/audio/transcriptions"
STREAMS, KILLED = 200, 50
# Seconds. The host kills a worker that goes on for ten.
GRACE, LONG_GRACE = 1.0, 5.0
SETTINGS = {"SHUTDOWN_GRACE": str(GRACE), "STREAM_HEAD_TIMEOUT": "0.3", "STREAM_KEEP_ALIVE_INTERVAL": "0.1"}
DONE = b"data: [DONE]\n\n"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Azure]:
    async with Azure().serving() as running:
        yield running


@asynccontextmanager
async def host_of(azure: Azure, grace: float = GRACE) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ_for(azure) | SETTINGS | {"SHUTDOWN_GRACE": str(grace)}) as host:
        yield host


def asks_for_response() -> bytes:
    body = {"model": "load-response", **RESPONSE.asked, "input": f"mark-{next(MARKS)}", "stream": True}
    return json.dumps(body).encode()


def error_of(event: bytes) -> str:
    """Return the code of an error event in either shape."""
    said = json.loads(event.removesuffix(RETRY).partition(b"data: ")[2])
    return str(said.get("error", said)["code"])


async def stop(host: HostProcess) -> float:
    """Ask the host to end; return the time of the loop."""
    host.process.send_signal(signal.SIGTERM)
    return asyncio.get_running_loop().time()


async def refused(host: HostProcess) -> None:
    """Wait until nothing more is let in: 503 with a wait, before Azure is asked."""
    body = chat("whole", next(MARKS), stream=False)
    while (reply := await exchange(host, "POST", CHAT, KEY, f"content-length: {len(body)}", body=body)).status == 200:
        pass
    assert (reply.status, reply.one("retry-after")) == (503, "1")
    assert reply.json()["error"]["code"] == "overloaded"


@pytest.mark.serial
@pytest.mark.parametrize("time", [1, *(pytest.param(time, marks=pytest.mark.nightly) for time in range(2, 6))])
async def test_200_streams_end_in_the_time_that_is_left_or_say_that_they_were_stopped(azure: Azure, time: int) -> None:
    async with AsyncExitStack() as stack, host_of(azure, LONG_GRACE) as host:
        clients = Clients(host, azure, stack)
        ending = [await clients.begin("ending") for _ in range(STREAMS // 4)]
        silent = [await clients.begin("first") for _ in range(STREAMS // 4)]
        talking = [await clients.begin("endless") for _ in range(STREAMS // 4)]
        responses = [await clients.ask(RESPONSES, asks_for_response()) for _ in range(STREAMS // 4)]
        for client in responses:
            assert (await client.connection.head()).status == 200
        asked = await stop(host)
        await refused(host)
        for client in ending:
            client.arrival.go.set()
        whole = await asyncio.gather(*(client.read() for client in ending))
        cut = await asyncio.gather(*(client.read() for client in (*silent, *talking, *responses)))
        assert await host.ended() == 0
        assert asyncio.get_running_loop().time() - asked >= LONG_GRACE
        assert "Traceback" not in host.output()
    for came, is_whole in whole:
        assert is_whole
        assert came.endswith(DONE)
        assert b"proxy_shutting_down" not in came
    assert not any(is_whole for _, is_whole in cut)
    for came, _ in cut[: STREAMS // 2]:
        assert error_of(came.split(b"\n\n")[-2]) == "proxy_shutting_down"
        assert DONE not in came
    for came, _ in cut[STREAMS // 2 :]:
        error, failed, _ = came.split(b"\n\n")[-3:]
        assert error.startswith(b"event: error\n")
        assert error_of(error) == "proxy_shutting_down"
        assert failed.startswith(b"event: response.failed\n")
    lines = [json.loads(line) for line in host.output().splitlines() if line.startswith('{"request_id"')]
    outcomes = Counter((line["outcome"], line.get("error")) for line in lines if line.get("error") != "overloaded")
    assert outcomes == {
        ("completed", None): STREAMS // 4,
        ("stream_broken", "proxy_shutting_down"): STREAMS // 4 * 3,
    }


async def waiting_call(clients: Clients) -> Client:
    return await clients.ask(CHAT, chat("silent", next(MARKS), stream=False))


async def waiting_stream(clients: Clients) -> Client:
    return await clients.ask(CHAT, chat("silent", next(MARKS), stream=True))


async def half_an_answer(clients: Clients) -> Client:
    return await clients.ask(CHAT, chat("half", next(MARKS), stream=False))


@pytest.mark.parametrize("number", [1, 5])
@pytest.mark.parametrize("begin", [waiting_call, half_an_answer], ids=["no answer", "half an answer"])
async def test_who_still_waits_for_an_answer_reads_that_it_will_not_come(
    azure: Azure, begin: Callable[[Clients], Awaitable[Client]], number: int
) -> None:
    async with AsyncExitStack() as stack, host_of(azure) as host:
        waiting = [await begin(Clients(host, azure, stack)) for _ in range(number)]
        await stop(host)
        for client in waiting:
            reply = await client.connection.reply()
            assert (reply.status, reply.one("retry-after")) == (503, "1")
            assert reply.json()["error"]["code"] == "proxy_shutting_down"
        assert await host.ended() == 0


async def test_a_stream_without_a_head_is_a_real_503(azure: Azure) -> None:
    settings = environ_for(azure) | SETTINGS | {"STREAM_HEAD_TIMEOUT": "30"}
    async with AsyncExitStack() as stack, running_host(REPOSITORY, settings) as host:
        waiting = [await waiting_stream(Clients(host, azure, stack)) for _ in range(5)]
        await stop(host)
        for client in waiting:
            reply = await client.connection.reply()
            assert (reply.status, reply.json()["error"]["code"]) == (503, "proxy_shutting_down")
        assert await host.ended() == 0


@pytest.mark.parametrize("model", ["wholelater", "largelater"])
@pytest.mark.parametrize("number", [1, 5])
async def test_an_answer_in_time_arrives_though_the_process_ends_with_it(azure: Azure, number: int, model: str) -> None:
    async with AsyncExitStack() as stack, host_of(azure, LONG_GRACE) as host:
        clients = Clients(host, azure, stack)
        calls = [await clients.ask(CHAT, chat(model, next(MARKS), stream=False)) for _ in range(number)]
        await stop(host)
        await refused(host)
        for client in calls:
            client.arrival.go.set()
        for client in calls:
            assert (await client.connection.reply()).status == 200
        assert await host.ended() == 0


@pytest.mark.parametrize("model", ["silent", "headed"])
async def test_a_stream_whose_head_left_early_gets_the_error_as_its_only_event(azure: Azure, model: str) -> None:
    async with AsyncExitStack() as stack, host_of(azure) as host:
        clients = [await Clients(host, azure, stack).begin(model) for _ in range(5)]
        await stop(host)
        came = await asyncio.gather(*(client.read() for client in clients))
        assert await host.ended() == 0
    for body, is_whole in came:
        assert not is_whole
        assert error_of(body.split(b"\n\n")[-2]) == "proxy_shutting_down"
        assert DONE not in body


async def test_a_file_that_is_cut_is_a_reset(azure: Azure) -> None:
    async with AsyncExitStack() as stack, host_of(azure) as host:
        client = await Clients(host, azure, stack).get(f"/v1/files/load-file-mark-{next(MARKS)}/content")
        await client.connection.head()
        await client.connection.chunk()
        await stop(host)
        assert await client.read() == (b"", False)
        assert await host.ended() == 0


async def test_an_upload_that_is_cut_never_looks_taken(azure: Azure) -> None:
    """The host hands an answer on only behind the end of the body, and that never comes."""
    async with AsyncExitStack() as stack, host_of(azure) as host:
        connection = await stack.enter_async_context(connected(host))
        mark = next(MARKS)
        kind = "content-type: multipart/form-data; boundary=b"
        await connection.send("POST", WHISPER, KEY, kind, "transfer-encoding: chunked")
        await connection.send_chunk(_form(mark))
        await azure.arrived(mark)
        await stop(host)
        assert await host.ended() == 0
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            assert (await connection.head()).status >= 500


def _form(mark: int) -> bytes:
    fields = f'--b\r\ncontent-disposition: form-data; name="prompt"\r\n\r\nmark-{mark}\r\n'
    fields += '--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nload-upload\r\n'
    return f'{fields}--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\nRIFF'.encode()


async def test_a_killed_worker_is_a_reset_for_every_stream_and_never_an_end(azure: Azure) -> None:
    async with AsyncExitStack() as stack, host_of(azure) as host:
        clients = Clients(host, azure, stack)
        streams = [await clients.begin(model) for model in ("first", "endless") for _ in range(KILLED // 2)]
        waiting = [await waiting_call(clients) for _ in range(5)]
        os.kill(host.worker_pid, signal.SIGKILL)
        came = await asyncio.gather(*(client.read() for client in streams))
        for client in waiting:
            assert (await client.connection.reply()).is_empty(500)
    assert not any(is_whole for _, is_whole in came)
    assert not any(DONE in body or b'"error"' in body for body, _ in came)
