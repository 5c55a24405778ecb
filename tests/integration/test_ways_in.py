"""How clients address the proxy: base URLs of every kind, Azure's own clients, browsers, and old chat UIs."""

import json

import aiohttp
import pytest
from openai import AsyncAzureOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_http import chat
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

PAGE = "https://chat.example.com"


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/v1/chat/completions",
        "/v1//chat/completions",
        "/v1/v1/chat/completions",
        "/v1/chat/completions/",
        "/openai/v1/chat/completions",
        "/openai/deployments/gpt-4o/chat/completions?api-version=2024-02-01",
        "/v1/engines/gpt-4o/chat/completions",
    ],
)
async def test_every_way_to_write_the_base_url_reaches_the_same_operation(
    http: aiohttp.ClientSession, simulator: Simulator, path: str
) -> None:
    async with http.post(path, data=chat()) as answer:
        assert answer.status == 200, await answer.text()
    assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-4o/chat/completions"
    assert simulator.requests[-1].query == {"api-version": "2025-04-01-preview"}


async def test_a_path_that_starts_with_two_slashes_is_the_host_s(app: HostProcess) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{app.url}//v1/models") as answer:
        assert (answer.status, await answer.read()) == (404, b"")


async def test_azure_s_own_client_works_against_the_proxy(app: HostProcess, simulator: Simulator) -> None:
    async with AsyncAzureOpenAI(
        azure_endpoint=app.url, api_key=CLIENT_KEY, api_version="2024-10-21", max_retries=0
    ) as azure:
        answer = await azure.chat.completions.create(model="chat", messages=HELLO)
        assert answer.choices[0].message.content == ECHO
        assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-4o/chat/completions"
        stream = await azure.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ECHO
        await azure.embeddings.create(model="text-embedding-3-small", input="hello")
        assert "chat" in [model.id async for model in azure.models.list()]


async def test_a_deployment_in_the_path_wins_over_the_model_in_the_body(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    async with http.post("/openai/deployments/gpt-4o-mini/chat/completions", data=chat("gpt-4o")) as answer:
        assert answer.status == 200
    assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-4o-mini/chat/completions"


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/nothing/there", "/health"])
async def test_a_browser_may_ask_anything_of_any_route_without_a_key(app: HostProcess, path: str) -> None:
    asked = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-custom",
    }
    async with aiohttp.ClientSession(app.url) as page, page.options(path, headers=asked) as answer:
        assert answer.status == 204
        assert await answer.read() == b""
        assert answer.headers["access-control-allow-origin"] == "*"
        assert answer.headers["access-control-allow-headers"] == "authorization,x-custom"
        assert "POST" in answer.headers["access-control-allow-methods"]
        assert int(answer.headers["access-control-max-age"]) > 0
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_page_reads_successes_errors_and_streams(app: HostProcess) -> None:
    key = {"authorization": f"Bearer {CLIENT_KEY}"}
    cases = [(key, chat(), 200), (key, chat(stream=True), 200), (key, b"{", 400), ({}, chat(), 401)]
    async with aiohttp.ClientSession(app.url) as page:
        for headers, body, status in cases:
            async with page.post("/v1/chat/completions", data=body, headers={**headers, "origin": PAGE}) as answer:
                assert answer.status == status
                assert answer.headers["access-control-allow-origin"] == "*"
                assert "x-request-id" in answer.headers["access-control-expose-headers"]


async def test_only_listed_origins_are_let_in(simulator: Simulator) -> None:
    settings = environ_for(simulator) | {"ALLOWED_ORIGINS": f"{PAGE},http://localhost:3000"}
    async with running_host(REPOSITORY, settings) as host, aiohttp.ClientSession(host.url) as page:
        for origin, allowed in {PAGE: PAGE, "https://evil.example": None, "null": None, f"{PAGE}.evil": None}.items():
            async with page.get("/", headers={"origin": origin}) as answer:
                assert answer.headers.get("access-control-allow-origin") == allowed
                assert "Origin" in answer.headers["vary"]


@pytest.mark.parametrize("prefix", ["", "/v1"])
async def test_old_chat_uis_get_their_billing_without_invented_money(
    http: aiohttp.ClientSession, app: HostProcess, prefix: str
) -> None:
    async with http.get(f"{prefix}/dashboard/billing/subscription") as answer:
        assert (await answer.json())["hard_limit_usd"] == 0
    async with http.get(f"{prefix}/dashboard/billing/usage?start_date=2026-01-01&end_date=2026-02-01") as answer:
        assert (await answer.json())["total_usage"] == 0
    async with aiohttp.ClientSession(app.url) as nobody, nobody.get("/dashboard/billing/usage") as answer:
        assert answer.status == 401


async def test_what_azure_does_not_offer_names_the_substitute(http: aiohttp.ClientSession) -> None:
    for method, path, words in (
        ("POST", "/v1/moderations", "Content Safety"),
        ("POST", "/v1/images/variations", "images/edits"),
        ("DELETE", "/v1/models/gpt-4o", "deployment"),
        ("GET", "/v1/organization/users", "Azure"),
        ("GET", "/v1/realtime?model=gpt-4o-realtime", "client_secrets"),
    ):
        async with http.request(method, path) as answer:
            error = (await answer.json())["error"]
            assert (answer.status, error["code"]) == (404, "unsupported_operation")
            assert words in error["message"]


async def test_who_has_no_key_learns_nothing_about_realtime(app: HostProcess) -> None:
    async with aiohttp.ClientSession(app.url) as nobody, nobody.get("/v1/realtime") as answer:
        assert answer.status == 401
        assert "wss" not in await answer.text()


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/openai/v1/responses"])
async def test_a_websocket_is_refused_in_a_way_that_sends_its_client_to_http(
    http: aiohttp.ClientSession, path: str
) -> None:
    websocket = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "x",
        "Sec-WebSocket-Version": "13",
    }
    async with http.get(path, headers=websocket) as answer:
        error = (await answer.json())["error"]
        assert (answer.status, error["code"]) == (426, "upgrade_required")
        assert "HTTP" in error["message"]
    async with http.get(path) as answer:
        assert answer.status == 405


async def test_who_has_no_key_learns_nothing_about_websockets(app: HostProcess) -> None:
    websocket = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Key": "x"}
    async with aiohttp.ClientSession(app.url) as nobody, nobody.get("/v1/responses", headers=websocket) as answer:
        assert answer.status == 401


async def test_unknown_operations_pass_only_where_that_is_set(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    before = len(simulator.requests)
    async with http.post("/v1/brand/new?x=1", data=b"{}") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (404, "unknown_url")
    assert len(simulator.requests) == before
    settings = environ_for(simulator) | {"FORWARD_UNKNOWN_OPERATIONS": "true"}
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as forwarding,
        forwarding.post("/v1/brand/new?x=1", data=b'{"a": 1}') as answer,
    ):
        assert answer.status == 404
    assert simulator.requests[-1].raw_path == "/openai/v1/brand/new"
    assert simulator.requests[-1].body == b'{"a": 1}'


async def test_stored_objects_can_be_switched_off(simulator: Simulator) -> None:
    settings = environ_for(simulator) | {"STORED_OBJECTS": "off"}
    before = len(simulator.requests)
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
    ):
        async with http.get("/v1/files") as answer:
            assert (await answer.json())["error"]["code"] == "unsupported_operation"
        async with http.post("/v1/chat/completions", data=b'{"model":"gpt-4o","store":true}') as answer:
            assert (answer.status, (await answer.json())["error"]["param"]) == (400, "store")
        reference = b'{"model":"gpt-4o","input":[{"type":"item_reference","id":"rs_1"}]}'
        async with http.post("/v1/responses", data=reference) as answer:
            assert answer.status == 400
            assert "providerOptions.openai.store" in (await answer.json())["error"]["message"]
        assert len(simulator.requests) == before
        async with http.post("/v1/responses", data=b'{"model":"gpt-4o","input":"hi"}'):
            assert json.loads(simulator.requests[-1].body)["store"] is False


async def test_v1_takes_what_deployments_answer_when_it_is_chosen(simulator: Simulator) -> None:
    settings = environ_for(simulator) | {
        "AZURE_OPENAI_API_VERSION": "v1",
        "AZURE_OPENAI_OPERATION_SURFACES": "createEmbedding=classic",
    }
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
    ):
        body = b' {"messages":[{"role":"user","content":"hi"}], "model" : "chat" }'
        async with http.post("/v1/chat/completions", data=body) as answer:
            assert answer.status == 200
        assert simulator.requests[-1].raw_path == "/openai/v1/chat/completions"
        assert simulator.requests[-1].body == body.replace(b'"chat"', b'"gpt-4o"')
        async with http.post("/v1/completions", data=b'{"model":"gpt-35-turbo-instruct","prompt":"x"}') as answer:
            assert answer.status == 200
        assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-35-turbo-instruct/completions"
        async with http.post("/v1/embeddings", data=b'{"model":"text-embedding-3-small","input":"x"}') as answer:
            assert answer.status == 200
        assert simulator.requests[-1].raw_path.startswith("/openai/deployments/")


async def test_an_item_that_azure_does_not_keep_is_refused_in_its_words(http: aiohttp.ClientSession) -> None:
    body = b'{"model":"gpt-4o","store":false,"input":[{"type":"item_reference","id":"rs_1"}]}'
    async with http.post("/v1/responses", data=body) as answer:
        assert answer.status == 400
        error = (await answer.json())["error"]
    assert error["param"] == "input"
    assert error["message"].startswith("Item with id 'rs_1' not found.")


async def test_a_model_that_has_answered_is_found_and_another_says_how_it_becomes_known(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    simulator.deployments["dall-e-2"] = "dall-e-2"
    async with http.get("/v1/models/dall-e-2") as answer:
        assert answer.status == 404
        assert "AZURE_OPENAI_RESOURCE_ID" in (await answer.json())["error"]["message"]
    async with http.post("/v1/images/generations", json={"model": "dall-e-2", "prompt": "x"}) as answer:
        assert answer.status == 200
    async with http.get("/v1/models/dall-e-2") as answer:
        assert (answer.status, (await answer.json())["id"]) == (200, "dall-e-2")
    form = aiohttp.FormData({"model": "whisper"})
    form.add_field("file", b"bytes", filename="a.wav")
    async with http.post("/v1/audio/transcriptions", data=form) as answer:
        assert answer.status == 200
    async with http.get("/v1/models/whisper") as answer:
        assert answer.status == 200
