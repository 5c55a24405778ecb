"""A wrong setting: a local start ends with its name, on Azure every route says it."""

import aiohttp
import pytest

from tests.processes import REPOSITORY, host_that_fails, running_host

GOOD = {"AZURE_OPENAI_ENDPOINT": "https://name.openai.azure.com", "AZURE_OPENAI_API_KEY": "key"}
BAD = {
    "AZURE_OPENAI_ENDPOINT": "ftp://CANARY",
    "AZURE_OPENAI_API_VERSION": "CANARY",
    "AZURE_OPENAI_AUTH": "CANARY",
    "AZURE_OPENAI_MODEL_MAPPER": "CANARY",
    "CLIENT_KEYS": "CANARY",
    "CLIENT_KEY_DEFAULTS": '{"CANARY": 1}',
    "CLIENT_KEY_MODEL_SETS": '{"CANARY": 1}',
    "CLIENT_KEYS_MAX_AGE": "CANARY",
    "UPSTREAM_TOTAL_TIMEOUT": "79999",
    "AZURE_OPENAI_ROUTING": '{"CANARY": 1}',
}
ROUTINGS = ('{"breaker_window": 0}', '{"attempts": 0}', '{"attempts": 2.5}', '{"cooldown": true}')


@pytest.mark.parametrize("name", BAD)
async def test_a_local_start_ends_with_the_name_of_the_setting(name: str) -> None:
    code, output = await host_that_fails(REPOSITORY, GOOD | {name: BAD[name]})
    assert code != 0
    last = output.strip().splitlines()[-1]
    assert last.startswith(f"{name} ")
    assert "CANARY" not in output


@pytest.mark.parametrize("text", ROUTINGS)
async def test_numbers_of_failover_that_make_no_sense_end_a_local_start(text: str) -> None:
    code, output = await host_that_fails(REPOSITORY, GOOD | {"AZURE_OPENAI_ROUTING": text})
    assert code != 0
    assert output.strip().splitlines()[-1].startswith("AZURE_OPENAI_ROUTING ")


async def test_on_azure_every_route_says_what_is_wrong() -> None:
    environ = {"AZURE_FUNCTIONS_ENVIRONMENT": "Production", "AZURE_OPENAI_API_VERSION": "CANARY"} | GOOD
    environ |= {"AZURE_OPENAI_API_VERSION": "CANARY"}
    async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
        for method, path in (("GET", "/"), ("GET", "/health"), ("POST", "/v1/chat/completions"), ("GET", "/nothing")):
            async with http.request(method, path) as answer:
                assert answer.status == 503
                error = (await answer.json())["error"]
            assert error["code"] == "configuration_error"
            assert error["message"].startswith("AZURE_OPENAI_API_VERSION ")
            assert "CANARY" not in str(error)
        assert "AZURE_OPENAI_API_VERSION must be" in host.output()


async def test_without_any_client_key_nobody_gets_in_and_health_says_so() -> None:
    async with running_host(REPOSITORY, GOOD) as host, aiohttp.ClientSession(host.url) as http:
        async with http.get("/v1/models", headers={"authorization": "Bearer x"}) as answer:
            assert answer.status == 401
        async with http.get("/health") as answer:
            assert answer.status == 503
            assert (await answer.json())["reasons"] == ["no_client_keys"]


async def test_a_weak_key_is_told_at_the_start_and_by_health_which_stays_well() -> None:
    environ = GOOD | {"CLIENT_KEYS": "a=sk-short"}
    async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
        async with http.get("/health") as answer:
            assert (answer.status, (await answer.json())["reasons"]) == (200, ["client_key_weak"])
        assert "client keys of fewer than 24 characters, which can be guessed: 1" in host.output()
        assert "sk-short" not in host.output()
