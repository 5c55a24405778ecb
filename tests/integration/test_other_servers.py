"""Servers that have OpenAI's API and are not OpenAI's, as an upstream of their own or beside Azure."""

import asyncio
import json
import socket

import aiohttp
import openai
import pytest
from aiohttp import web

from proxy.openai_api.answers import REPAIRED
from tests.fakes.other_server import FLAVOURS, JSON, OtherServer
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import FORGETFUL, App, entry, environ_of, names_no_host, run_app, told
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

MODEL = "llama3.2:latest"
NAMES = {"a": "llama3.2", "gpt-4o": MODEL}


def other(server: OtherServer, **members: object) -> dict[str, object]:
    """Return the entry of a server, without a key."""
    return {"name": "other", "kind": "openai", "endpoint": server.url, "models": NAMES, **members}


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize("prefix", ["/v1", "/a/b/v2"])
async def test_a_chat_goes_to_the_base_url_without_a_key(flavour: str, prefix: str) -> None:
    async with (
        OtherServer(flavour, prefix) as server,
        run_app([other(server)], AZURE_OPENAI_ROUTING=FORGETFUL) as app,
        app.sdk() as sdk,
    ):
        answer = await sdk.chat.completions.create(model="gpt-4o", messages=HELLO)
        stream = await sdk.chat.completions.create(model="a", messages=HELLO, stream=True)
        told = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
        assert (answer.choices[0].message.content, told) == ("hello", "hello")
        assert [asked.path for asked in server.asked] == [f"{prefix}/chat/completions"] * 2
        assert [asked.body["model"] for asked in server.asked] == [MODEL, "llama3.2"]
        assert all(asked.headers.keys().isdisjoint({"authorization", "api-key"}) for asked in server.asked)


async def test_a_key_is_sent_as_bearer_where_there_is_one() -> None:
    async with OtherServer("vllm") as server, run_app([other(server, api_key="k-1")]) as app, app.sdk() as sdk:
        await sdk.chat.completions.create(model="a", messages=HELLO)
        assert server.asked[0].headers["authorization"] == "Bearer k-1"


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_what_a_server_does_not_have_is_told_in_openai_s_shape(flavour: str) -> None:
    async with (
        OtherServer(flavour) as server,
        run_app([other(server, models=NAMES | {"gone": "x"})], AZURE_OPENAI_ROUTING=FORGETFUL) as app,
        app.sdk() as sdk,
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            await sdk.chat.completions.create(model="gone", messages=HELLO)
        assert raised.value.code == "model_not_found"
        for call in (
            sdk.embeddings.create(model="a", input="hi"),
            sdk.files.list(),
            sdk.files.retrieve("file-1"),
            sdk.files.content("file-1"),
            sdk.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h"),
            sdk.audio.speech.create(model="a", input="hi", voice="alloy"),
            sdk.images.generate(model="a", prompt="hi"),
        ):
            with pytest.raises(openai.NotFoundError) as raised:
                await call
            assert raised.value.code == "unsupported_operation"
            assert "does not offer this operation" in raised.value.message
            assert names_no_host(raised.value.response.headers, raised.value.response.text)
        # None of this says anything against the server.
        assert (await sdk.chat.completions.create(model="a", messages=HELLO)).choices


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_an_operation_goes_to_whoever_has_it(flavour: str, stream: bool) -> None:
    async with OtherServer(flavour) as server, Simulator().serving() as azure:
        resources = [other(server), entry("azure", azure.url, priority=1, models={"a": "gpt-4o"})]
        async with run_app(resources, azure) as app, app.sdk() as sdk:
            for _ in range(2):
                if stream:
                    events = [event async for event in await sdk.responses.create(model="a", input="hi", stream=True)]
                    assert events[-1].type == "response.completed"
                else:
                    assert (await sdk.responses.create(model="a", input="hi")).output_text
            chat = await sdk.chat.completions.with_raw_response.create(model="a", messages=HELLO)
            assert told(chat.headers) == ("0", "1")
        assert len(azure.requests) == (0 if FLAVOURS[flavour].responses else 2)


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_objects_go_to_whoever_keeps_them(flavour: str) -> None:
    async with OtherServer(flavour) as server, Simulator().serving() as azure:
        resources = [other(server), entry("azure", azure.url, priority=1)]
        async with run_app(resources, azure, AZURE_OPENAI_ROUTING=FORGETFUL) as app, app.sdk() as sdk:
            made = await sdk.files.create(file=("a.txt", b"some text", "text/plain"), purpose="assistants")
            assert (await sdk.files.content(made.id)).text == "some text"
            assert [file.id async for file in sdk.files.list()] == [made.id]
            await sdk.files.delete(made.id)


async def test_a_model_that_one_does_not_have_is_asked_of_the_other() -> None:
    async with OtherServer("ollama", models=()) as server, Simulator().serving() as azure:
        resources = [other(server), entry("azure", azure.url, priority=1, models={"a": "gpt-4o"})]
        async with run_app(resources, azure) as app, app.sdk() as sdk:
            answer = await sdk.chat.completions.with_raw_response.create(model="a", messages=HELLO)
            assert (told(answer.headers), answer.parse().choices[0].message.content) == (("1", "2"), ECHO)


async def test_parameters_that_a_server_does_not_know_are_left_out() -> None:
    async with OtherServer("vllm") as server, run_app([other(server)]) as app, app.sdk() as sdk:
        server.refuses = frozenset({"parallel_tool_calls", "user"})
        answer = await sdk.chat.completions.with_raw_response.create(
            model="a", messages=HELLO, parallel_tool_calls=True, user="me", temperature=0.5
        )
        assert answer.headers[REPAIRED] == "parallel_tool_calls, user"
        assert server.asked[-1].body.keys() == {"model", "messages", "temperature"}


async def test_a_redirect_is_told_and_not_followed() -> None:
    async with OtherServer("ollama") as server, OtherServer("ollama") as elsewhere:
        server.redirects = f"{elsewhere.url}/chat/completions"
        async with run_app([other(server)]) as app, app.sdk() as sdk:
            with pytest.raises(openai.InternalServerError, match="redirect") as raised:
                await sdk.chat.completions.create(model="a", messages=HELLO)
            assert (raised.value.status_code, raised.value.code) == (502, "upstream_error")
            assert names_no_host(raised.value.response.headers, raised.value.response.text)
        assert (len(server.asked), elsewhere.asked) == (1, [])


async def test_a_server_that_wants_a_key_is_the_owner_s_matter() -> None:
    async with OtherServer("vllm") as server, run_app([other(server)]) as app, app.sdk() as sdk:
        server.fault = Fault(status=401, body='{"error":"Unauthorized"}')
        with pytest.raises(openai.InternalServerError, match="asks for a key") as raised:
            await sdk.chat.completions.create(model="a", messages=HELLO)
        assert raised.value.code == "upstream_auth_error"


async def listed(app: App) -> list[str]:
    async with app.sdk() as sdk:
        return sorted([model.id async for model in sdk.models.list()])


async def listed_in_time(app: App, *expected: str) -> None:
    """Wait until the models are known; they are read behind the first request."""
    async with asyncio.timeout(20):
        while await listed(app) != sorted(expected):
            pass


@pytest.mark.parametrize("flavour", FLAVOURS)
async def test_models_that_nobody_has_named_are_those_that_the_server_lists(flavour: str) -> None:
    async with OtherServer(flavour, models=(MODEL, "Qwen/Qwen2.5-7B")) as server, Simulator().serving() as azure:
        azures = entry("azure", azure.url, models={"gpt-4o": "gpt-4o"})
        async with run_app([other(server, models={}), azures], azure) as app, app.sdk() as sdk:
            await listed_in_time(app, "gpt-4o", "llama3.2", MODEL, "Qwen/Qwen2.5-7B")
            for model, target in (("llama3.2", "0"), (MODEL, "0"), ("Qwen/Qwen2.5-7B", "0"), ("gpt-4o", "1")):
                answer = await sdk.chat.completions.with_raw_response.create(model=model, messages=HELLO)
                assert told(answer.headers) == (target, "1")
            with pytest.raises(openai.NotFoundError) as raised:
                await sdk.chat.completions.create(model="llama3.3", messages=HELLO)
            assert raised.value.code == "model_not_found"
        assert server.calls() == [f"{server.prefix}/chat/completions"] * 3


async def test_a_default_answers_for_every_name() -> None:
    async with (
        OtherServer("llama.cpp") as server,
        run_app([other(server, models={}, default_deployment=MODEL)]) as app,
        app.sdk() as sdk,
    ):
        await listed_in_time(app, "llama3.2", MODEL)
        assert (await sdk.chat.completions.create(model="gpt-4o-mini", messages=HELLO)).choices
        assert server.asked[-1].body["model"] == MODEL


async def test_a_server_that_lists_nothing_is_asked_for_every_name() -> None:
    async with OtherServer("lm studio", models=("any",)) as server:
        server.fault = Fault(status=404, body="")
        async with run_app([other(server, models={})]) as app, app.sdk() as sdk:
            await app.app.wait_for_output("The server does not list its models.")
            server.fault = None
            assert (await sdk.chat.completions.create(model="any", messages=HELLO)).choices
            assert await listed(app) == []


HERE = "http://localhost:11434/v1"


@pytest.mark.parametrize(
    ("endpoint", "settings", "problem"),
    [
        (HERE, {"AZURE_FUNCTIONS_ENVIRONMENT": "Production"}, "must not be this machine"),
        ("http://10.0.0.4:8000/v1", {}, "UPSTREAM_PRIVATE_ADDRESSES"),
        ("http://169.254.169.254/metadata", {"UPSTREAM_PRIVATE_ADDRESSES": "true"}, "must not be the address"),
        (HERE, {"IDENTITY_ENDPOINT": "http://127.0.0.1:11434/msi"}, "must not be the address"),
    ],
)
async def test_an_address_that_must_not_be_called_is_every_answer(
    endpoint: str, settings: dict[str, str], problem: str
) -> None:
    environ = environ_of([{"name": "a", "kind": "openai", "endpoint": endpoint}], **settings)
    async with (
        running_host(REPOSITORY, environ) as host,
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {CLIENT_KEY}"}) as http,
        http.get("/v1/models") as answer,
    ):
        assert answer.status == 503
        assert problem in (await answer.json())["error"]["message"]


async def test_a_name_that_leads_inside_is_refused_when_it_is_called() -> None:
    async with OtherServer("vllm") as server, Simulator().serving() as azure:
        entries = [
            # This machine's own name leads to itself or to a private address.
            {**other(server), "endpoint": f"https://{socket.gethostname()}:{server.port}/v1"},
            entry("azure", azure.url, priority=1, models={"a": "gpt-4o"}),
        ]
        async with run_app(entries, azure, AZURE_FUNCTIONS_ENVIRONMENT="Production") as app, app.sdk() as sdk:
            answer = await sdk.chat.completions.with_raw_response.create(model="a", messages=HELLO)
            assert told(answer.headers)[0] == "1"
        async with run_app(entries[:1], AZURE_FUNCTIONS_ENVIRONMENT="Production") as app, app.sdk() as sdk:
            with pytest.raises(openai.InternalServerError, match="none that the proxy may connect to") as raised:
                await sdk.chat.completions.create(model="a", messages=HELLO)
            assert raised.value.status_code == 502
            assert names_no_host(raised.value.response.headers, raised.value.response.text)
        assert server.asked == []


async def test_a_file_that_is_json_passes_and_an_error_in_its_place_does_not() -> None:
    class Keeper(OtherServer):
        async def _answer(self, request: web.Request) -> web.Response:
            if request.path.endswith("file-1/content"):
                return web.Response(text='{"a": 1}\n{"b": 2}\n', content_type=JSON)
            return await super()._answer(request)

    async with Keeper("lm studio") as server, run_app([other(server)]) as app, app.http() as http:
        async with http.get("/v1/files/file-1/content") as answer:
            assert (answer.status, await answer.text()) == (200, '{"a": 1}\n{"b": 2}\n')
        async with http.get("/v1/files/file-2/content") as answer:
            assert (answer.status, json.loads(await answer.read())["error"]["code"]) == (404, "unsupported_operation")
