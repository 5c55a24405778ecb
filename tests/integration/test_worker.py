"""What a request leaves behind in the worker: nothing."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest_asyncio

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.endings import read_to_end
from tests.integration.test_http import CHAT, chat
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# What the coordinator of the worker and the loop hold, at a path of its own; and a client whose key breaks the proxy.
PROBE = """

import asyncio
import dataclasses

from azure_functions_runtime.http_v2 import http_coordinator


class _Breaking:
    async def authenticate(self, headers):
        raise RuntimeError("CANARY in an unexpected error")


_application = application
_broken = dataclasses.replace(application.handler, authenticator=_Breaking())


class _Probed:
    async def handle(self, scope, receive, send):
        if scope["path"] != "/probe":
            breaks = (b"api-key", b"breaking") in scope["headers"]
            return await (_broken if breaks else _application).handle(scope, receive, send)
        body = b"%d %d" % (len(http_coordinator._context_references), len(asyncio.all_tasks()))
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


application = _Probed()
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def probed(tmp_path_factory, simulator: Simulator) -> AsyncIterator[HostProcess]:  # type: ignore[no-untyped-def]
    folder: Path = tmp_path_factory.mktemp("probed")
    shutil.copy(REPOSITORY / "host.json", folder)
    shutil.copytree(REPOSITORY / "proxy", folder / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "function_app.py").write_text((REPOSITORY / "function_app.py").read_text() + PROBE)
    async with running_host(folder, environ_for(simulator)) as host:
        yield host


async def held(http: aiohttp.ClientSession) -> tuple[int, int]:
    async with http.get("/probe") as answer:
        entries, tasks = (await answer.text()).split()
        return int(entries), int(tasks)


async def test_no_request_leaves_an_entry_or_a_task(probed: HostProcess, simulator: Simulator) -> None:
    async with aiohttp.ClientSession(probed.url, headers={"api-key": CLIENT_KEY}) as http:
        before = await held(http)
        for body in (chat(), chat(stream=True), b"{", chat("nobody"), chat("stream-cut", stream=True)):
            for _ in range(5):
                async with http.post(CHAT, data=body) as answer:
                    await read_to_end(answer)
        arrived, left = len(simulator.requests), len(simulator.disconnects)
        leaving = [asyncio.create_task(http.post(CHAT, data=chat("no-answer")).__aenter__()) for _ in range(5)]
        await simulator.requested(arrived + 5)
        for call in leaving:
            call.cancel()
        await simulator.disconnected(left + 5)
        for _ in range(5):
            simulator.gate.release()
            async with http.post(CHAT, data=chat("gated", stream=True)) as answer:
                await answer.content.readany()
        await simulator.disconnected(left + 10)
        simulator.gate._value = 0
        while await held(http) > before:
            pass


async def test_an_unexpected_error_is_an_answer_and_shows_nothing_of_itself(probed: HostProcess) -> None:
    headers = {"api-key": "breaking"}
    async with aiohttp.ClientSession(probed.url, headers=headers) as http, http.get("/v1/models") as answer:
        assert answer.status == 500
        assert answer.headers["x-request-id"]
        assert (await answer.json())["error"]["type"] == "server_error"
    await probed.wait_for_output("unexpected RuntimeError in authenticate")
    assert "CANARY" not in probed.output()
