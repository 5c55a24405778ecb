"""Frameworks on deployments of the other API: the Agents SDK, the AI SDK and LangChain, by both APIs.

Their packages are large, so their tests are nightly.
"""

import asyncio
import json

import pytest

from tests.integration.conftest import CLIENT_KEY
from tests.integration.node import install, run_script
from tests.integration.test_sdk import ECHO
from tests.integration.translated import DEPLOYED, RESPONSES, classic, translating
from tests.processes import REPOSITORY

pytestmark = pytest.mark.nightly

FOLDER = REPOSITORY / "tests" / "frameworks"
SAID = {"said": "hello world"}
EXPECTED = {
    "Agents SDK": ECHO,
    "Agents SDK, streamed": ECHO,
    "Agents SDK with tools": [2, ECHO, ECHO],
    "AI SDK": ECHO,
    "AI SDK, streamed": [ECHO, "stop"],
    "AI SDK with tools": [1, 2, ECHO],
    "AI SDK as an object": SAID,
    "LangChain": ECHO,
    "LangChain, streamed": ECHO,
    "LangChain with tools": [["weather"], ECHO],
    "LangChain as an object": SAID,
}


# The API that is called and the model, whose deployment has both APIs or one.
CALLED = (("chat", "both"), ("chat", "responses-alone"), ("responses", "both"), ("responses", "chat-alone"))
# LangChain chooses the API, and what it asks for, by the names of models that it knows; it knows none of these.
MAPPER = "both=gpt-4o,responses-alone=gpt-5-codex,chat-alone=gpt-4"


async def test_frameworks_say_the_same_on_every_deployment() -> None:
    await asyncio.to_thread(install, FOLDER)
    apis = "gpt-5-codex=responses,gpt-4=chat"
    settings = {"AZURE_OPENAI_MODEL_MAPPER": MAPPER, "AZURE_OPENAI_DEPLOYMENT_APIS": apis}
    async with translating(DEPLOYED, **settings) as alone:
        environ = {"URL": alone.app.url, "KEY": CLIENT_KEY}
        runs = [run_script(FOLDER / "frameworks.js", {**environ, "API": api, "MODEL": model}) for api, model in CALLED]
        assert await asyncio.gather(*runs) == [EXPECTED] * len(CALLED)
        asked = {(request.raw_path, json.loads(request.body).get("model")) for request in alone.azure.requests}
    on_responses = {(RESPONSES, model) for model in ("gpt-4o", "gpt-5-codex")}
    on_chat = {(classic(model), name) for model, name in (("gpt-4o", "both"), ("gpt-4", "chat-alone"))}
    assert asked == on_responses | on_chat
