"""What becomes of the app's processes on Microsoft's hosts: wrong settings, workers that end, the log, the end."""

import asyncio
import gzip
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.integration.endings import RETRY, read_to_end
from tests.integration.test_configuration import every_route_says
from tests.real_host.app import CHAT, CLIENT_KEY, App, data_of, running_app
from tests.real_host.hosts import FUNC, KINDS, PRODUCTION, Kind

HEADERS = {"authorization": f"Bearer {CLIENT_KEY}"}
ENDLESS = {"model": "gated", "stream": True, "messages": [{"role": "user", "content": "one two three"}]}
WHOLE = ENDLESS | {"model": "gpt-4o"}
FORGOTTEN = aiohttp.ClientTimeout(total=5)
KEY = "00000000-0000-0000-0000-000000000001"
Item = dict[str, Any]
WaitFor = Callable[[Callable[[Item], bool]], Awaitable[Item]]
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


@asynccontextmanager
async def open_stream(app: App) -> AsyncIterator[tuple[aiohttp.ClientSession, aiohttp.ClientResponse]]:
    """Open a stream that goes no further than its first content."""
    async with (
        aiohttp.ClientSession(app.url, headers=HEADERS) as http,
        http.post(CHAT, json=ENDLESS) as answer,
    ):
        assert answer.status == 200
        app.azure.gate.release()
        await answer.content.readany()
        yield http, answer


async def until_served(http: aiohttp.ClientSession) -> None:
    """Call until a new worker answers.

    In the gap the host answers an empty 500, the old worker that it ends; and now and then the host forgets a request.
    """
    async with asyncio.timeout(60):
        while True:
            with suppress(TimeoutError):
                async with http.post(CHAT, json=WHOLE, timeout=FORGOTTEN) as answer:
                    if answer.status == 200:
                        assert (await answer.read()).endswith(b"data: [DONE]\n\n")
                        return
                    assert answer.status in (500, 503)


@each_kind
async def test_azure_sees_at_once_that_a_client_has_left(kind: Kind, tmp_path: Path) -> None:
    async with running_app(kind, tmp_path) as app:
        async with open_stream(app) as (_, answer):
            answer.close()
            await app.azure.disconnected()
        async with aiohttp.ClientSession(app.url, headers=HEADERS) as http:
            await until_served(http)


@each_kind
async def test_a_killed_worker_breaks_its_streams_off_and_has_a_successor(kind: Kind, tmp_path: Path) -> None:
    async with running_app(kind, tmp_path) as app, open_stream(app) as (http, answer):
        before = app.host.worker_pid
        os.kill(before, signal.SIGKILL)
        came, is_broken = await read_to_end(answer)
        assert is_broken
        assert b"[DONE]" not in came
        await until_served(http)
        assert app.host.worker_pid != before


@each_kind
async def test_a_worker_that_shall_end_tells_its_streams_so(kind: Kind, tmp_path: Path) -> None:
    async with running_app(kind, tmp_path, {"SHUTDOWN_GRACE": "0.1"}) as app, open_stream(app) as (http, answer):
        os.kill(app.host.worker_pid, signal.SIGTERM)
        came, is_broken = await read_to_end(answer)
        assert is_broken
        assert json.loads(list(data_of(came.replace(RETRY, b"")))[-1])["error"]["code"] == "proxy_shutting_down"
        await until_served(http)


@each_kind
async def test_with_a_wrong_setting_every_route_says_what_is_wrong(kind: Kind, tmp_path: Path) -> None:
    async with running_app(kind, tmp_path, {"AZURE_OPENAI_API_VERSION": "CANARY"}) as app:
        async with aiohttp.ClientSession(app.url) as http:
            await every_route_says(http, "AZURE_OPENAI_API_VERSION")
        printed = app.host.output()
    assert printed.count("AZURE_OPENAI_API_VERSION must be") == (1 if kind is FUNC else 0)  # else the host keeps it
    assert "Traceback" not in printed
    assert "CANARY" not in printed


@pytest.mark.only_on(FUNC)
async def test_core_tools_prints_the_line_of_a_request_when_it_ends(tmp_path: Path) -> None:
    async with running_app(FUNC, tmp_path) as app, aiohttp.ClientSession(app.url, headers=HEADERS) as http:
        async with http.post(CHAT, json=WHOLE, headers={"x-request-id": "mine"}) as answer:
            request_id = answer.headers["x-request-id"]
            await answer.read()
        await app.host.wait_for_output(f'"request_id":"{request_id}"')
        (line,) = [one for one in app.host.output().splitlines() if request_id in one]
    assert_is_of_chat(json.loads(line.partition("] ")[2]))


@pytest.mark.only_on(PRODUCTION)
async def test_application_insights_gets_the_line_of_a_request(tmp_path: Path) -> None:
    async with ingestion() as (url, wait_for):
        connection = f"InstrumentationKey={KEY};IngestionEndpoint={url}/;LiveEndpoint={url}/"
        environ = {"APPLICATIONINSIGHTS_CONNECTION_STRING": connection}
        async with (
            running_app(PRODUCTION, tmp_path, environ) as app,
            aiohttp.ClientSession(app.url, headers=HEADERS) as http,
            http.post(CHAT, json=WHOLE) as answer,
        ):
            request_id = answer.headers["x-request-id"]
            await answer.read()
        item = await wait_for(lambda item: request_id in str(item.get("message")))  # what the host sends when it ends
    assert item["properties"]["Category"] == "Host.Function.Console"
    assert_is_of_chat(json.loads(item["message"]))


def assert_is_of_chat(line: dict[str, object]) -> None:
    assert (line["client"], line["operation"], line["deployment"]) == ("local", "createChatCompletion", "gpt-4o")
    assert (line["status"], line["outcome"], line["attempts"]) == (200, "completed", 1)


@asynccontextmanager
async def ingestion() -> AsyncIterator[tuple[str, WaitFor]]:
    """Serve what Application Insights serves; yield its URL, and what waits for an item of data."""
    items: asyncio.Queue[Item] = asyncio.Queue()

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        if request.path == "/v2/track":
            text = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
            for line in text.splitlines():
                items.put_nowait(json.loads(line)["data"]["baseData"])
        return web.json_response({"itemsReceived": 1, "itemsAccepted": 1, "errors": []})

    async def wait_for(matches: Callable[[Item], bool]) -> Item:
        async with asyncio.timeout(60):
            while True:
                item = await items.get()
                if matches(item):
                    return item

    server = web.Application()
    server.router.add_route("*", "/{path:.*}", take)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield "http://{}:{}".format(*runner.addresses[0][:2]), wait_for
    finally:
        await runner.cleanup()
