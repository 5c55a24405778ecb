"""An app whose deployments offer chat completions or Responses alone, and what reached them."""

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.several import official
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import DEFAULT_DEPLOYMENTS, Simulator
from tools.azure_openai_simulator.model_apis import ON_CHAT, ON_RESPONSES

TRANSLATED, REPAIRED = "x-proxy-translated", "x-proxy-repaired"
V1_CHAT, RESPONSES = "/openai/v1/chat/completions", "/openai/v1/responses"
DEPLOYED: Mapping[str, str] = {**DEFAULT_DEPLOYMENTS, **{name: name for name in (*ON_CHAT, *ON_RESPONSES)}}


def classic(deployment: str) -> str:
    """Return the path of a chat at a deployment."""
    return f"/openai/deployments/{deployment}/chat/completions"


@dataclass(frozen=True, kw_only=True)
class Translating:
    """An app over one resource."""

    app: HostProcess
    azure: Simulator
    sdk: AsyncOpenAI

    def paths(self, since: int = 0) -> list[str]:
        """Return where the requests went."""
        return [request.raw_path for request in self.azure.requests[since:]]

    def body(self) -> dict[str, object]:
        """Return the last body that reached Azure."""
        found = json.loads(self.azure.requests[-1].body)
        assert isinstance(found, dict)
        return found

    def input_types(self) -> list[str]:
        """Return the types of the items of the last input."""
        items = self.body()["input"]
        assert isinstance(items, list)
        return [item.get("type", "message") for item in items]

    async def read_broken(self, path: str, body: Mapping[str, object], *, is_late: bool = False) -> bytes:
        """Return what comes of an answer until it breaks off; one that `is_late` begins before Azure has spoken."""
        headers = {"authorization": f"Bearer {CLIENT_KEY}"}
        async with (
            aiohttp.ClientSession(self.app.url, headers=headers) as http,
            http.post(path, json=body) as answer,
        ):
            assert answer.status == 200
            if is_late:
                self.azure.gate.release()
            return await _read_broken(answer)

    async def line(self, request_id: str | None) -> dict[str, object]:
        """Return the line of a request in the log."""
        await self.app.wait_for_output(f'"{request_id}"')
        (line,) = [json.loads(line) for line in self.app.output().splitlines() if f'"{request_id}"' in line]
        assert isinstance(line, dict)
        return line


@asynccontextmanager
async def translating(deployed: Mapping[str, str] = DEPLOYED, **settings: str) -> AsyncIterator[Translating]:
    """Run an app over one resource."""
    async with (
        Simulator(deployments=deployed).serving() as azure,
        running_host(REPOSITORY, environ_for(azure) | settings) as app,
        official(f"{app.url}/v1", CLIENT_KEY) as sdk,
    ):
        yield Translating(app=app, azure=azure, sdk=sdk)


async def _read_broken(answer: aiohttp.ClientResponse) -> bytes:
    """Return what came of an answer until its connection broke off."""
    parts: list[bytes] = []
    with contextlib.suppress(aiohttp.ClientPayloadError):
        while part := await answer.content.readany():
            parts.append(part)
        pytest.fail("the answer looks complete")
    return b"".join(parts)
