"""Time limits, scaled down: a silent Azure becomes a clear error, in the answer or at the end of the stream."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from openai import APIError, AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for, warm_up
from tests.integration.endings import read_to_end
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

SHORT = {"UPSTREAM_FIRST_BYTE_TIMEOUT": "1", "UPSTREAM_IDLE_TIMEOUT": "1", "UPSTREAM_TOTAL_TIMEOUT": "2"}
SHORT |= {"UPSTREAM_REASONING_IDLE_TIMEOUT": "1", "STREAM_HEAD_TIMEOUT": "0.2", "STREAM_KEEP_ALIVE_INTERVAL": "0.1"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hasty(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ_for(simulator) | SHORT) as host:
        await warm_up(host)
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def http(hasty: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(hasty.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as session:
        yield session


async def test_an_azure_that_never_answers_is_a_504_that_names_the_ways_out(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    left = len(simulator.disconnects)
    async with http.post(CHAT, data=chat("no-answer")) as answer:
        assert answer.status == 504
        error = (await answer.json())["error"]
    assert error["code"] == "upstream_timeout"
    assert "stream" in error["message"]
    assert "background" in error["message"]
    await simulator.disconnected(left + 1)


@pytest.mark.parametrize("name", ["no-answer", "stream-stall"])
async def test_a_stream_that_says_nothing_is_waited_for_until_all_time_is_used_up(
    hasty: HostProcess, http: aiohttp.ClientSession, simulator: Simulator, name: str
) -> None:
    left = len(simulator.disconnects)
    async with http.post(CHAT, data=chat(name, stream=True)) as answer:
        raw, is_cut = await read_to_end(answer)
    assert (answer.status, is_cut) == (200, True)
    assert raw.startswith(b"\n\n" * 3)
    assert b"upstream_timeout" in raw
    assert b"[DONE]" not in raw
    await simulator.disconnected(left + 1)
    await hasty.wait_for_output('"outcome":"stream_broken"')
    assert "Traceback" not in hasty.output()


async def test_an_azure_that_stops_in_the_middle_ends_the_stream_with_an_error(
    hasty: HostProcess, simulator: Simulator
) -> None:
    simulator.gate.release()
    async with AsyncOpenAI(base_url=f"{hasty.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
        with pytest.raises(APIError) as raised:
            async for _ in stream:
                pass
    assert raised.value.code == "upstream_timeout"


async def test_one_request_too_many_is_refused_at_once(simulator: Simulator) -> None:
    arrived, left = len(simulator.requests), len(simulator.disconnects)
    async with (
        running_host(REPOSITORY, environ_for(simulator) | {"MAX_IN_FLIGHT": "2"}) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as full,
    ):
        calls = [asyncio.create_task(full.post(CHAT, data=chat("no-answer")).__aenter__()) for _ in range(2)]
        await simulator.requested(arrived + 2)
        async with full.post(CHAT, data=chat()) as answer:
            assert answer.status == 503
            assert answer.headers["retry-after"] == "1"
            assert (await answer.json())["error"]["code"] == "overloaded"
        for call in calls:
            call.cancel()
        await simulator.disconnected(left + 2)
        async with full.post(CHAT, data=chat()) as answer:
            assert answer.status == 200
    assert len(simulator.requests) == arrived + 3


async def test_an_azure_that_is_not_there_is_a_502() -> None:
    settings = {
        "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
        "AZURE_OPENAI_API_KEY": "key",
        "CLIENT_KEYS": f"a={CLIENT_KEY}",
    }
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
    ):
        for path in ("/health", "/v1/models"):
            async with http.get(path) as answer:
                assert answer.status == 200
        async with http.post(CHAT, data=chat()) as answer:
            assert answer.status == 502
            error = (await answer.json())["error"]
    assert error["code"] == "upstream_error"
    assert "127.0.0.1" not in error["message"]
