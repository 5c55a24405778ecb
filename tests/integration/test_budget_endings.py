"""What a budget has left when calls are still running, break off or lose their client, or when all clients share it."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.raw_azure import serving
from tests.fakes.scripted_azure import Script, ScriptedAzure
from tests.integration.conftest import RESTLESS
from tests.integration.endings import read_to_end
from tests.processes import REPOSITORY, HostProcess, running_host

CHAT = "/v1/chat/completions"
ASKED = {"messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 100, "stream": True}
CHUNK = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o"}
BUDGET = 0.005
KEYS = {
    name: {"key": f"sk-{name}-0123456789abcdefgh", "budget-usd": str(BUDGET)} for name in ("broken", "left", "limited")
}
FREE = "sk-free-0123456789abcdefgh"
MODEL = "gpt-4o@2024-11-20/GlobalStandard"


def event(**members: object) -> bytes:
    return b"data: %s\n\n" % json.dumps({**CHUNK, **members}).encode()


WORD = event(choices=[{"index": 0, "delta": {"content": "Hi"}, "finish_reason": None}])
# Some servers count with each chunk, so that a broken stream has a usage, which is not all.
COUNTED = event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10})
WHOLE = json.dumps(
    {
        **CHUNK,
        "object": "chat.completion",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10},
    }
).encode()
# The connections that have had their first request.
CLOSING: set[int] = set()
LIMIT = {"code": "429", "message": "Requests have exceeded the token rate limit. Please retry after 5 seconds."}
BEGUN = {"id": "resp_1", "object": "response", "status": "in_progress", "output": []}
REASONED = {"type": "reasoning", "id": "rs_1", "summary": []}
FAILED = {**BEGUN, "status": "failed", "error": {**LIMIT, "code": "rate_limit_exceeded"}}


def typed(**members: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(members["type"]).encode(), json.dumps(members).encode())


CREATED = typed(type="response.created", response=BEGUN, sequence_number=0)
THINKS = typed(type="response.output_item.added", output_index=0, item=REASONED, sequence_number=1)
END = typed(type="response.failed", response=FAILED, sequence_number=2)
SCRIPTS = {
    "script-half": Script(parts=(WORD, COUNTED), reset=True),
    "script-limit-chat": Script(parts=(b"data: %s\n\n" % json.dumps({"error": LIMIT}).encode(),)),
    "script-limit-response": Script(parts=(CREATED, END)),
    "script-limit-late": Script(parts=(CREATED, THINKS, END)),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[ScriptedAzure]:
    async with ScriptedAzure(SCRIPTS).serving() as running:
        yield running


def environ(url: str, **settings: str) -> Mapping[str, str]:
    return RESTLESS | {
        "AZURE_OPENAI_ENDPOINT": url,
        "AZURE_OPENAI_API_KEY": "key",
        "AZURE_OPENAI_DEPLOYMENT_MODELS": ",".join(f"{name}={MODEL}" for name in SCRIPTS),
        "CLIENT_KEYS": json.dumps(KEYS),
        **settings,
    }


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(azure: ScriptedAzure) -> AsyncIterator[HostProcess]:
    async with running_host(REPOSITORY, environ(azure.url)) as running:
        yield running


def client(host: HostProcess, name: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {KEYS[name]['key']}"})


async def remaining(http: aiohttp.ClientSession) -> float:
    async with http.get("/usage") as answer:
        return float((await answer.json())["budget"]["remaining_usd"])


async def test_what_runs_is_reserved_and_a_stream_that_breaks_is_charged_with_its_bound(
    host: HostProcess, azure: ScriptedAzure
) -> None:
    azure.may_reset.clear()
    async with client(host, "broken") as http:
        async with http.post(CHAT, json={**ASKED, "model": "script-half"}) as running:
            assert running.status == 200
            async with http.post(CHAT, json={**ASKED, "model": "script-half"}) as refused:
                error: dict[str, Any] = (await refused.json())["error"]
                assert (refused.status, error["code"]) == (429, "rate_limit_exceeded")
                assert 1 <= int(refused.headers["retry-after"]) <= 10
            assert await remaining(http) == BUDGET
            azure.may_reset.set()
            _, broken = await read_to_end(running)
            assert broken
        await host.wait_for_output("stream_broken")
        # 100 tokens of output are 0.001 dollars, and the input may have 1,024 tokens besides its own.
        assert 0.0035 < BUDGET - await remaining(http) < BUDGET
        async with http.post(CHAT, json={**ASKED, "model": "script-half"}) as refused:
            assert (refused.status, (await refused.json())["error"]["code"]) == (429, "insufficient_quota")
            assert refused.headers["x-should-retry"] == "false"


async def test_a_call_whose_client_has_left_is_charged_with_its_bound(host: HostProcess, azure: ScriptedAzure) -> None:
    azure.may_reset.clear()
    async with client(host, "left") as http:
        async with http.post(CHAT, json={**ASKED, "model": "script-half"}) as running:
            await running.content.readany()
            running.close()
        await host.wait_for_output("client_left")
        assert 0.0035 < BUDGET - await remaining(http) < BUDGET
    azure.may_reset.set()


@pytest.mark.parametrize(
    ("script", "path", "costs"),
    [
        ("script-limit-chat", CHAT, False),
        ("script-limit-response", "/v1/responses", False),
        ("script-limit-late", "/v1/responses", True),
    ],
)
async def test_a_stream_costs_nothing_whose_first_word_is_the_rate_limit(
    host: HostProcess, script: str, path: str, costs: bool
) -> None:
    asked = {"input": "Hello", "max_output_tokens": 100} if "responses" in path else ASKED
    async with client(host, "limited") as http:
        async with http.post(path, json={**asked, "stream": True, "model": script}) as answer:
            text = await answer.text()
            assert answer.status == (200 if costs else 429), text
            assert "rate_limit_exceeded" in text
        assert (await remaining(http) < BUDGET) == costs


async def once_a_connection(connection: int, request: int, writer: asyncio.StreamWriter) -> None:
    """Answer the first request of a connection, and close it at the second without a byte."""
    if connection in CLOSING:
        writer.close()
        return
    CLOSING.add(connection)
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(WHOLE) + WHOLE
    )


async def test_a_call_on_a_connection_that_is_reset_is_charged_and_not_sent_again_unless_it_is_reserved() -> None:
    keys = json.dumps({"free": {"key": FREE}, "broken": KEYS["broken"]})
    asked = {**ASKED, "model": "script-half", "stream": False, "max_completion_tokens": 10}
    CLOSING.clear()
    async with (
        serving(once_a_connection) as azure,
        running_host(REPOSITORY, environ(azure.url.removesuffix("/path"), CLIENT_KEYS=keys)) as host,
        client(host, "broken") as http,
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {FREE}"}) as free,
    ):
        statuses = []
        for one in (free, free, http, http):
            async with one.post(CHAT, json=asked) as answer:
                statuses.append(answer.status)
                await answer.read()
        # Without a budget the second call was sent again on a new connection.
        assert (statuses, len(azure.heads)) == ([200, 200, 200, 502], 5)
        assert BUDGET - await remaining(http) > 0.0025


@pytest.mark.parametrize(("whole", "status"), [("0.001", 429), ("0.001 soft", 200), ("1", 200)])
async def test_a_budget_of_the_whole_proxy_counts_for_clients_without_one(
    azure: ScriptedAzure, whole: str, status: int
) -> None:
    keys = json.dumps({"free": {"key": FREE}})
    azure.may_reset.set()
    settings = environ(azure.url, PROXY_BUDGET=whole, CLIENT_KEYS=keys)
    async with (
        running_host(REPOSITORY, settings) as host,
        aiohttp.ClientSession(host.url, headers={"authorization": f"Bearer {FREE}"}) as http,
        http.post(CHAT, json={**ASKED, "model": "script-half"}) as answer,
    ):
        assert answer.status == status
        if status == 429:
            assert "this proxy" in (await answer.json())["error"]["message"]
        else:
            left = float(answer.headers["x-proxy-budget-remaining-usd"])
            assert left == pytest.approx(float(whole.partition(" ")[0]))
