"""The official HTTP extension is one import line away: in a copy of the app with that line changed."""

import shutil
from pathlib import Path

import aiohttp
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import ECHO, HELLO
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

OURS = "from proxy.http_extension import Request, Response, StreamingResponse"
OFFICIAL = "from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse"


async def test_the_app_streams_over_the_official_extension(tmp_path: Path, simulator: Simulator) -> None:
    shutil.copy(REPOSITORY / "host.json", tmp_path)
    shutil.copytree(REPOSITORY / "proxy", tmp_path / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    door = (REPOSITORY / "function_app.py").read_text()
    assert door.count(OURS) == 1
    (tmp_path / "function_app.py").write_text(door.replace(OURS, OFFICIAL))
    before = len(simulator.disconnects)
    async with running_host(tmp_path, environ_for(simulator)) as host:
        async with AsyncOpenAI(base_url=f"{host.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
            stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
            words = []
            simulator.gate.release()
            async for chunk in stream:
                if chunk.choices[0].delta.content:
                    words.append(chunk.choices[0].delta.content)
                    simulator.gate.release()
            assert "".join(words) == ECHO
            simulator.gate._value = 0
            simulator.gate.release()
            stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
            await anext(aiter(stream))
            await stream.close()
            await simulator.disconnected(before + 1)
        async with (
            aiohttp.ClientSession(host.url, headers={"api-key": CLIENT_KEY}) as http,
            http.post(CHAT, data=chat("nobody")) as answer,
        ):
            assert answer.status == 404
            assert (await answer.json())["error"]["code"] == "model_not_found"
    simulator.gate._value = 0
