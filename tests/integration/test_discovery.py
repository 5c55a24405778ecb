"""Deployments that nobody typed: read from Azure Resource Manager by the real identity SDK inside the app."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tests.fakes.identity import FakeIdentity
from tests.fakes.resource_manager import RESOURCE_ID, FakeResourceManager, deployment
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import official, told
from tests.integration.test_operations_files import LINES
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

MODEL, VERSION = "gpt-4.1", "2025-04-14"
CHAT, EMBED = "team-chat", "team-embed"
DEPLOYED = {CHAT: f"{MODEL}-{VERSION}", EMBED: "text-embedding-3-small"}
EMBEDDING = deployment(
    EMBED,
    model="text-embedding-3-small",
    capabilities={"embeddings": "true", "embeddingsMaxInputs": "2048"},
)


@dataclass(frozen=True, kw_only=True)
class Azure:
    """What gives tokens, and what lists the deployments."""

    identity: FakeIdentity
    manager: FakeResourceManager

    def environ(self) -> dict[str, str]:
        return self.identity.environ() | {"AZURE_RESOURCE_MANAGER_URL": self.manager.url}


@dataclass(frozen=True, kw_only=True)
class Talk:
    """An app and its clients."""

    app: HostProcess
    sdk: AsyncOpenAI

    async def models(self) -> dict[str, dict[str, object]]:
        """Return the models that are listed, by name."""
        return {model.id: model.to_dict() async for model in self.sdk.models.list()}

    async def until_listed(self, name: str) -> dict[str, dict[str, object]]:
        """Return the models as soon as one of the name is among them."""
        while name not in (models := await self.models()):
            pass
        return models

    async def ask(self, model: str) -> tuple[str | None, str | None]:
        """Return who answered a chat."""
        answer = await self.sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO)
        assert answer.parse().choices[0].message.content in (ECHO, "odd")
        return told(answer.headers)


@asynccontextmanager
async def cloud(items: Iterable[Mapping[str, object]], *, page_size: int = 100) -> AsyncIterator[Azure]:
    async with FakeIdentity() as identity, FakeResourceManager(page_size=page_size) as manager:
        manager.items = list(items)
        yield Azure(identity=identity, manager=manager)


@asynccontextmanager
async def talking(azure: Azure, environ: Mapping[str, str]) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        app = await stack.enter_async_context(running_host(REPOSITORY, {**azure.environ(), **environ}))
        sdk = await stack.enter_async_context(official(f"{app.url}/v1", CLIENT_KEY))
        yield Talk(app=app, sdk=sdk)


def of_one(resource: Simulator, **settings: str) -> dict[str, str]:
    """Return the settings of an app on one resource that types no mapping."""
    return {
        "AZURE_OPENAI_ENDPOINT": resource.url,
        "AZURE_OPENAI_API_KEY": DEFAULT_KEY,
        "AZURE_OPENAI_RESOURCE_ID": RESOURCE_ID,
        "CLIENT_KEYS": f"tester={CLIENT_KEY}",
        **settings,
    }


@asynccontextmanager
async def one_resource(
    *items: Mapping[str, object],
    deployed: Mapping[str, str] = DEPLOYED,
    fault: Fault | None = None,
    held: bool = False,
    page_size: int = 100,
    **settings: str,
) -> AsyncIterator[tuple[Talk, Simulator, Azure]]:
    """Run an app on one resource, of which Azure Resource Manager lists the items."""
    async with Simulator(deployments=deployed).serving() as resource, cloud(items, page_size=page_size) as azure:
        azure.manager.fault = fault
        if held:
            azure.manager.open.clear()
        async with talking(azure, of_one(resource, **settings)) as talk:
            yield talk, resource, azure


def standing_for(resource: Simulator) -> str:
    """Return the deployment that a resource was last asked for."""
    return resource.requests[-1].raw_path.split("/")[3]


async def test_models_and_deployments_are_listed_with_what_they_can_and_all_names_work() -> None:
    embedding = "text-embedding-3-small"
    names = {MODEL, f"{MODEL}-{VERSION}", CHAT}
    async with one_resource(deployment(CHAT), EMBEDDING, page_size=1) as (talk, resource, azure):
        models = await talk.until_listed(EMBED)
        assert len(azure.manager.calls) == 2
        assert models.keys() == {*names, embedding, f"{embedding}-{VERSION}", EMBED}
        assert {model["owned_by"] for model in models.values()} == {"azure-openai"}
        for name in names:
            assert models[name]["capabilities"] == {"chatCompletion": True}
            assert await talk.ask(name) == ("0", "1")
            assert standing_for(resource) == CHAT
        assert models[EMBED]["capabilities"] == {"embeddings": True}
        await talk.sdk.embeddings.create(model=embedding, input="hello")
        assert standing_for(resource) == EMBED
        assert (await talk.sdk.models.retrieve(CHAT)).id == CHAT
    assert azure.identity.calls[0] == azure.manager.url
    assert set(azure.manager.tokens) <= set(azure.identity.tokens)


async def test_a_model_of_a_kind_that_azure_does_not_list_is_not_found_and_near_ones_are_told() -> None:
    async with one_resource(deployment(CHAT)) as (talk, resource, _):
        await talk.until_listed(CHAT)
        with pytest.raises(openai.NotFoundError) as raised:
            await talk.sdk.embeddings.create(model="gpt-4.2", input="hello")
    assert raised.value.code == "model_not_found"
    assert MODEL in raised.value.message
    assert resource.requests == []


@pytest.mark.parametrize(
    ("fault", "cure"),
    [
        (Fault(status=403), "Cognitive Services OpenAI User"),
        (Fault(status=404), "AZURE_OPENAI_RESOURCE_ID"),
        (Fault(status=429, retry_after="60"), "too many requests"),
        (Fault(status=500), "AZURE_RESOURCE_MANAGER_URL"),
        (Fault(status=200, body="<html>"), "AZURE_RESOURCE_MANAGER_URL"),
    ],
    ids=["403", "404", "429", "500", "no list"],
)
async def test_while_azure_does_not_tell_its_deployments_their_names_work_and_the_log_says_why(
    fault: Fault, cure: str
) -> None:
    async with one_resource(deployment(CHAT), fault=fault) as (talk, _, _):
        assert await talk.ask(CHAT) == ("0", "1")
        with pytest.raises(openai.NotFoundError) as raised:
            await talk.ask(MODEL)
        assert raised.value.code == "model_not_found"
        await talk.app.wait_for_output("deployments of ")
        assert await talk.models() == {}
        async with aiohttp.ClientSession(talk.app.url) as http, http.get("/health") as answer:
            assert answer.status == 200
        line = next(line for line in talk.app.output().splitlines() if "deployments of " in line)
    assert cure in line
    assert "Traceback" not in talk.app.output()


async def test_azure_is_asked_again_and_what_it_then_lists_works() -> None:
    async with one_resource(deployment(CHAT), fault=Fault(status=429, retry_after="1")) as (talk, _, azure):
        assert await talk.ask(CHAT) == ("0", "1")
        await talk.app.wait_for_output("deployments of ")
        azure.manager.fault = None
        await talk.until_listed(MODEL)
        assert await talk.ask(MODEL) == ("0", "1")


async def test_no_request_waits_for_azure_s_list() -> None:
    async with one_resource(deployment(CHAT), held=True) as (talk, _, azure):
        await azure.manager.waiting.wait()
        assert await talk.ask(CHAT) == ("0", "1")
        assert await talk.models() == {}
        azure.manager.open.set()
        await talk.until_listed(CHAT)


async def test_what_is_typed_wins_over_what_azure_lists() -> None:
    deployed = {**DEPLOYED, "typed": "gpt-4o-2024-11-20"}
    items = (deployment(CHAT), deployment("typed", model="gpt-4o"))
    mapper = f"{MODEL}=typed, nickname={CHAT}"
    async with one_resource(*items, deployed=deployed, AZURE_OPENAI_MODEL_MAPPER=mapper) as (talk, resource, _):
        models = await talk.until_listed(CHAT)
        assert models.keys() >= {MODEL, "nickname", CHAT, "typed", "gpt-4o"}
        for name, expected in ((MODEL, "typed"), ("nickname", CHAT), (CHAT, CHAT), ("gpt-4o", "typed")):
            await talk.ask(name)
            assert standing_for(resource) == expected


async def test_what_is_paid_for_is_asked_first_and_spills_over() -> None:
    """Two deployments of one model at one resource: the provisioned one is too busy."""
    items = (deployment(CHAT), deployment("error-429-old", sku="ProvisionedManaged"))
    async with one_resource(*items) as (talk, resource, _):
        await talk.until_listed(MODEL)
        assert await talk.ask(MODEL) == ("0", "2")
        assert await talk.ask(MODEL) == ("0", "1")
    assert [request.raw_path.split("/")[3] for request in resource.requests] == ["error-429-old", CHAT, CHAT]


async def test_deployments_for_batches_serve_batches_alone() -> None:
    deployed = {**DEPLOYED, "for-batches": f"{MODEL}-{VERSION}"}
    items = (deployment("for-batches", sku="GlobalBatch"), deployment(CHAT))
    async with one_resource(*items, deployed=deployed) as (talk, resource, _):
        await talk.until_listed(MODEL)
        for _ in range(5):
            await talk.ask(MODEL)
            assert standing_for(resource) == CHAT
        lines = LINES.replace(b'"chat"', f'"{MODEL}"'.encode())
        file = await talk.sdk.files.create(file=("in.jsonl", lines), purpose="batch")
    assert resource.file(file.id).data == LINES.replace(b'"chat"', b'"for-batches"')
