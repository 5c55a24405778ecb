"""One simulator per test, and the clients that call it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, DefaultAsyncHttpxClient

from tests.tools.azure_openai_simulator.judge import judge
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

VERSION, NEWEST = "2024-10-21", "2025-04-01-preview"
EVALS = {"aoai-evals": "preview"}


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


@pytest.fixture
async def strict_azure(simulator: Simulator) -> AsyncIterator[AsyncAzureOpenAI]:
    """A client of the newest dated version that takes nothing but what its types say."""
    async with AsyncAzureOpenAI(
        azure_endpoint=simulator.url,
        api_key=DEFAULT_KEY,
        api_version=NEWEST,
        max_retries=0,
        default_headers=EVALS,
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [judge]}),
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture
async def strict_v1(simulator: Simulator) -> AsyncIterator[AsyncOpenAI]:
    """A client of v1 that takes nothing but what its types say."""
    async with AsyncOpenAI(
        base_url=f"{simulator.url}/openai/v1/",
        api_key=DEFAULT_KEY,
        max_retries=0,
        default_headers=EVALS,
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [judge]}),
        _strict_response_validation=True,
    ) as client:
        yield client


@pytest.fixture(params=["v1", "dated"])
def either(request: pytest.FixtureRequest, strict_v1: AsyncOpenAI, strict_azure: AsyncAzureOpenAI) -> AsyncOpenAI:
    """Each of the two in turn."""
    return strict_v1 if request.param == "v1" else strict_azure
