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
        "/openai/v1/images/variations",
        "/openai/v1/assistants",
        "/openai/v1/files/file-1/content/more",
        "/openai/deployments/gpt-4o/files?api-version=2024-10-21",
        "/openai/files",
        "/openai/containers?api-version=2025-04-01-preview",
        "/openai/conversations?api-version=2025-04-01-preview",
        "/v1/chat/completions",
    ],
)
async def test_azure_does_not_find_this(http: aiohttp.ClientSession, path: str) -> None:
    assert await post(http, path) == (404, ERROR_SAMPLES["error-404-route"].body)


async def test_other_methods_are_not_found_either(http: aiohttp.ClientSession) -> None:
    assert await post(http, "/openai/v1/chat/completions", "PUT") == (404, ERROR_SAMPLES["error-404-route"].body)


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


@pytest.mark.parametrize(
    ("path", "version", "found"),
    [
        ("responses", "2024-10-21", False),
        ("responses", "2025-03-01-preview", True),
        ("batches", "2024-02-01", False),
        ("batches", "2024-10-21", True),
        ("assistants", "2024-10-21", False),  # never left its preview
        ("deployments/gpt-4o-mini-tts/audio/speech", "2024-10-21", False),
        ("deployments/gpt-4o-mini-tts/audio/speech", "2025-04-01-preview", True),
    ],
)
async def test_a_version_has_what_came_before_it(
    http: aiohttp.ClientSession, path: str, version: str, found: bool
) -> None:
    status, body = await post(http, f"/openai/{path}?api-version={version}")
    assert (body != ERROR_SAMPLES["error-404-route"].body) is found
    assert (status != 404) is found


async def test_a_resource_may_lack_an_operation(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    simulator.absent.add("v1/chat/completions")
    assert await post(http, "/openai/v1/chat/completions") == (404, ERROR_SAMPLES["error-404-route"].body)
    assert (await post(http, "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"))[0] == 200
    simulator.absent.add("deployments/chat/completions")
    assert (await post(http, "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21"))[0] == 404


@pytest.mark.parametrize("version", ["preview", "v1", "2025-04-01-preview"])
async def test_realtime_takes_no_version_at_all(http: aiohttp.ClientSession, version: str) -> None:
    answer = await post(http, f"/openai/v1/realtime/client_secrets?api-version={version}")
    assert answer == (400, ERROR_SAMPLES["error-400-api-version"].body)
