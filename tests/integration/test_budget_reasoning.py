"""A translated chat that replays what the model has thought is reserved with more than the body of its client."""

import json

import pytest
from openai import AsyncOpenAI, RateLimitError

from tests.integration.several import entry, environ_of
from tests.integration.test_translated_chats import CODEX, WEATHER
from tests.integration.test_translated_reasoning import MODEL, REPLAYED, Message, begun
from tests.integration.translated import DEPLOYED
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# The window of the model costs 0.34 dollars, an answer without a maximum at least 0.08.
KEYS = {name: {"key": f"sk-{name}-0123456789abcdefgh", "budget-usd": usd} for name, usd in (("rich", 1), ("poor", 0.2))}


def environ(simulator: Simulator) -> dict[str, str]:
    deployed = {"deployment_apis": {"d": "responses"}, "deployment_models": {"d": "gpt-5@2025-08-07/GlobalStandard"}}
    resource = entry("first", simulator.url, models={MODEL: "d"}, **deployed)
    return {**environ_of([resource]), "CLIENT_KEYS": json.dumps(KEYS)}


async def go_on(sdk: AsyncOpenAI, conversation: list[Message]) -> None:
    await sdk.chat.completions.create(
        model=MODEL,
        messages=conversation,  # type: ignore[arg-type]
        tools=[WEATHER],
        max_completion_tokens=100,
    )


def sdk(host: HostProcess, name: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{host.url}/v1", api_key=str(KEYS[name]["key"]), max_retries=0)


async def test_reasoning_that_is_replayed_may_fill_the_window_of_the_model() -> None:
    async with (
        Simulator(deployments={**DEPLOYED, "d": CODEX}).serving() as azure,
        running_host(REPOSITORY, environ(azure)) as host,
        sdk(host, "rich") as rich,
        sdk(host, "poor") as poor,
    ):
        await go_on(rich, await begun(rich, stream=False))
        assert [item.get("type", "message") for item in json.loads(azure.requests[-1].body)["input"]] == REPLAYED
        conversation = await begun(poor, stream=False)
        with pytest.raises(RateLimitError) as raised:
            await go_on(poor, conversation)
        assert raised.value.code == "insufficient_quota"
        # Of a call that the app has not answered itself it has no reasoning.
        other = json.dumps(conversation).replace(conversation[-1]["tool_call_id"], "call_of_another_app")
        await go_on(poor, json.loads(other))
