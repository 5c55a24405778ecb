"""Clients that name the resource in their key (CLIENT_AUTH=resource-key), with all of Azure OpenAI behind a proxy."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncAzureOpenAI, AsyncOpenAI

from tests.fakes.http_proxy import FakeHttpProxy
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

KEY, WRONG, OURS = "azure-key-of-a-client", "azure-key-of-nobody", "CANARY-our-own-key-of-azure"
HOST = "my-res.openai.azure.com:443"
ONE = f"my-res:gpt-4o:{KEY}"
SEVERAL = f"my-res:chat|gpt-4o,gpt-4o-mini|gpt-4o-mini:{KEY}"
# With `*` as the list, nothing but the name itself stands between a key and a host. The Functions host refuses headers
# that are not ASCII.
HOSTILE = (
    "evil.example",
    "evil.example/my-res",
    "evil.example#.openai.azure.com",
    "evil.example?.openai.azure.com",
    "evil.example\\.openai.azure.com",
    "user@evil.example",
    "my-res.openai.azure.com.evil.example",
    "my-res.openai.azure.com@evil.example",
    "evil.example%2f.openai.azure.com",
    "evil.example:443",
    "evil.my-res.openai.azure.com",
    "my-res.openai.azure.com.",
    "my-res.evil.azure.com",
    "my_res",
    "-my-res",
    "my-res-",
    "m" * 64,
    "my res",
    "127.0.0.1",
    "localhost.localdomain",
    "169.254.169.254",
    "[::1]",
    "..",
    "*",
    "",
)


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """An app, the way from it to Azure, and the resource that stands for all."""

    app: HostProcess
    way: FakeHttpProxy
    azure: Simulator


@asynccontextmanager
async def cloud(resources: str) -> AsyncIterator[Cloud]:
    async with (
        Simulator(keys=[KEY, OURS]).serving() as azure,
        FakeHttpProxy(int(azure.url.rpartition(":")[2])) as way,
        running_host(
            REPOSITORY,
            way.environ()
            | {"CLIENT_AUTH": "resource-key", "CLIENT_RESOURCES": resources, "AZURE_OPENAI_API_KEY": OURS},
        ) as app,
    ):
        yield Cloud(app=app, way=way, azure=azure)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listed() -> AsyncIterator[Cloud]:
    """An app whose operator allows two resources."""
    async with cloud("my-res, gov.openai.azure.us") as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def open_to_all() -> AsyncIterator[Cloud]:
    async with cloud("*") as running:
        yield running


def sdk(cloud: Cloud, key: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{cloud.app.url}/v1", api_key=key, max_retries=0)


@contextmanager
def nothing_sent(cloud: Cloud) -> Iterator[None]:
    """Check that not even a connection was asked for."""
    before = len(cloud.way.tunnels), len(cloud.azure.requests)
    yield
    assert (len(cloud.way.tunnels), len(cloud.azure.requests)) == before


async def asked(cloud: Cloud, key: str, model: str = "anything") -> tuple[int, str]:
    async with (
        aiohttp.ClientSession(cloud.app.url) as http,
        http.post(CHAT, data=chat(model), headers={"authorization": f"Bearer {key}"}) as answer,
    ):
        return answer.status, await answer.text()


async def test_a_key_of_one_deployment_sends_every_model_there(listed: Cloud) -> None:
    async with sdk(listed, ONE) as client:
        for model in ("gpt-4o", "gpt-3.5-turbo", "whatever: it is called"):
            answer = await client.chat.completions.create(model=model, messages=HELLO)
            assert answer.choices[0].message.content == ECHO
            assert listed.azure.requests[-1].raw_path == "/openai/deployments/gpt-4o/chat/completions"
        assert set(listed.way.tunnels) == {HOST}
    sent = {name.lower(): value for name, value in listed.azure.requests[-1].headers.items()}
    assert (sent["api-key"], sent["host"]) == (KEY, "my-res.openai.azure.com")
    assert "authorization" not in sent


async def test_a_key_of_several_deployments_maps_each_model(listed: Cloud) -> None:
    async with sdk(listed, SEVERAL) as client:
        for model, deployment in (("chat", "gpt-4o"), ("gpt-4o-mini", "gpt-4o-mini"), ("gpt-4o", "gpt-4o")):
            stream = await client.chat.completions.create(model=model, messages=HELLO, stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ECHO
            assert listed.azure.requests[-1].raw_path == f"/openai/deployments/{deployment}/chat/completions"
        response = await client.responses.create(model="chat", input="hello world")
        assert response.output_text == ECHO
        assert b'"gpt-4o"' in listed.azure.requests[-1].body


async def test_a_model_that_the_key_does_not_name_is_not_found_and_near_names_are_told(listed: Cloud) -> None:
    async with sdk(listed, SEVERAL) as client:
        with nothing_sent(listed), pytest.raises(openai.NotFoundError) as raised:
            await client.chat.completions.create(model="gpt-4o-min", messages=HELLO)
    assert raised.value.code == "model_not_found"
    assert "gpt-4o-mini" in raised.value.message


async def test_the_models_are_those_of_the_key(listed: Cloud) -> None:
    with nothing_sent(listed):
        async with sdk(listed, SEVERAL) as client:
            assert sorted([model.id async for model in client.models.list()]) == ["chat", "gpt-4o", "gpt-4o-mini"]
        async with sdk(listed, ONE) as client:
            assert [model.id async for model in client.models.list()] == ["gpt-4o"]


@pytest.mark.parametrize(
    ("version", "path", "query"),
    [
        ("", "/openai/deployments/gpt-4o/chat/completions", {"api-version": "2025-04-01-preview"}),
        (":2024-10-21", "/openai/deployments/gpt-4o/chat/completions", {"api-version": "2024-10-21"}),
        (":v1", "/openai/v1/chat/completions", {}),
    ],
)
async def test_an_api_version_may_stand_behind_the_key(
    listed: Cloud, version: str, path: str, query: dict[str, str]
) -> None:
    assert (await asked(listed, ONE + version))[0] == 200
    last = listed.azure.requests[-1]
    assert (last.raw_path, dict(last.query)) == (path, query)


async def test_azure_s_own_client_works_with_such_a_key(listed: Cloud) -> None:
    async with AsyncAzureOpenAI(
        azure_endpoint=listed.app.url, api_key=SEVERAL, api_version="2024-10-21", max_retries=0
    ) as azure:
        answer = await azure.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert answer.choices[0].message.content == ECHO
    assert listed.azure.requests[-1].raw_path == "/openai/deployments/gpt-4o-mini/chat/completions"


async def test_a_resource_may_be_named_by_its_whole_host(listed: Cloud) -> None:
    assert (await asked(listed, f"gov.openai.azure.us:gpt-4o:{KEY}"))[0] == 200
    assert listed.way.tunnels[-1] == "gov.openai.azure.us:443"
    assert (await asked(listed, f"MY-RES.OpenAI.azure.com:gpt-4o:{KEY}"))[0] == 200


async def test_a_key_that_azure_refuses_is_the_client_s(listed: Cloud) -> None:
    async with sdk(listed, f"my-res:gpt-4o:{WRONG}") as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize(
    "key",
    [
        f"other:gpt-4o:{KEY}",
        f"gov:gpt-4o:{KEY}",
        f"my-res.openai.azure.us:gpt-4o:{KEY}",
        KEY,
        f"my-res:{KEY}",
        f"my-res:gpt-4o:{KEY}:latest",
        f"my-res:gpt-4o:{KEY}:2024-10-21:more",
        f"my-res:../gpt-4o:{KEY}",
        f"my-res:chat|gpt-4o,chat|gpt-4o-mini:{KEY}",
        "my-res:gpt-4o:",
    ],
)
async def test_a_resource_that_is_not_listed_and_a_malformed_key_are_refused_alike_and_nothing_is_sent(
    listed: Cloud, key: str
) -> None:
    with nothing_sent(listed):
        status, text = await asked(listed, key)
    assert status == 401
    assert '"invalid_api_key"' in text
    assert text == (await asked(listed, "nonsense"))[1]


async def test_the_star_lets_every_resource_of_azure_in(open_to_all: Cloud) -> None:
    for name in ("one", "another-2"):
        assert (await asked(open_to_all, f"{name}:gpt-4o:{KEY}"))[0] == 200
        assert open_to_all.way.tunnels[-1] == f"{name}.openai.azure.com:443"


async def test_resources_that_are_called_at_the_same_time_are_not_mixed_up(open_to_all: Cloud) -> None:
    before = len(open_to_all.azure.requests)

    async def ask(number: int) -> None:
        name = f"res-{number % 3}"
        assert (await asked(open_to_all, f"{name}:gpt-4o:{KEY}", name))[0] == 200

    await asyncio.gather(*(ask(number) for number in range(30)))
    made = open_to_all.azure.requests[before:]
    assert len(made) == 30
    for request in made:
        assert request.headers["Host"].removesuffix(".openai.azure.com") == json.loads(request.body)["model"]


@pytest.mark.parametrize("name", HOSTILE)
async def test_no_name_leads_anywhere_but_to_azure(open_to_all: Cloud, name: str) -> None:
    with nothing_sent(open_to_all):
        status, text = await asked(open_to_all, f"{name}:gpt-4o:{KEY}")
        assert (status, '"invalid_api_key"' in text) == (401, True)


@pytest.mark.parametrize("running", ["listed", "open_to_all"])
async def test_no_key_was_written_down_and_ours_was_never_sent(request: pytest.FixtureRequest, running: str) -> None:
    one: Cloud = request.getfixturevalue(running)
    await one.app.wait_for_output('"client":"resource-key"')
    for key in (KEY, WRONG, OURS):
        assert key not in one.app.output()
    assert all(OURS not in str(dict(sent.headers)) for sent in one.azure.requests)


async def test_what_one_resource_asks_to_wait_does_not_keep_anybody_from_another(open_to_all: Cloud) -> None:
    before = len(open_to_all.azure.requests)
    for name in ("throttled", "another"):
        status, _ = await asked(open_to_all, f"{name}:error-429-old:{KEY}")
        assert status == 429
    assert len(open_to_all.azure.requests) == before + 2
