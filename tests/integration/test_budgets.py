"""Budgets at a running app: what is refused, what is charged, and what clients and the SDK read."""

import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from openai import APIStatusError, AsyncOpenAI, RateLimitError

from tests.integration.conftest import environ_for
from tests.integration.node import run_script
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

KEYS: dict[str, dict[str, str | float]] = {
    "rich": {"key": "sk-rich-0123456789abcdefgh", "budget-usd": 5},
    "half": {"key": "sk-half-0123456789abcdefgh", "budget-usd": "0.5"},
    "small": {"key": "sk-small-0123456789abcdefgh", "budget-usd": "0.05"},
    "poor": {"key": "sk-poor-0123456789abcdefgh", "budget-usd": "0.001"},
    "soft": {"key": "sk-soft-0123456789abcdefgh", "budget-usd": "0.000001", "budget": "soft"},
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def host(simulator: Simulator) -> AsyncIterator[HostProcess]:
    environ = environ_for(simulator) | {
        "CLIENT_KEYS": json.dumps(KEYS),
        "AZURE_OPENAI_DEPLOYMENT_MODELS": "gpt-4o=gpt-4o@2024-11-20/GlobalStandard,gpt-4o-mini=gpt-4o-mini@2024-07-18",
    }
    async with running_host(REPOSITORY, environ) as running:
        yield running


def sdk(host: HostProcess, client: str) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{host.url}/v1", api_key=str(KEYS[client]["key"]))


async def account(host: HostProcess, client: str) -> dict[str, str]:
    headers = {"authorization": f"Bearer {KEYS[client]['key']}"}
    async with aiohttp.ClientSession(host.url, headers=headers) as http, http.get("/usage") as answer:
        budget: dict[str, str] = (await answer.json())["budget"]
        return budget


async def test_what_a_call_costs_is_taken_from_the_budget(host: HostProcess, simulator: Simulator) -> None:
    async with sdk(host, "rich") as client:
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    cost, left = float(raw.headers["x-proxy-cost-usd"]), float(raw.headers["x-proxy-budget-remaining-usd"])
    assert cost > 0
    assert left == pytest.approx(5 - cost, abs=1e-9)
    assert float((await account(host, "rich"))["remaining_usd"]) == pytest.approx(5 - cost, abs=1e-9)
    # A call without a limit of its own takes no more than an eighth of what is left, 62,500 tokens here, so it stays.
    assert "max_completion_tokens" not in json.loads(simulator.requests[-1].body)


async def test_a_budget_with_too_little_left_is_told_as_an_empty_quota_and_not_tried_again(
    host: HostProcess, simulator: Simulator
) -> None:
    before = len(simulator.requests)
    async with sdk(host, "poor") as client:
        with pytest.raises(RateLimitError) as raised:
            await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert raised.value.code == "insufficient_quota"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert "The next month begins on" in raised.value.message
    assert len(simulator.requests) == before


async def test_an_operation_without_a_bound_is_refused_with_the_reason(host: HostProcess) -> None:
    async with sdk(host, "rich") as client:
        with pytest.raises(APIStatusError) as raised:
            await client.vector_stores.create(name="mine")
    assert (raised.value.status_code, raised.value.code) == (403, "unbounded_cost")
    assert "Azure bills what a vector store keeps" in raised.value.message


async def test_a_soft_budget_passes_and_says_that_it_is_exceeded(host: HostProcess) -> None:
    async with sdk(host, "soft") as client:
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    assert raw.headers["x-proxy-budget-exceeded"] == "true"
    assert (await account(host, "soft"))["kind"] == "soft"


@pytest.mark.parametrize(("name", "least", "most"), [("half", 1001, 16_383), ("small", 1000, 1000)])
async def test_an_answer_without_a_maximum_gets_one_that_a_part_of_the_budget_pays(
    host: HostProcess, simulator: Simulator, name: str, least: int, most: int
) -> None:
    async with sdk(host, name) as client:
        await client.chat.completions.create(model="gpt-4o", messages=HELLO)
        assert least <= json.loads(simulator.requests[-1].body)["max_completion_tokens"] <= most
        await client.chat.completions.create(model="gpt-4o", messages=HELLO, max_completion_tokens=1500)
        assert json.loads(simulator.requests[-1].body)["max_completion_tokens"] == 1500


async def test_a_stream_says_the_cost_that_is_charged_also_where_the_dearest_price_counts(host: HostProcess) -> None:
    before = float((await account(host, "rich"))["remaining_usd"])
    async with sdk(host, "rich") as client:
        stream = await client.chat.completions.create(
            model="gpt-4o-mini", messages=HELLO, stream=True, extra_headers={"x-proxy-include-cost": "true"}
        )
        usage = [chunk async for chunk in stream][-1].usage
    assert usage is not None
    cost = float(str((usage.model_extra or {})["cost_usd"]))
    charged = before - float((await account(host, "rich"))["remaining_usd"])
    assert charged == pytest.approx(cost, abs=1e-9)
    # Without a SKU, the price of a region counts, which is dearer than the global one of 0.15 and 0.60 dollars.
    assert cost > (usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.6) / 1e6


async def test_a_response_in_the_background_is_charged_with_its_bound(host: HostProcess) -> None:
    before = float((await account(host, "rich"))["remaining_usd"])
    async with sdk(host, "rich") as client:
        raw = await client.responses.with_raw_response.create(
            model="gpt-4o", input="Hello", background=True, max_output_tokens=1000
        )
    assert "x-proxy-cost-usd" not in raw.headers
    # 1,000 tokens of output are 0.01 dollars, or 0.017 where Azure chooses to serve them with priority.
    assert before - float((await account(host, "rich"))["remaining_usd"]) > 0.01


async def test_the_sdk_for_node_reads_what_is_left_and_does_not_try_again_without_money(
    host: HostProcess, simulator: Simulator
) -> None:
    keys = {"RICH": str(KEYS["rich"]["key"]), "POOR": str(KEYS["poor"]["key"])}
    before = len(simulator.requests)
    came = await run_script("budgets.js", {"URL": host.url, "KEY": keys["RICH"], **keys})
    paid, refused = came["a call that is paid"], came["a call that is not paid"]
    assert isinstance(paid, list)
    assert float(paid[0]) > 0
    assert 0 < float(paid[1]) < 5
    assert isinstance(refused, dict)
    assert (refused["class"], refused["code"]) == ("RateLimitError", "insufficient_quota")
    assert len(simulator.requests) == before + 1
