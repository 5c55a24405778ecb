"""The reasoning of translated chats over several instances and several resources, each of which reads its own alone."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import FORGETFUL, entry, environ_of, official, told
from tests.integration.test_sdk import ECHO, HELLO
from tests.integration.test_translated_chats import CODEX, WEATHER
from tests.integration.translated import DEPLOYED
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

MODEL = "gpt-5"
Message = dict[str, Any]
REPLAYED = ["message", "reasoning", "function_call", "function_call_output"]
WITHOUT = ["message", "function_call", "function_call_output"]
WITH_DETAILS = {"TRANSLATE_REASONING_DETAILS": "true"}


@dataclass(frozen=True, kw_only=True)
class Instances:
    """Two instances, which share no memory, over two resources, of which the second is for when the first is down."""

    apps: tuple[HostProcess, HostProcess]
    sdks: tuple[AsyncOpenAI, AsyncOpenAI]
    azures: tuple[Simulator, Simulator]

    def counts(self) -> list[int]:
        """Return how many requests have reached each resource."""
        return [len(azure.requests) for azure in self.azures]

    def input_types(self, resource: int) -> list[str]:
        """Return the types of the items of the last input of a resource."""
        return [item.get("type", "message") for item in json.loads(self.azures[resource].requests[-1].body)["input"]]

    async def go_on(self, instance: int, conversation: list[Message]) -> str | None:
        """Go on with a conversation at an instance; return which resource has answered."""
        raw = await self.sdks[instance].chat.completions.with_raw_response.create(
            model=MODEL,
            messages=conversation,  # type: ignore[arg-type]
            tools=[WEATHER],
        )
        assert raw.parse().choices[0].message.content == ECHO
        return told(raw.headers)[0]


@asynccontextmanager
async def instances(**settings: str) -> AsyncIterator[Instances]:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        azures = [await enter(Simulator(deployments={**DEPLOYED, "d": CODEX}).serving()) for _ in range(2)]
        resources = [
            entry(name, azure.url, models={MODEL: "d"}, deployment_apis={"d": "responses"}, priority=priority)
            for priority, (name, azure) in enumerate(zip(("first", "second"), azures, strict=True))
        ]
        environ = environ_of(resources, AZURE_OPENAI_ROUTING=FORGETFUL, **settings)
        apps = [await enter(running_host(REPOSITORY, environ)) for _ in range(2)]
        sdks = [await enter(official(f"{app.url}/v1", CLIENT_KEY)) for app in apps]
        yield Instances(apps=(apps[0], apps[1]), sdks=(sdks[0], sdks[1]), azures=(azures[0], azures[1]))


async def begun(sdk: AsyncOpenAI, *, stream: bool) -> list[Message]:
    """Return a conversation that waits for the answer to a tool's output, with all that the answer has."""
    asked: Any = {"model": MODEL, "messages": HELLO, "tools": [WEATHER], "tool_choice": "required"}
    if stream:
        message = joined([chunk async for chunk in await sdk.chat.completions.create(**asked, stream=True)])
    else:
        message = (await sdk.chat.completions.create(**asked)).choices[0].message.to_dict()
    output = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "sunny"}
    return [*map(dict, HELLO), message, output]


def joined(chunks: list[Any]) -> Message:
    """Return the message of a stream as a client joins it that keeps `reasoning_details`."""
    details: list[Message] = []
    call: Message = {}
    for chunk in chunks:
        for delta in (choice.delta.to_dict() for choice in chunk.choices):
            details += delta.get("reasoning_details", [])
            for piece in delta.get("tool_calls", []):
                arguments = call.get("function", {}).get("arguments", "") + piece["function"].get("arguments", "")
                call = {**piece, **call, "function": {**piece["function"], **call.get("function", {})}}
                call["function"]["arguments"] = arguments
    return {"role": "assistant", "tool_calls": [call], **({"reasoning_details": details} if details else {})}


@pytest.mark.parametrize("stream", [False, True])
async def test_an_instance_remembers_what_its_own_answers_have_thought(*, stream: bool) -> None:
    async with instances() as both:
        conversation = await begun(both.sdks[0], stream=stream)
        assert await both.go_on(0, conversation) == "0"
        assert both.input_types(0) == REPLAYED
        # The other instance knows nothing of it, and goes on without.
        assert await both.go_on(1, conversation) == "0"
        assert both.input_types(0) == WITHOUT
        assert both.counts() == [3, 0]
        await both.apps[1].wait_for_output('"reasoning_missed":1')


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_sends_the_details_back_goes_on_with_them_on_any_instance(*, stream: bool) -> None:
    async with instances(**WITH_DETAILS) as both:
        conversation = await begun(both.sdks[0], stream=stream)
        for instance in (1, 0):
            assert await both.go_on(instance, conversation) == "0"
            assert both.input_types(0) == REPLAYED
        assert both.counts() == [3, 0]


@pytest.mark.parametrize("settings", [{}, WITH_DETAILS], ids=["in memory", "as details"])
async def test_behind_a_failover_a_resource_that_cannot_read_the_reasoning_goes_on_without(
    settings: dict[str, str],
) -> None:
    async with instances(**settings) as both:
        conversation = await begun(both.sdks[0], stream=False)
        del both.azures[0].deployments["d"]
        assert await both.go_on(0, conversation) == "1"
        assert both.input_types(1) == WITHOUT
        # With details, the resource has refused what it cannot read, and was asked once more without.
        assert both.counts()[1] == 1 + len(settings)
        both.azures[0].deployments["d"] = CODEX
        assert await both.go_on(0, conversation) == "0"
        assert both.input_types(0) == REPLAYED


async def test_what_the_second_resource_has_thought_goes_back_to_it_when_the_first_is_there_again() -> None:
    async with instances() as both:
        del both.azures[0].deployments["d"]
        conversation = await begun(both.sdks[0], stream=True)
        both.azures[0].deployments["d"] = CODEX
        assert await both.go_on(0, conversation) == "1"
        assert both.input_types(1) == REPLAYED
        # The other instance asks the first resource, which goes on without.
        assert await both.go_on(1, conversation) == "0"
        assert both.input_types(0) == WITHOUT
