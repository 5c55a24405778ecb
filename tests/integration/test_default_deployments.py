"""Models that clients ask for by themselves, and requests without one: the default deployment of each kind answers."""

import json
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.fakes.resource_manager import deployment
from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.several import official
from tests.integration.test_discovery import one_resource, standing_for
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

DEFAULTS = {
    "chat": "gpt-4o-mini",
    "embeddings": "text-embedding-3-small",
    "images": "dall-e-3",
    "transcriptions": "whisper",
    "speech": "gpt-4o-mini-tts",
    "videos": "sora-2",
    "realtime": "gpt-realtime",
}
PROMPT = {"prompt": "a cat"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    environ = environ_for(simulator) | {"AZURE_OPENAI_DEFAULT_DEPLOYMENTS": json.dumps(DEFAULTS)}
    async with running_host(REPOSITORY, environ) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(host: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with official(f"{host.url}/v1", CLIENT_KEY) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def session(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as running:
        yield running


async def test_each_kind_of_model_has_its_default_deployment(sdk: AsyncOpenAI, simulator: Simulator) -> None:
    answer = await sdk.chat.completions.create(model="gpt-3.5-turbo", messages=HELLO)
    assert answer.choices[0].message.content == ECHO
    assert standing_for(simulator) == "gpt-4o-mini"
    await sdk.chat.completions.create(model="chat", messages=HELLO)
    assert standing_for(simulator) == "gpt-4o"
    assert (await sdk.responses.create(model="gpt-5-mini", input="x")).model.startswith("gpt-4o-mini")
    await sdk.embeddings.create(model="text-embedding-ada-002", input="x")
    assert standing_for(simulator) == "text-embedding-3-small"
    await sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF"))
    assert standing_for(simulator) == "whisper"
    await sdk.audio.speech.create(model="tts-1", voice="alloy", input="x")
    assert standing_for(simulator) == "gpt-4o-mini-tts"
    await sdk.images.generate(model="gpt-image-1-mini", prompt="x")
    assert standing_for(simulator) == "dall-e-3"


async def test_a_default_deployment_is_listed_and_answers_to_its_own_name(
    sdk: AsyncOpenAI, simulator: Simulator
) -> None:
    assert set(DEFAULTS.values()) < {model.id async for model in sdk.models.list()}
    await sdk.images.generate(model="dall-e-3", prompt="x")
    assert standing_for(simulator) == "dall-e-3"


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("/v1/images/generations", PROMPT, "images"),
        ("/v1/audio/speech", {"voice": "alloy", "input": "x"}, "speech"),
    ],
)
async def test_json_may_leave_the_model_out(
    session: aiohttp.ClientSession, simulator: Simulator, path: str, body: dict[str, str], kind: str
) -> None:
    async with session.post(path, json=body) as answer:
        assert answer.status == 200, await answer.text()
    assert standing_for(simulator) == DEFAULTS[kind]


@pytest.mark.parametrize(
    ("path", "file", "kind"),
    [
        ("/v1/images/edits", "image", "images"),
        ("/v1/audio/transcriptions", "file", "transcriptions"),
        ("/v1/audio/translations", "file", "transcriptions"),
    ],
)
async def test_a_form_may_leave_the_model_out(
    session: aiohttp.ClientSession, simulator: Simulator, path: str, file: str, kind: str
) -> None:
    form = aiohttp.FormData(PROMPT)
    form.add_field(file, b"bytes", filename="a.png")
    async with session.post(path, data=form) as answer:
        assert answer.status == 200, await answer.text()
    assert standing_for(simulator) == DEFAULTS[kind]


async def test_a_video_and_a_prompt_may_leave_the_model_out(session: aiohttp.ClientSession) -> None:
    for asked in ({}, {"model": "sora-2-pro"}):
        form = aiohttp.FormData(PROMPT | asked, default_to_multipart=True)
        async with session.post("/v1/videos", data=form) as answer:
            assert (answer.status, (await answer.json())["model"]) == (200, "sora-2")
    async with session.post("/v1/responses", json={"prompt": {"id": "pmpt_1"}, "input": "x"}) as answer:
        assert answer.status == 200
        assert (await answer.json())["model"].startswith("gpt-4o-mini")


@pytest.mark.parametrize("body", [b"", b"{}", b'{"session":{"type":"realtime"}}'])
async def test_a_client_secret_may_be_asked_for_with_an_empty_body(session: aiohttp.ClientSession, body: bytes) -> None:
    async with session.post("/v1/realtime/client_secrets", data=body) as answer:
        assert answer.status == 200, await answer.text()
        assert (await answer.json())["session"]["model"] == "gpt-realtime"


async def test_the_images_of_a_response_are_made_by_the_default_deployment(
    session: aiohttp.ClientSession, simulator: Simulator
) -> None:
    body = {"model": "gpt-4o", "input": "x", "tools": [{"type": "image_generation"}]}
    async with session.post("/v1/responses", json=body) as answer:
        assert answer.status == 200, await answer.text()
    assert simulator.requests[-1].headers["x-ms-oai-image-generation-deployment"] == "dall-e-3"


async def test_chat_must_name_its_model(session: aiohttp.ClientSession) -> None:
    async with session.post("/v1/chat/completions", json={"messages": HELLO}) as answer:
        assert answer.status == 400
        assert (await answer.json())["error"]["param"] == "model"


async def test_without_a_default_a_request_without_a_model_is_refused(http: aiohttp.ClientSession) -> None:
    for path, body in (("/v1/images/generations", PROMPT), ("/v1/realtime/client_secrets", {})):
        async with http.post(path, json=body) as answer:
            assert (answer.status, (await answer.json())["error"]["code"]) == (400, "missing_required_parameter")
    form = aiohttp.FormData()
    form.add_field("file", b"bytes", filename="a.wav")
    async with http.post("/v1/audio/transcriptions", data=form) as answer:
        assert (answer.status, (await answer.json())["error"]["param"]) == (400, "model")


async def test_without_a_list_one_default_deployment_serves_every_kind_and_a_line_at_start_says_so(
    simulator: Simulator,
) -> None:
    environ = environ_for(simulator) | {"AZURE_OPENAI_DEFAULT_DEPLOYMENT": "gpt-4o"}
    async with running_host(REPOSITORY, environ) as running, official(f"{running.url}/v1", CLIENT_KEY) as sdk:
        await sdk.chat.completions.create(model="gpt-5-nano", messages=HELLO)
        assert standing_for(simulator) == "gpt-4o"
        await sdk.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"RIFF"))
        assert standing_for(simulator) == "gpt-4o"
        await running.wait_for_output("serves embeddings, images, transcriptions, speech, videos, realtime too")


async def test_a_deployment_that_azure_lists_serves_the_models_of_its_kind() -> None:
    hearing = deployment("hear", model="whisper", capabilities={})
    async with one_resource(
        deployment("team-chat", model="gpt-4.1"), hearing, deployed={"team-chat": "gpt-4.1", "hear": "whisper-001"}
    ) as (talk, resource, _):
        await talk.until_listed("hear")
        await talk.sdk.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", b"RIFF"))
        assert standing_for(resource) == "hear"
        await talk.sdk.chat.completions.create(model="gpt-3.5-turbo", messages=HELLO)
        assert standing_for(resource) == "team-chat"
        with pytest.raises(openai.NotFoundError, match="dall-e-3"):
            await talk.sdk.images.generate(model="dall-e-3", prompt="x")
