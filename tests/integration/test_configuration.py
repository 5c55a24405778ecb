"""A wrong setting: `make start` ends with its name, on a host every route says it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping

import aiohttp
import pytest

from tests.processes import NO_FILE, REPOSITORY, running_host

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
    "ADMIN_KEYS": "CANARY",
    "USAGE_STORE": "http://CANARY",
    "USAGE_RETENTION_DAYS": "CANARY",
    "LIMITS_STORE": "http://CANARY",
    "PROXY_BUDGET": "CANARY",
    "UPSTREAM_TOTAL_TIMEOUT": "79999",
    "AZURE_OPENAI_ROUTING": '{"CANARY": 1}',
    "AZURE_OPENAI_OPERATION_SURFACES": "CANARY=v1",
}
ROUTINGS = ('{"breaker_window": 0}', '{"attempts": 0}', '{"attempts": 2.5}', '{"cooldown": true}')
KEEPERLESS = {"PROXY_BUDGET": "5", "CLIENT_AUTH": "azure-key"}
WRONG = [
    KEEPERLESS,
    *({name: text} for name, text in BAD.items()),
    *({"AZURE_OPENAI_ROUTING": text} for text in ROUTINGS),
]


@pytest.mark.parametrize("environ", WRONG)
async def test_make_start_ends_with_the_name_of_the_setting(environ: Mapping[str, str]) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.start", "--port", "0", "--local-settings", NO_FILE),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], **GOOD, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output = (await process.communicate())[0].decode()
    assert process.returncode == 1
    assert output.splitlines()[-1].startswith(f"{next(iter(environ))} ")
    assert "Traceback" not in output
    assert "CANARY" not in output


@pytest.mark.parametrize("environment", ["Development", "Production"])
async def test_on_a_host_every_route_says_what_is_wrong(environment: str) -> None:
    environ = GOOD | {"AZURE_FUNCTIONS_ENVIRONMENT": environment, "AZURE_OPENAI_API_VERSION": "CANARY"}
    async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
        await every_route_says(http, "AZURE_OPENAI_API_VERSION")
        printed = host.output()
    assert printed.count("AZURE_OPENAI_API_VERSION must be") == 1
    assert "Traceback" not in printed
    assert "CANARY" not in printed


async def every_route_says(http: aiohttp.ClientSession, name: str) -> None:
    """Ask routes of all kinds; each must answer with what is wrong with the setting."""
    for method, path in (("GET", "/"), ("GET", "/health"), ("POST", "/v1/chat/completions"), ("GET", "/nothing")):
        async with http.request(method, path) as answer:
            assert answer.status == 503
            error = (await answer.json())["error"]
        assert error["code"] == "configuration_error"
        assert error["message"].startswith(f"{name} ")
        assert "CANARY" not in str(error)


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
        await host.wait_for_output("client keys of fewer than 24 characters, which can be guessed: 1")
        assert "sk-short" not in host.output()
