import aiohttp
import pytest
from openai import AsyncAzureOpenAI

from tests.tools.azure_openai_simulator.conftest import VERSION
from tools.azure_openai_simulator import DEFAULT_KEY, ERROR_SAMPLES, Simulator

CLASSIC = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
V1 = "/openai/v1/chat/completions"
BAD_KEY, BAD_TOKEN = ERROR_SAMPLES["error-401-key"].body, ERROR_SAMPLES["error-401-token"].body


async def ask(simulator: Simulator, path: str, headers: dict[str, str]) -> bytes:
    body = {"model": "gpt-4o", "messages": []}
    async with (
        aiohttp.ClientSession(simulator.url) as session,
        session.post(path, json=body, headers=headers) as response,
    ):
        return await response.read() if response.status == 401 else b""


@pytest.mark.parametrize("path", [CLASSIC, V1])
async def test_both_surfaces_take_keys_and_tokens(simulator: Simulator, path: str) -> None:
    simulator.credentials.tokens = {"token"}
    assert await ask(simulator, path, {"api-key": DEFAULT_KEY}) == b""
    assert await ask(simulator, path, {"Authorization": "Bearer token"}) == b""
    assert await ask(simulator, path, {"api-key": "wrong"}) == BAD_KEY
    assert await ask(simulator, path, {"Authorization": "Bearer wrong"}) == BAD_TOKEN
    assert await ask(simulator, path, {}) == BAD_TOKEN


async def test_only_v1_takes_a_key_as_bearer(simulator: Simulator) -> None:
    assert await ask(simulator, V1, {"Authorization": f"Bearer {DEFAULT_KEY}"}) == b""
    assert await ask(simulator, CLASSIC, {"Authorization": f"Bearer {DEFAULT_KEY}"}) == BAD_TOKEN


async def test_keys_rotate_while_it_serves(simulator: Simulator) -> None:
    simulator.credentials.keys = {"next"}
    assert await ask(simulator, V1, {"api-key": DEFAULT_KEY}) == BAD_KEY
    assert await ask(simulator, V1, {"api-key": "next"}) == b""


async def test_a_predicate_judges_tokens(simulator: Simulator) -> None:
    simulator.credentials.accepts_token = lambda token: token.startswith("ey")
    assert await ask(simulator, CLASSIC, {"Authorization": "bearer eyJ"}) == b""


async def test_the_sdk_may_come_with_an_entra_token(simulator: Simulator) -> None:
    simulator.credentials.tokens = {"entra"}
    async with AsyncAzureOpenAI(
        azure_endpoint=simulator.url, azure_ad_token="entra", api_version=VERSION, api_key=None
    ) as client:
        completion = await client.chat.completions.create(model="gpt-4o", messages=[])
    assert completion.choices[0].message.content == "You said: "


def test_credentials_do_not_show_in_a_repr() -> None:
    assert "hidden" not in repr(Simulator(keys=["hidden"]).credentials)
