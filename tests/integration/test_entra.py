"""Tokens of Microsoft Entra ID beside client keys, through the official SDKs and Microsoft's worker runtime."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncAzureOpenAI, AsyncOpenAI

from tests.fakes.entra import AUDIENCE, GROUP, USER, FakeEntra
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.node import run_script
from tests.integration.test_client_key_rates import Patient
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

POWER, LIMITED, OTHER = (f"{digit * 8}-0000-0000-0000-000000000000" for digit in "567")
LIMITS = {
    "roles": {"Chat.Power": {}, "Chat.Limited": {"rpm": 2, "models": ["gpt-4o"]}},
    "groups": {GROUP: {"models": ["gpt-4o"]}},
}
OVERAGE: dict[str, Any] = {
    "_claim_names": {"groups": "src1"},
    "_claim_sources": {"src1": {"endpoint": "https://graph.example"}},
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def entra() -> AsyncIterator[FakeEntra]:
    async with FakeEntra() as fake:
        yield fake


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator, entra: FakeEntra) -> AsyncIterator[HostProcess]:
    environ = environ_for(simulator) | entra.environ()
    environ |= {"CLIENT_AUTH": "keys-and-entra", "CLIENT_ENTRA_LIMITS": json.dumps(LIMITS)}
    async with running_host(REPOSITORY, environ) as running:
        yield running


def power(entra: FakeEntra, **claims: Any) -> str:
    return entra.token(**{"oid": POWER, "roles": ["Chat.Power"], **claims})


class Asking(Patient):
    """The official client with a token as its key."""

    def __init__(self, host: HostProcess, token: str, retries: int = 2) -> None:
        super().__init__(host, "unused", retries)
        self.api_key = token


async def chat(sdk: AsyncOpenAI, model: str = "gpt-4o") -> str | None:
    answer = await sdk.chat.completions.create(model=model, messages=HELLO)
    return answer.choices[0].message.content


async def test_a_token_opens_and_the_log_has_the_object_id(
    host: HostProcess, entra: FakeEntra, simulator: Simulator
) -> None:
    token = power(entra)
    async with Asking(host, token) as sdk:
        assert await chat(sdk) == ECHO
    await host.wait_for_output(f'"client":"{POWER}"')
    assert token not in host.output()
    assert not any(token in value for value in simulator.requests[-1].headers.values())


async def test_the_client_of_azure_brings_its_token_with_a_provider(host: HostProcess, entra: FakeEntra) -> None:
    async def provider() -> str:
        return power(entra, aud=AUDIENCE)

    async with AsyncAzureOpenAI(
        azure_endpoint=host.url, azure_ad_token_provider=provider, api_version="2024-10-21", max_retries=0
    ) as sdk:
        assert await chat(sdk) == ECHO


async def test_the_page_for_browsers_says_how_to_get_a_token(host: HostProcess) -> None:
    async with aiohttp.ClientSession() as http, http.get(host.url, headers={"accept": "text/html"}) as answer:
        assert f'data-client-auth="keys-and-entra" data-audience="{AUDIENCE}"' in await answer.text()


async def test_a_client_key_opens_as_before(host: HostProcess) -> None:
    async with AsyncOpenAI(base_url=f"{host.url}/v1", api_key=CLIENT_KEY) as sdk:
        assert await chat(sdk) == ECHO
    await host.wait_for_output('"client":"tester"')


@pytest.mark.parametrize("key_in", ["authorization", "api-key"])
async def test_a_token_of_a_gateway_beside_a_client_key_is_not_looked_at(
    host: HostProcess, entra: FakeEntra, key_in: str
) -> None:
    foreign = entra.token(aud=OTHER)
    headers = {"authorization": f"Bearer {foreign}", "api-key": CLIENT_KEY}
    if key_in == "authorization":
        headers = {"authorization": f"Bearer {CLIENT_KEY}", "api-key": foreign}
    async with aiohttp.ClientSession() as http, http.get(f"{host.url}/v1/models", headers=headers) as answer:
        assert answer.status == 200


async def test_a_role_has_its_models_and_its_rate(host: HostProcess, entra: FakeEntra) -> None:
    async with Asking(host, entra.token(oid=LIMITED, roles=["Chat.Limited"])) as sdk:
        with pytest.raises(openai.NotFoundError):
            await chat(sdk, "chat")  # which counts, as with OpenAI
        assert [model.id async for model in sdk.models.list()] == ["gpt-4o"]
        assert await chat(sdk) == ECHO
        with pytest.raises(openai.RateLimitError) as caught:
            await chat(sdk)
    assert LIMITED in caught.value.message
    async with Asking(host, entra.token(oid=OTHER, groups=[GROUP])) as sdk:
        assert await chat(sdk) == ECHO  # another client has a rate of its own


REFUSED: Mapping[str, tuple[Callable[[FakeEntra], str], str, str]] = {
    "azure openai": (
        lambda entra: entra.old_token(aud="https://cognitiveservices.azure.com"),
        "token_audience",
        f"a token with the scope {AUDIENCE}/.default",
    ),
    "overage": (lambda entra: entra.token(**OVERAGE), "token_overage", "more than 200"),
    "no role": (lambda entra: entra.token(), "token_no_access", "app roles and groups"),
    "expired": (lambda entra: power(entra, exp=1), "token_expired", "expired"),
    "unsigned": (lambda entra: entra.unsigned(), "token_algorithm", "not accepted"),
    "another key": (lambda entra: power(entra, key=8), "token_signature", "signature"),
    "another tenant": (lambda entra: power(entra, tid=OTHER), "token_tenant", "another tenant"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_refused_token_is_an_authentication_error_that_says_why_and_is_not_tried_again(
    host: HostProcess, entra: FakeEntra, name: str
) -> None:
    make, reason, text = REFUSED[name]
    async with Asking(host, make(entra)) as sdk:
        with pytest.raises(openai.AuthenticationError, match=text) as caught:
            await chat(sdk)
    assert (caught.value.code, sdk.waits) == ("invalid_api_key", [])
    await host.wait_for_output(f'"error":"{reason}"')


async def test_the_sdk_of_node_reads_the_same(host: HostProcess, entra: FakeEntra) -> None:
    asked = {name: {"key": make(entra)} for name, (make, *_) in REFUSED.items()} | {"good": {"key": power(entra)}}
    came: Any = await run_script("refusals.js", {"URL": host.url, "KEY": CLIENT_KEY, "REFUSALS": json.dumps(asked)})
    assert came.pop("good") is None
    assert {name: (one["error"], one["code"], one["waits"]) for name, one in came.items()} == {
        name: ("AuthenticationError", "invalid_api_key", []) for name in REFUSED
    }
    assert [REFUSED[name][2] in one["message"] for name, one in came.items()] == [True] * len(REFUSED)


async def test_tokens_alone_open_without_any_client_key_and_a_key_is_refused_with_the_scope(
    simulator: Simulator, entra: FakeEntra
) -> None:
    environ = environ_for(simulator) | entra.environ()
    del environ["CLIENT_KEYS"]
    async with running_host(REPOSITORY, environ) as host:
        async with aiohttp.ClientSession() as http, http.get(f"{host.url}/health") as answer:
            assert (await answer.json())["reasons"] in ([], ["credential_pending"])
        async with Asking(host, entra.token()) as sdk:
            assert await chat(sdk) == ECHO
        async with Asking(host, CLIENT_KEY) as sdk:
            with pytest.raises(openai.AuthenticationError, match=f"{AUDIENCE}/.default"):
                await chat(sdk)
        await host.wait_for_output(f'"client":"{USER}"')


async def test_while_the_issuer_was_never_reached_keys_open_and_tokens_are_answered_with_503(
    simulator: Simulator,
) -> None:
    async with FakeEntra() as entra:
        environ = environ_for(simulator) | entra.environ() | {"CLIENT_AUTH": "keys-and-entra"}
        token = entra.token()
        await entra.down()
        async with running_host(REPOSITORY, environ) as host:
            async with Asking(host, token, retries=0) as sdk:
                with pytest.raises(openai.InternalServerError, match="CLIENT_ENTRA_TENANT"):
                    await chat(sdk)
            async with AsyncOpenAI(base_url=f"{host.url}/v1", api_key=CLIENT_KEY) as sdk:
                assert await chat(sdk) == ECHO
            async with aiohttp.ClientSession() as http, http.get(f"{host.url}/health") as answer:
                assert (answer.status, (await answer.json())["reasons"]) == (200, ["entra_keys_unreachable"])
            await entra.up()
            async with Asking(host, token) as sdk:
                assert await until_it_answers(sdk) == ECHO


async def test_without_keys_and_without_the_issuer_nobody_can_be_served_and_health_says_so(
    simulator: Simulator,
) -> None:
    async with FakeEntra() as entra:
        environ = environ_for(simulator) | entra.environ() | {"CLIENT_KEYS": ""}
    async with running_host(REPOSITORY, environ) as host, aiohttp.ClientSession(host.url) as http:
        while True:
            async with http.get("/health") as answer:
                status, reasons = answer.status, (await answer.json())["reasons"]
            if reasons != ["credential_pending"]:
                break
        assert (status, reasons) == (503, ["entra_keys_unreachable"])


async def until_it_answers(sdk: AsyncOpenAI) -> str | None:
    while True:
        try:
            return await chat(sdk)
        except openai.InternalServerError:
            continue
