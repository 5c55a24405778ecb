"""Time limits, scaled down: a silent Azure becomes a clear error, in the answer or at the end of the stream."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from openai import APIError, AsyncOpenAI

from tests.journeys.conftest import CLIENT_KEY, environ_for
from tests.journeys.test_http import CHAT, chat
from tests.journeys.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

SHORT = {"UPSTREAM_FIRST_BYTE_TIMEOUT": "0.3", "UPSTREAM_IDLE_TIMEOUT": "0.3", "UPSTREAM_CONNECTIONS": "2"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def hasty(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ_for(simulator) | SHORT) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def http(hasty: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(hasty.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as session:
        yield session


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
async def test_an_azure_that_never_answers_is_a_504(
    http: aiohttp.ClientSession, simulator: Simulator, stream: bool
) -> None:
    left = len(simulator.disconnects)
    async with http.post(CHAT, data=chat("no-answer", stream=stream)) as answer:
        assert answer.status == 504
        assert (await answer.json())["error"]["code"] == "upstream_timeout"
    await simulator.disconnected(left + 1)


async def test_an_azure_that_stops_in_the_middle_ends_the_stream_with_an_error(hasty: HostProcess) -> None:
    async with AsyncOpenAI(base_url=f"{hasty.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        stream = await sdk.chat.completions.create(model="stream-stall", messages=HELLO, stream=True)
        with pytest.raises(APIError) as raised:
            async for _ in stream:
                pass
    assert raised.value.code == "upstream_timeout"


@pytest.mark.parametrize("total", ["", "0.6"], ids=["silence", "too long in all"])
async def test_a_stream_that_is_given_up_ends_whole_and_is_logged_as_broken(simulator: Simulator, total: str) -> None:
    limits = {"UPSTREAM_FIRST_BYTE_TIMEOUT": "0.5", "UPSTREAM_IDLE_TIMEOUT": "30" if total else "0.3"}
    settings = environ_for(simulator) | limits | {"UPSTREAM_TOTAL_TIMEOUT": total}
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
    ):
        async with http.post(CHAT, data=chat("stream-stall", stream=True)) as answer:
            raw = await answer.read()
        assert raw.endswith(b"data: [DONE]\n\n")
        assert b"upstream_timeout" in raw
        await host.wait_for_output('"outcome":"stream_broken"')
        assert "Traceback" not in host.output()


async def test_a_pool_that_is_used_up_is_an_error_and_not_an_endless_wait(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    settings = environ_for(simulator) | {"UPSTREAM_CONNECTIONS": "2", "UPSTREAM_CONNECT_TIMEOUT": "0.01"}
    arrived = len(simulator.requests)
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as full,
    ):
        calls = [asyncio.create_task(full.post(CHAT, data=chat("no-answer")).__aenter__()) for _ in range(2)]
        await simulator.requested(arrived + 2)
        async with full.post(CHAT, data=chat()) as answer:
            assert answer.status == 502
            assert "connections" in (await answer.json())["error"]["message"]
        for call in calls:
            call.cancel()


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
