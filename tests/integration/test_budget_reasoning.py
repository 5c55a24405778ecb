"""A translated chat that replays what the model has thought is reserved with more than the body of its client."""

import json
import time
from dataclasses import replace

import pytest
from openai import AsyncOpenAI, RateLimitError

from proxy.app import build_application
from proxy.auth.budget_account import BudgetDenied, BudgetHold
from proxy.auth.budgets import MemoryBudgets
from proxy.config.settings import Settings
from proxy.translation.reasoning_memory import ReasoningMemory
from proxy.values import Budget
from tests.faults.client import Answer, ask, scope_of
from tests.integration.several import entry, environ_of
from tests.integration.test_sdk import HELLO
from tests.integration.test_translated_chats import CODEX, WEATHER
from tests.integration.test_translated_reasoning import MODEL, REPLAYED, WITHOUT, Message, begun
from tests.integration.translated import DEPLOYED
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# The window of the model costs 0.34 dollars, an answer without a maximum at least 0.08.
REASONING = b'{"type":"reasoning","id":"rs_1","summary":[]}'
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


class Meanwhile(MemoryBudgets):
    """Budgets whose store takes so long that another call ends, whose reasoning is remembered."""

    def __init__(self, memory: ReasoningMemory, place: str) -> None:
        super().__init__(lambda: 0.0)
        self._memory, self._place = memory, place

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        self._memory.keep("rich", self._place, {"call_1": [REASONING]}, time.monotonic())
        return await super().reserve(account, budget, bound)


async def test_reasoning_that_is_remembered_after_the_budget_was_asked_is_not_replayed() -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    conversation = [
        *HELLO,
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]
    body = json.dumps({"model": MODEL, "messages": conversation, "max_completion_tokens": 100}).encode()
    headers = {"authorization": f"Bearer {KEYS['rich']['key']}", "content-length": str(len(body))}
    async with Simulator(deployments={**DEPLOYED, "d": CODEX}).serving() as azure:
        proxy = build_application(Settings.from_environ(environ(azure)))
        calls = proxy.handler.calls
        assert calls.budgets is not None
        assert calls.knows.translators is not None
        assert calls.knows.translators.memory is not None
        ledger = Meanwhile(calls.knows.translators.memory, f"{azure.url} d")
        handler = replace(proxy.handler, calls=replace(calls, budgets=replace(calls.budgets, ledger=ledger)))
        # The second call is asked of the budget when the first has left its reasoning in the memory.
        for types in (WITHOUT, REPLAYED):
            before, answer = len(azure.requests), Answer()
            scope = scope_of("/v1/chat/completions", {**headers, "content-type": "application/json"})
            await ask(replace(proxy, handler=handler), scope, body, answer)
            # It is not sealed for the model, so that the simulator refuses it, and the proxy leaves it out then.
            sent = json.loads(azure.requests[before].body)["input"]
            assert [item.get("type", "message") for item in sent] == types
        await proxy.stop(1)
