"""The real identity and vault SDKs inside the app, against fakes for the vault and the identity endpoint."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest

from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.test_http import CHAT, chat
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

OLD, NEW = "azure-key-old", "azure-key-new"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """Azure as the app sees it, and the settings that lead there."""

    simulator: Simulator
    vault: FakeKeyVault
    identity: FakeIdentity

    def environ(self) -> dict[str, str]:
        return self.vault.environ() | self.identity.environ() | {"AZURE_OPENAI_ENDPOINT": self.simulator.url}


@asynccontextmanager
async def cloud() -> AsyncIterator[Cloud]:
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(Simulator(keys=[OLD]).serving())
        vault = await stack.enter_async_context(FakeKeyVault())
        identity = await stack.enter_async_context(FakeIdentity())
        vault.put("azure-openai-key", OLD, age=3600)
        vault.put("client-alice", f" {CLIENT_KEY}\n", age=3600)
        yield Cloud(simulator=simulator, vault=vault, identity=identity)


@asynccontextmanager
async def talking(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http:
        yield http


async def ask(http: aiohttp.ClientSession) -> tuple[int, str | None]:
    async with http.post(CHAT, data=chat()) as answer:
        body = await answer.json()
        return answer.status, body.get("error", {}).get("code")


async def health(http: aiohttp.ClientSession) -> tuple[int, list[str]]:
    async with http.get("/health") as answer:
        return answer.status, (await answer.json())["reasons"]


async def until_healthy(http: aiohttp.ClientSession) -> None:
    while (await health(http))[0] != 200:
        pass


async def test_keys_come_from_the_vault_once_and_no_request_waits_for_it_again() -> None:
    async with cloud() as azure, running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
        assert [await ask(http) for _ in range(5)] == [(200, None)] * 5
        assert azure.vault.calls.count("get azure-openai-key") == 1
        assert azure.vault.calls.count("get client-alice") == 1
        assert await health(http) == (200, [])
        assert OLD not in host.output()
        assert CLIENT_KEY not in host.output()


async def test_a_misspelt_limit_locks_its_key_alone_and_health_says_so() -> None:
    async with cloud() as azure:
        azure.vault.put("client-bob", "sk-bob-0123456789abcdef", tags={"rmp": "60"}, age=3600)
        async with running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
            assert await ask(http) == (200, None)
            async with http.get("/v1/models", headers={"authorization": "Bearer sk-bob-0123456789abcdef"}) as answer:
                assert answer.status == 401
            assert await health(http) == (200, ["client_key_locked"])
            await host.wait_for_output("client key bob: is locked, because it has a tag `rmp`")


async def test_a_rotation_under_load_is_no_error_for_any_client() -> None:
    async with cloud() as azure, running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
        asked = 0
        rotated = asyncio.Event()

        async def load() -> set[tuple[int, str | None]]:
            nonlocal asked
            seen = set()
            while asked < 400:
                asked += 1
                seen.add(await ask(http))
                if asked > 200 and not rotated.is_set():
                    rotated.set()
                    azure.vault.put("azure-openai-key", NEW)
                    azure.simulator.credentials.keys = {NEW}
            return seen

        assert set().union(*await asyncio.gather(*(load() for _ in range(10)))) == {(200, None)}
        assert azure.vault.calls.count("get azure-openai-key") == 2


async def test_a_key_that_azure_refuses_for_good_is_a_502_that_names_the_cure() -> None:
    async with cloud() as azure, running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
        azure.simulator.credentials.keys = {NEW}
        async with http.post(CHAT, data=chat()) as answer:
            error = (await answer.json())["error"]
            assert answer.status == 502
        assert error["code"] == "upstream_auth_error"
        assert "AZURE_OPENAI_KEY_SECRET" in error["message"]


def vault_fails(fault: Fault) -> Callable[[Cloud], None]:
    def fail(azure: Cloud) -> None:
        azure.vault.fault = fault

    return fail


def key_is_missing(azure: Cloud) -> None:
    azure.vault.remove("azure-openai-key")


def key_is_empty(azure: Cloud) -> None:
    azure.vault.put("azure-openai-key", " \n")


def identity_fails(azure: Cloud) -> None:
    azure.identity.fault = Fault(status=400)


def repair(azure: Cloud) -> None:
    azure.vault.fault = azure.identity.fault = None
    azure.vault.put("azure-openai-key", OLD)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        pytest.param(vault_fails(Fault(status=403)), "key_vault_forbidden", id="403"),
        pytest.param(vault_fails(Fault(status=429, retry_after="1")), "key_vault_throttled", id="429"),
        pytest.param(vault_fails(Fault(status=500)), "key_vault_unreachable", id="500"),
        pytest.param(key_is_missing, "key_vault_secret_missing", id="404"),
        pytest.param(key_is_empty, "key_vault_secret_unusable", id="empty"),
        pytest.param(identity_fails, "identity_unavailable", id="identity"),
    ],
)
async def test_a_vault_that_fails_at_the_start_is_told_and_recovered_from(
    spoil: Callable[[Cloud], None], reason: str
) -> None:
    async with cloud() as azure:
        spoil(azure)
        async with running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
            assert await ask(http) == (503, "configuration_error")
            status, reasons = await health(http)
            assert status == 503
            assert reason in reasons
            repair(azure)
            await until_healthy(http)
            assert await ask(http) == (200, None)


async def test_a_vault_that_is_down_at_the_start_and_comes_back() -> None:
    async with cloud() as azure:
        await azure.vault.down()
        async with running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
            assert await ask(http) == (503, "configuration_error")
            async with http.get("/v1/models", headers={"authorization": ""}) as answer:
                assert answer.status == 401  # Who sends no key needs no vault to be refused.
            await azure.vault.up()
            await until_healthy(http)
            assert await ask(http) == (200, None)


async def test_a_vault_that_goes_down_later_is_not_noticed() -> None:
    async with cloud() as azure, running_host(REPOSITORY, azure.environ()) as host, talking(host) as http:
        assert await ask(http) == (200, None)
        await azure.vault.down()
        await azure.identity.down()
        assert [await ask(http) for _ in range(5)] == [(200, None)] * 5
        assert await health(http) == (200, [])


async def test_without_a_key_the_identity_s_token_is_sent() -> None:
    async with cloud() as azure:
        azure.simulator.credentials.accepts_token = azure.identity.tokens.__contains__
        environ = azure.environ() | {"AZURE_OPENAI_AUTH": "managed-identity"}
        async with running_host(REPOSITORY, environ) as host, talking(host) as http:
            assert await ask(http) == (200, None)
        assert "https://cognitiveservices.azure.com" in azure.identity.calls
        sent = {name.lower(): value for name, value in azure.simulator.requests[-1].headers.items()}
        assert sent["authorization"].startswith("Bearer fake-token-")
        assert "api-key" not in sent


async def test_a_revoked_token_is_replaced_without_an_error_for_the_client() -> None:
    async with cloud() as azure:
        revoked: set[str] = set()
        azure.simulator.credentials.accepts_token = lambda token: (
            token in azure.identity.tokens and token not in revoked
        )
        environ = azure.environ() | {"AZURE_OPENAI_AUTH": "managed-identity"}
        async with running_host(REPOSITORY, environ) as host, talking(host) as http:
            assert await ask(http) == (200, None)
            revoked.update(azure.identity.tokens)
            assert await ask(http) == (200, None)
