"""One app and one simulator for all tests that need nothing special."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

CLIENT_KEY = "sk-tester-0123456789abcdef"
SECOND_KEY = "sk-second-0123456789abcdef"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests on one event loop, since they share an app and a simulator."""
    for item in items:
        if "integration" in item.path.parts and isinstance(item, pytest.Function):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


# Azure's errors reach the client one after the other: no target rests, for that is tested on its own.
RESTLESS = {
    "AZURE_OPENAI_ROUTING": '{"min_wait":0,"max_wait":0,"same_target_wait":0,"attempts":1,"breaker_failures":80000,'
    '"breaker_calls":80000}'
}


def environ_for(simulator: Simulator) -> dict[str, str]:
    """Return the settings of an app on the simulator."""
    return RESTLESS | {
        "AZURE_OPENAI_ENDPOINT": simulator.url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_OPENAI_MODEL_MAPPER": "chat=gpt-4o, gpt-4o=gpt-4o, slow model=gpt-4o-mini",
        "CLIENT_KEYS": f"tester={CLIENT_KEY},second={SECOND_KEY}",
    }


async def warm_up(host: HostProcess) -> None:
    """Make a call, so that short time limits are not used up by what the first call loads."""
    body = {"model": "chat", "messages": []}
    async with (
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http,
        http.post("/v1/chat/completions", json=body) as answer,
    ):
        await answer.read()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator(keep=10_000).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def app(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ_for(simulator)) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{app.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        yield sdk


@pytest_asyncio.fixture(loop_scope="session")
async def http(app: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(app.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as session:
        yield session
