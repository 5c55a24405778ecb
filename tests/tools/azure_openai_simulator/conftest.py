"""One simulator per test, and the clients that call it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

VERSION = "2024-10-21"


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator().serving() as simulator:
        yield simulator


@pytest.fixture
async def azure(simulator: Simulator) -> AsyncIterator[AsyncAzureOpenAI]:
    async with AsyncAzureOpenAI(
        azure_endpoint=simulator.url, api_key=DEFAULT_KEY, api_version=VERSION, max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def v1(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{simulator.url}/openai/v1/", api_key=DEFAULT_KEY, max_retries=0) as client:
        yield client


@pytest.fixture
async def http(simulator: Simulator) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(simulator.url, headers={"api-key": DEFAULT_KEY}) as session:
        yield session
