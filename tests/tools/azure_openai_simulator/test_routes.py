import aiohttp
import pytest

from tools.azure_openai_simulator import ERROR_SAMPLES, Simulator

BODY = {"model": "gpt-4o", "messages": []}


async def post(http: aiohttp.ClientSession, path: str, method: str = "POST") -> tuple[int, bytes]:
    async with http.request(method, path, json=BODY) as response:
        return response.status, await response.read()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/openai/deployments/gpt-4o/chat/completions",
        "/openai/deployments/gpt-4o/chat/completions?api-version=",
        "/openai/deployments/gpt-4o/chat/completions?api-version=v1",
        "/openai/deployments/gpt-4o/moderations?api-version=2024-10-21",
        "/openai/chat/completions?api-version=2024-10-21",
        "/openai/v1/moderations",
        "/v1/chat/completions",
    ],
)
async def test_azure_does_not_find_this(http: aiohttp.ClientSession, path: str) -> None:
    assert await post(http, path) == (404, ERROR_SAMPLES["error-404-route"].body)


async def test_other_methods_are_not_found_either(http: aiohttp.ClientSession) -> None:
    assert await post(http, "/openai/v1/chat/completions", "GET") == (404, ERROR_SAMPLES["error-404-route"].body)


async def test_v1_refuses_a_dated_version(http: aiohttp.ClientSession) -> None:
    answer = await post(http, "/openai/v1/chat/completions?api-version=2024-10-21")
    assert answer == (400, ERROR_SAMPLES["error-400-api-version"].body)


@pytest.mark.parametrize("version", ["v1", "preview"])
async def test_v1_takes_its_own_versions(http: aiohttp.ClientSession, version: str) -> None:
    assert (await post(http, f"/openai/v1/chat/completions?api-version={version}"))[0] == 200


@pytest.mark.parametrize("version", ["2024-10-21", "2025-04-01-preview"])
async def test_classic_takes_dated_versions(http: aiohttp.ClientSession, version: str) -> None:
    path = f"/openai/deployments/gpt-4o/chat/completions?api-version={version}"
    assert (await post(http, path))[0] == 200


async def test_an_unknown_deployment_is_not_found(http: aiohttp.ClientSession) -> None:
    answer = await post(http, "/openai/deployments/nothing/embeddings?api-version=2024-10-21")
    assert answer == (404, ERROR_SAMPLES["error-404-deployment"].body)


async def test_deployments_come_and_go_while_it_serves(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    simulator.deployments["own name/x"] = "gpt-4.1-2025-04-14"
    del simulator.deployments["gpt-4o"]
    assert (await post(http, "/openai/v1/chat/completions"))[0] == 404
    path = "/openai/deployments/own%20name%2Fx/chat/completions?api-version=2024-10-21"
    status, body = await post(http, path)
    assert (status, b'"model":"gpt-4.1-2025-04-14"' in body) == (200, True)
