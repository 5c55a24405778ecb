"""A client key with models: another model does not exist for it, wherever a request names one."""

import json
from collections.abc import AsyncIterator, Mapping

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.node import run_script
from tests.integration.several import FORGETFUL, official
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

LIMITED_KEY = "sk-limited-0123456789abcdef"
MODELS = ["gpt-4o", "failing", "text-embedding-3*", "gpt-realtime", "whisper"]
HIDDEN = "gpt-4o-mini"
OTHERS = "whisper=whisper,gpt-realtime=gpt-realtime,dall-e-3=dall-e-3"
DEPLOYMENT_PATH = f"../openai/deployments/{HIDDEN}/chat/completions?api-version=2025-04-01-preview"
TRANSCRIBED = {"audio": {"input": {"transcription": {"model": HIDDEN}}}}
KEYS = {
    "tester": {"key": CLIENT_KEY},
    "limited": {"key": LIMITED_KEY, "models": MODELS},
}
IMAGE_TOOL = {"type": "image_generation", "model": "dall-e-3"}


def environ(simulator: Simulator) -> dict[str, str]:
    mapper = "chat=gpt-4o,gpt-4o=gpt-4o,gpt-4o-mini=gpt-4o-mini,text-embedding-3-small=text-embedding-3-small"
    return environ_for(simulator) | {
        "CLIENT_KEYS": json.dumps(KEYS),
        "AZURE_OPENAI_MODEL_MAPPER": f"{mapper},{OTHERS},failing=error-429-old",
        "AZURE_OPENAI_DEFAULT_DEPLOYMENTS": '{"chat": "gpt-4o-mini", "images": "dall-e-3"}',
        "AZURE_OPENAI_FALLBACKS": '{"failing": ["gpt-4o-mini"]}',
        "AZURE_OPENAI_ROUTING": FORGETFUL,
        "FORWARD_UNKNOWN_OPERATIONS": "true",
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ(simulator)) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def sdk(host: HostProcess) -> AsyncIterator[AsyncOpenAI]:
    async with official(f"{host.url}/v1", LIMITED_KEY) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def session(host: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {LIMITED_KEY}"}) as running:
        yield running


async def test_a_model_of_the_key_answers(sdk: AsyncOpenAI) -> None:
    assert (await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)).choices
    assert (await sdk.embeddings.create(model="text-embedding-3-small", input="x")).data
    assert (await sdk.responses.create(model="gpt-4o", input="x")).output_text
    assert (await sdk.audio.transcriptions.create(model="whisper", file=("a.wav", b"RIFF"))).text


async def test_only_the_models_of_the_key_are_listed(sdk: AsyncOpenAI, host: HostProcess) -> None:
    assert {model.id async for model in sdk.models.list()} == {
        "failing",
        "gpt-4o",
        "text-embedding-3-small",
        "whisper",
        "gpt-realtime",
    }
    assert (await sdk.models.retrieve("gpt-4o")).id == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        await sdk.models.retrieve(HIDDEN)
    async with official(f"{host.url}/v1", CLIENT_KEY) as other:
        assert HIDDEN in {model.id async for model in other.models.list()}


async def test_another_model_is_not_found_and_the_nearest_of_the_key_is_named(
    sdk: AsyncOpenAI, simulator: Simulator
) -> None:
    sent = len(simulator.requests)
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.chat.completions.create(model=HIDDEN, messages=HELLO)
    assert caught.value.code == "model_not_found"
    assert "`gpt-4o`" in caught.value.message
    assert len(simulator.requests) == sent


CHAT = {"model": HIDDEN, "messages": HELLO}
REFUSED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "chat": ("chat/completions", CHAT),
    "a name in the path of Azure": (DEPLOYMENT_PATH, {}),
    "a completion": ("completions", {"model": HIDDEN, "prompt": "x"}),
    "a name that a default deployment would serve": ("chat/completions", {**CHAT, "model": "text-embedding-3x"}),
    "an alias": ("chat/completions", {**CHAT, "model": "chat"}),
    "a response": ("responses", {"model": HIDDEN, "input": "x"}),
    "the images of a response": ("responses", {"model": "gpt-4o", "input": "x", "tools": [IMAGE_TOOL]}),
    "an image": ("images/generations", {"model": "dall-e-3", "prompt": "x"}),
    "an assistant": ("assistants", {"model": HIDDEN}),
    "a run": ("threads/thread_x/runs", {"assistant_id": "asst_x", "model": HIDDEN}),
    "a thread and run": ("threads/runs", {"assistant_id": "asst_x", "model": HIDDEN}),
    "a session": ("realtime/client_secrets", {"session": {"type": "realtime", "model": HIDDEN}}),
    "the transcriber of a session": (
        "realtime/client_secrets",
        {"session": {"type": "realtime", "model": "gpt-realtime", **TRANSCRIBED}},
    ),
    "a grader": ("fine_tuning/alpha/graders/run", {"grader": {"type": "score_model", "model": HIDDEN}}),
    "the grader of a fine-tuning": (
        "fine_tuning/jobs",
        {"model": "gpt-4o", "training_file": "x", "method": {"reinforcement": {"grader": {"model": HIDDEN}}}},
    ),
    "a fine-tuning": ("fine_tuning/jobs", {"model": HIDDEN, "training_file": "x"}),
    "the judge of an eval": ("evals", {"testing_criteria": [{"type": "label_model", "model": HIDDEN}]}),
    "the data of an eval": ("evals/eval_x/runs", {"data_source": {"type": "completions", "model": HIDDEN}}),
}  # fmt: skip


@pytest.mark.parametrize("where", REFUSED)
async def test_another_model_is_refused_wherever_it_is_named(
    session: aiohttp.ClientSession, simulator: Simulator, where: str
) -> None:
    path, body = REFUSED[where]
    sent = len(simulator.requests)
    async with session.post(f"/v1/{path}".replace("/v1/../", "/"), json=body or CHAT) as answer:
        error = (await answer.json())["error"]
    assert (answer.status, error["code"]) == (404, "model_not_found")
    assert len(simulator.requests) == sent


UNNAMED: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "a run that leaves the model to its assistant": ("threads/thread_x/runs", {"assistant_id": "asst_x"}),
    "a thread and run that does": ("threads/runs", {"assistant_id": "asst_x"}),
    "a response that leaves the model to its prompt": ("responses", {"prompt": {"id": "pmpt_x"}}),
    "an image by the default deployment": ("images/generations", {"prompt": "x"}),
    "a batch in parts": ("uploads", {"purpose": "batch", "filename": "x", "bytes": 1, "mime_type": "text/jsonl"}),
    "an operation that nobody knows": ("brand/new", {"model": HIDDEN}),
}


@pytest.mark.parametrize("what", UNNAMED)
async def test_what_may_use_any_model_is_refused(
    session: aiohttp.ClientSession, simulator: Simulator, what: str
) -> None:
    path, body = UNNAMED[what]
    sent = len(simulator.requests)
    async with session.post(f"/v1/{path}", json=body) as answer:
        assert answer.status == 400
    assert len(simulator.requests) == sent


async def test_the_deployment_of_a_header_is_refused(session: aiohttp.ClientSession) -> None:
    headers = {"x-ms-oai-image-generation-deployment": "dall-e-3"}
    async with session.post("/v1/responses", json={"model": "gpt-4o", "input": "x"}, headers=headers) as answer:
        assert answer.status == 404


async def test_the_form_of_a_transcription_is_refused(sdk: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        await sdk.audio.transcriptions.create(model=HIDDEN, file=("a.wav", b"RIFF"))


@pytest.mark.parametrize("model", [HIDDEN, "chat", "nothing"])
async def test_a_line_of_a_batch_is_refused_with_its_number(sdk: AsyncOpenAI, simulator: Simulator, model: str) -> None:
    lines = b"".join(
        json.dumps({"custom_id": name, "body": {"model": name}}).encode() + b"\n" for name in ("gpt-4o", model)
    )
    sent = len(simulator.requests)
    with pytest.raises(openai.NotFoundError) as caught:
        await sdk.files.create(file=("in.jsonl", lines), purpose="batch")
    assert "Line 2 of your file" in caught.value.message
    assert len(simulator.requests) == sent


async def test_a_fallback_outside_of_the_key_s_models_is_not_taken(sdk: AsyncOpenAI, host: HostProcess) -> None:
    with pytest.raises(openai.RateLimitError):
        await sdk.chat.completions.create(model="failing", messages=HELLO)
    async with official(f"{host.url}/v1", CLIENT_KEY) as other:
        assert (await other.chat.completions.create(model="failing", messages=HELLO)).model.startswith(HIDDEN)


async def test_the_sdk_of_node_reads_the_same(host: HostProcess) -> None:
    came = await run_script("keys.js", {"URL": host.url, "KEY": LIMITED_KEY})
    refused = came["another model"]
    assert isinstance(refused, dict)
    assert "`gpt-4o`" in refused.pop("message")
    assert refused.pop("requestID")
    assert came == {
        "a model of the key": ECHO,
        "another model": {
            "class": "NotFoundError",
            "status": 404,
            "code": "model_not_found",
            "type": "invalid_request_error",
            "param": None,
        },
        "models": ["failing", "gpt-4o", "gpt-realtime", "text-embedding-3-small", "whisper"],
    }
