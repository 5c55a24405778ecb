"""The calls that clients make, on Microsoft's hosts."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, AuthenticationError, NotFoundError
from openai.types.chat import ChatCompletionMessageParam

from tests.real_host.app import CHAT, CLIENT_KEY, App, running_app
from tests.real_host.hosts import FLEX, FUNC, KINDS, PRODUCTION

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "one two three"}]
HEADERS = {"authorization": f"Bearer {CLIENT_KEY}"}
PREFLIGHT = {"origin": "https://app.example", "access-control-request-method": "POST"}
SIZE = 1_000_000


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=KINDS, ids=lambda kind: kind.name)
async def app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[App]:
    async with running_app(request.param, tmp_path_factory.mktemp("calls")) as running:
        yield running
        assert running.unexpected() == []
        await running.host.end()
    assert running.host.session() == []


@pytest_asyncio.fixture(loop_scope="session")
async def client(app: App) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(base_url=f"{app.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
        yield sdk


@pytest_asyncio.fixture(loop_scope="session")
async def http(app: App) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(app.url, headers=HEADERS) as session:
        yield session


async def test_a_chat_is_answered(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o", messages=MESSAGES)
    assert "one two three" in (answer.choices[0].message.content or "")
    assert answer.usage is not None


async def test_every_event_arrives_before_azure_has_sent_the_next(app: App, client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="gated", messages=MESSAGES, stream=True)
    words: list[str] = []
    chunks = aiter(stream)
    while not words or not words[-1].endswith("three"):
        app.azure.gate.release()
        word = ""
        while not word:
            chunk = await anext(chunks)
            word = (chunk.choices[0].delta.content or "") if chunk.choices else ""
        words.append(word)
    app.azure.gate.release()
    assert [one async for one in chunks][-1].id
    assert len(words) > 1


async def test_a_response_is_answered_and_streamed(client: AsyncOpenAI) -> None:
    answer = await client.responses.create(model="gpt-4o", input="one two three")
    assert "one two three" in answer.output_text
    events = [event.type async for event in await client.responses.create(model="gpt-4o", input="x", stream=True)]
    assert (events[0], events[-1]) == ("response.created", "response.completed")


async def test_embeddings_are_answered(app: App, client: AsyncOpenAI) -> None:
    answer = await client.embeddings.create(model="text-embedding-3-small", input="one")
    assert answer.data[0].embedding


@pytest.mark.parametrize("framing", ["length", "chunked"])
async def test_a_file_arrives_whole(app: App, http: aiohttp.ClientSession, framing: str) -> None:
    content = bytes(range(256)) * (SIZE // 256)
    form = b"".join(form_of(content))

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(form), 65536):
            yield form[start : start + 65536]

    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with http.post("/v1/files", data=form if framing == "length" else pieces(), headers=headers) as answer:
        assert answer.status in (200, 201), await answer.text()
        uploaded = await answer.json()
    async with http.get(f"/v1/files/{uploaded['id']}/content") as answer:
        assert await answer.read() == content


def form_of(content: bytes) -> Iterator[bytes]:
    """Yield the parts of a form that uploads a file."""
    yield b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
    yield b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.bin"\r\n\r\n' + content + b"\r\n--b--\r\n"


async def test_head_has_no_body_and_holds_nobody_up(http: aiohttp.ClientSession) -> None:
    for method in ("HEAD", "GET"):
        async with http.request(method, "/v1/models") as answer:
            assert answer.status == 200
            assert (len(await answer.read()) > 0) is (method == "GET")


async def test_a_preflight_is_answered_by_whoever_answers_it_there(app: App, http: aiohttp.ClientSession) -> None:
    async with http.options(CHAT, headers=PREFLIGHT) as answer:
        assert answer.status == 204
        allowed = answer.headers.get("access-control-allow-origin")
    # Core Tools has Host.CORS of the example, on Flex the platform's list is empty here.
    assert allowed == {FUNC.name: "*", PRODUCTION.name: "*", FLEX.name: None}[app.kind.name]


async def test_unknown_paths_and_methods_are_errors_as_openai_s_and_of_the_host(http: aiohttp.ClientSession) -> None:
    for method, path, status in (("GET", "/v1/nothing", 404), ("PATCH", CHAT, 405)):
        async with http.request(method, path) as answer:
            assert answer.status == status
            assert (await answer.json())["error"]["message"]
    async with http.request("BREW", CHAT) as answer:
        assert (answer.status, await answer.read()) == (404, b"")


async def test_a_wrong_key_and_an_unknown_model_are_the_sdk_s_own_exceptions(app: App, client: AsyncOpenAI) -> None:
    with pytest.raises(AuthenticationError):
        await client.with_options(api_key="sk-wrong").chat.completions.create(model="gpt-4o", messages=MESSAGES)
    with pytest.raises(NotFoundError):
        await client.chat.completions.create(model="nothing", messages=MESSAGES)


async def test_many_streams_at_once_are_all_whole(http: aiohttp.ClientSession) -> None:
    body = {"model": "gpt-4o", "stream": True, "messages": MESSAGES}

    async def read() -> bytes:
        async with http.post(CHAT, json=body) as answer:
            return await answer.read()

    for raw in await asyncio.gather(*(read() for _ in range(50))):
        assert raw.endswith(b"data: [DONE]\n\n")
