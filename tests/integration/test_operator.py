"""What operators ask the running app for: the doctor, readiness, and which version it is."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import trustme

from proxy.version import VERSION
from tests.fakes.server import Fault
from tests.integration.broken_setups import ADMIN_KEY, CANARY, CLIENT_KEY, World, sound_world
from tests.processes import REPOSITORY, HostProcess, running_host

ADMIN = {"authorization": f"Bearer {ADMIN_KEY}"}
CLIENT = {"authorization": f"Bearer {CLIENT_KEY}"}


@asynccontextmanager
async def running() -> AsyncIterator[tuple[World, HostProcess, aiohttp.ClientSession]]:
    async with sound_world(trustme.CA()) as world:
        environ = {name: text for name, text in world.environ.items() if not name.startswith("WEBSITE_")}
        async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
            yield world, host, http


async def doctor(http: aiohttp.ClientSession, query: str = "") -> list[dict[str, Any]]:
    async with http.post(f"/doctor{query}", headers=ADMIN) as answer:
        assert answer.status == 200, await answer.text()
        assert answer.content_type == "application/x-ndjson"
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def ready(http: aiohttp.ClientSession, headers: dict[str, str] | None = None) -> tuple[int, dict[str, Any]]:
    async with http.get("/ready", headers=headers) as answer:
        return answer.status, await answer.json()


async def test_an_operator_runs_the_doctor_in_the_app_and_nobody_else_does() -> None:
    async with running() as (world, host, http):
        events = await doctor(http)
        # The prices of the project may be old when this runs, which is a warning.
        assert (events[-1]["faults"], events[-1]["is_complete"]) == (0, True)
        await host.wait_for_output('"operation":"doctor","status":200')
        line = next(line for line in host.output().splitlines() if '"operation":"doctor","status":200' in line)
        assert json.loads(line[line.index("{") :])["outcome"] == "completed"
        world.vault.enable("azure-openai-key", enabled=False)
        (found,) = [event for event in await doctor(http) if event.get("severity") == "fault"]
        assert found["code"] == "key_vault_secret_disabled"
        assert found["check"] == "vault"
        for headers, query in (({}, ""), (CLIENT, ""), ({}, f"?key={ADMIN_KEY}"), ({}, f"?api-key={ADMIN_KEY}")):
            async with http.post(f"/doctor{query}", headers=headers) as answer:
                assert answer.status == 401
        assert CANARY not in host.output()


async def test_the_key_of_an_operator_calls_no_model() -> None:
    async with running() as (world, _, http):
        body = {"model": "chat", "messages": [{"role": "user", "content": "hello"}]}
        for headers, status in ((ADMIN, 401), ({"api-key": ADMIN_KEY}, 401), (CLIENT, 200)):
            async with http.post("/v1/chat/completions", headers=headers, json=body) as answer:
                assert answer.status == status
        async with http.get("/v1/models", headers=ADMIN) as answer:
            assert answer.status == 401
        assert await doctor(http, "?calls=true")
        calls = [call for call in world.simulator.requests if call.method == "POST"]
        assert len(calls) == 2


async def test_one_run_at_a_time_which_is_streamed_and_ends_with_its_client() -> None:
    async with running() as (world, _, http):
        await ready(http)  # The keys have been read.
        world.identity.open.clear()
        async with http.post("/doctor", headers=ADMIN) as answer:
            lines = [json.loads(await answer.content.readline()) for _ in range(5)]
            assert lines[-1] == {"type": "check", "check": "identity", "state": "running", "detail": ""}
            async with http.post("/doctor", headers=ADMIN) as second:
                assert (second.status, second.headers["retry-after"]) == (409, "30")
                assert (await second.json())["error"]["code"] == "doctor_running"
        world.identity.open.set()
        while True:
            async with http.post("/doctor", headers=ADMIN) as answer:
                if answer.status == 200:
                    assert b'"faults":0' in await answer.read()
                    break


async def test_ready_is_public_asks_azure_once_for_many_and_spends_no_token() -> None:
    async with running() as (world, _, http):
        answers = await asyncio.gather(*(ready(http) for _ in range(40)))
        assert {status for status, _ in answers} == {200}
        assert answers[0][1] == {"status": "ok", "reasons": []}
        asked = [(call.method, call.raw_path) for call in world.simulator.requests]
        assert asked == [("GET", "/openai/models")]


@pytest.mark.parametrize("spoil", ["key", "deployments", "down", "vault"])
async def test_it_says_why_nobody_can_be_served(spoil: str) -> None:
    async with running() as (world, _, http):
        match spoil:
            case "key":
                world.simulator.credentials.keys = {"another"}
                expected = ["upstream_credential"]
            case "deployments":
                world.simulator.absent.add("models")
                expected = ["upstream_operation"]
            case "down":
                world.vault.remove("azure-openai-key")
                expected = ["key_vault_secret_missing"]
            case _:
                world.vault.fault = Fault(status=403)
                expected = ["key_vault_forbidden"]
        assert await ready(http) == (503, {"status": "unavailable", "reasons": expected})
        async with http.head("/ready") as answer:
            assert answer.status == 503


async def test_who_has_a_key_reads_the_version_and_nobody_else() -> None:
    async with running() as (_, _, http):
        for headers in (CLIENT, ADMIN, {"api-key": CLIENT_KEY}):
            assert (await ready(http, headers))[1]["version"] == VERSION
            async with http.get("/health", headers=headers) as answer:
                assert (await answer.json())["version"] == VERSION
        for headers in ({}, {"authorization": "Bearer sk-wrong"}, {"authorization": f"Bearer x{CLIENT_KEY}"}):
            assert (await ready(http, headers))[1].keys() == {"status", "reasons"}
            async with http.get("/health", headers=headers) as answer:
                assert (await answer.json()).keys() == {"status", "reasons"}


async def test_with_passthrough_keys_the_key_of_an_operator_is_in_the_settings() -> None:
    environ = {
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
        "AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:9",
        "CLIENT_AUTH": "azure-key",
        "ADMIN_KEYS": f"eve={ADMIN_KEY}",
    }
    async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
        found = [event["code"] for event in await doctor(http) if event["type"] == "finding"]
        assert found == ["connection_failed"]
        assert await ready(http, {"api-key": "any-key-at-all-of-azure-0123456789"}) == (
            200,
            {"status": "ok", "reasons": []},
        )
