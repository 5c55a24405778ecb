"""Clients that bring the key of Azure OpenAI (CLIENT_AUTH=azure-key): it alone goes to Azure, which judges it."""

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.fakes.identity import FakeIdentity
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# Azure takes all three: what goes out with ours would succeed, and be seen.
OURS, THEIRS, OTHERS = "CANARY-our-own-key-of-azure", "azure-key-of-a-client", "azure-key-of-another-client"
WRONG = "azure-key-of-nobody"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Simulator]:
    async with Simulator(keys=[OURS, THEIRS, OTHERS]).serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def identity() -> AsyncIterator[FakeIdentity]:
    async with FakeIdentity() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def app(azure: Simulator, identity: FakeIdentity) -> AsyncIterator[HostProcess]:
    environ = {
        "CLIENT_AUTH": "azure-key",
        "AZURE_OPENAI_ENDPOINT": azure.url,
        "AZURE_OPENAI_API_KEY": OURS,
        "AZURE_OPENAI_MODEL_MAPPER": "chat=gpt-4o,gpt-4o=gpt-4o",
    }
    async with running_host(REPOSITORY, environ | identity.environ()) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{app.url}/v1", api_key=THEIRS, max_retries=0) as sdk:
        yield sdk


@pytest_asyncio.fixture(loop_scope="session")
async def http(app: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(app.url) as session:
        yield session


def sent(azure: Simulator) -> dict[str, str]:
    """Return the headers of the last call, in lower case."""
    return {name.lower(): value for name, value in azure.requests[-1].headers.items()}


@pytest.mark.parametrize("key", [THEIRS, OTHERS])
@pytest.mark.parametrize("name", ["authorization", "api-key"])
async def test_the_client_s_key_goes_to_azure_as_azure_wants_it(
    http: aiohttp.ClientSession, azure: Simulator, name: str, key: str
) -> None:
    value = f"Bearer {key}" if name == "authorization" else key
    async with http.post(CHAT, data=chat("chat"), headers={name: value}) as answer:
        assert answer.status == 200
    assert sent(azure)["api-key"] == key
    assert "authorization" not in sent(azure)
    assert azure.requests[-1].raw_path == "/openai/deployments/gpt-4o/chat/completions"


async def test_the_sdk_chats_streams_and_sends_files(client: AsyncOpenAI, azure: Simulator) -> None:
    plain = await client.chat.completions.create(model="chat", messages=HELLO)
    assert plain.choices[0].message.content == ECHO
    stream = await client.chat.completions.create(model="chat", messages=HELLO, stream=True)
    assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ECHO
    response = await client.responses.create(model="chat", input="hello world")
    assert response.output_text == ECHO
    heard = await client.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF"))
    assert heard.text
    assert sent(azure)["api-key"] == THEIRS


async def test_keys_that_come_at_the_same_time_are_not_mixed_up(http: aiohttp.ClientSession, azure: Simulator) -> None:
    before = len(azure.requests)

    async def ask(number: int) -> None:
        key = (THEIRS, OTHERS, WRONG)[number % 3]
        body = chat("chat", f"key {key}", stream=number % 2 == 0)
        async with http.post(CHAT, data=body, headers={"api-key": key}) as answer:
            assert answer.status == (401 if key == WRONG else 200)
            await answer.read()

    await asyncio.gather(*(ask(number) for number in range(60)))
    made = azure.requests[before:]
    assert len(made) == 60
    for request in made:
        assert f"key {request.headers['api-key']}" in request.body.decode()


async def test_a_wrong_key_is_refused_as_openai_refuses_it(app: HostProcess, azure: Simulator) -> None:
    async with AsyncOpenAI(base_url=f"{app.url}/v1", api_key=WRONG, max_retries=0) as sdk:
        for call in (
            sdk.chat.completions.create(model="chat", messages=HELLO),
            sdk.chat.completions.create(model="chat", messages=HELLO, stream=True),
            sdk.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF")),
            sdk.files.list(),
        ):
            with pytest.raises(openai.AuthenticationError) as raised:
                await call
            assert (raised.value.status_code, raised.value.code) == (401, "invalid_api_key")
            assert raised.value.type == "invalid_request_error"
            assert WRONG not in str(raised.value)
            assert sent(azure)["api-key"] == WRONG


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer "},
        {"authorization": f"Basic {THEIRS}"},
        {"authorization": f"Bearer {THEIRS}", "api-key": OTHERS},
        {"api-key": "two words"},
        {"api-key": "x" * 600},
    ],
    ids=["none", "empty", "basic", "two", "spaced", "long"],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/models", "/v1/nothing"])
async def test_what_is_no_key_is_refused_before_azure(
    http: aiohttp.ClientSession, azure: Simulator, path: str, headers: dict[str, str]
) -> None:
    before = len(azure.requests)
    method = "POST" if path == CHAT else "GET"
    async with http.request(method, path, data=chat() if path == CHAT else None, headers=headers) as answer:
        assert (answer.status, set(await answer.json())) == (401, {"error"})
    assert len(azure.requests) == before


@pytest.mark.parametrize("path", ["/v1/models", "/v1/models/chat", "/dashboard/billing/usage"])
async def test_what_the_proxy_answers_itself_is_for_those_whose_key_azure_takes(
    http: aiohttp.ClientSession, path: str
) -> None:
    async with http.get(path, headers={"api-key": WRONG}) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (401, "invalid_api_key")
    async with http.get(path, headers={"api-key": THEIRS}) as answer:
        assert answer.status == 200


async def test_the_right_key_lists_the_models_of_the_mapping(client: AsyncOpenAI) -> None:
    assert [model.id async for model in client.models.list()] == ["chat", "gpt-4o"]


async def test_a_throttled_client_reads_azure_s_wait(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        await client.chat.completions.create(model="error-429-old", messages=HELLO)
    assert raised.value.response.headers["retry-after"] == "7"


async def test_a_client_that_may_not_is_told_and_not_blamed_on_us(client: AsyncOpenAI) -> None:
    for name in ("error-401-role", "error-403-network"):
        with pytest.raises(openai.PermissionDeniedError):
            await client.chat.completions.create(model=name, messages=HELLO)


async def test_health_needs_no_key_of_ours(http: aiohttp.ClientSession) -> None:
    async with http.get("/health") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok", "reasons": []})


async def test_what_is_ours_never_left_and_no_key_was_written_down(
    app: HostProcess, azure: Simulator, identity: FakeIdentity
) -> None:
    lines = [json.loads(line) for line in app.output().splitlines() if line.startswith('{"request_id"')]
    assert {line.get("client") for line in lines} == {"azure-key", None}
    for key in (OURS, THEIRS, OTHERS, WRONG):
        assert key not in app.output()
    assert azure.requests
    assert all(OURS not in str(dict(request.headers)) for request in azure.requests)
    assert identity.calls == []
