"""Budgets on Azure's own SDK and Azurite: instances spend one budget together, and refuse while the table is away."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from openai import AsyncOpenAI, RateLimitError

from proxy.auth.budget_account import BudgetDenied, BudgetHold
from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import StoreUnavailable
from proxy.azure_services.table_budgets import TableBudgets
from proxy.values import Budget
from tests.integration.azurite import running_azurite
from tests.integration.conftest import environ_for
from tests.integration.test_credentials import cloud
from tests.integration.test_sdk import HELLO
from tests.processes import REPOSITORY, free_port, running_host
from tools.azure_openai_simulator import Simulator

NOBODY = Identity(client_id=None, managed=False)
HARD, SOFT = Budget(micro_dollars=10_000), Budget(micro_dollars=10_000, is_hard=False)
KEY = "sk-budget-0123456789abcdefgh"
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}], "max_completion_tokens": 100}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def table() -> AsyncIterator[str]:
    async with running_azurite() as endpoint:
        yield endpoint


def away() -> str:
    """Return the address of a table service that is not there."""
    return f"http://127.0.0.1:{free_port()}/devstoreaccount1"


async def test_instances_that_ask_at_once_spend_a_budget_together_and_leave_what_they_have_not_spent(
    table: str,
) -> None:
    instances = [TableBudgets(table, NOBODY) for _ in range(8)]
    asked = [(one, one.reserve("together", HARD, 1000)) for one in instances for _ in range(3)]
    outcomes = await asyncio.gather(*(reserving for _, reserving in asked), return_exceptions=True)
    held = [(one, hold) for (one, _), hold in zip(asked, outcomes, strict=True) if isinstance(hold, BudgetHold)]
    assert 1 <= len(held) <= 10
    for one, hold in held:
        one.settle(hold, 300)
    for one in instances:
        await one.close()
    later = TableBudgets(table, NOBODY)
    account = await later.read("together")
    assert (account.settled, account.available(HARD.micro_dollars)) == (300 * len(held), 10_000 - 300 * len(held))
    left = 10_000 - 300 * len(held)
    assert isinstance(await later.reserve("together", HARD, left + 1), BudgetDenied)
    assert isinstance(await later.reserve("together", HARD, left), BudgetHold)
    await later.close()


async def test_while_the_table_is_away_hard_budgets_refuse_and_soft_ones_pass() -> None:
    budgets = TableBudgets(away(), NOBODY)
    with pytest.raises(StoreUnavailable):
        await budgets.reserve("alice", HARD, 1)
    hold = await budgets.reserve("alice", SOFT, 1)
    assert isinstance(hold, BudgetHold)
    budgets.settle(hold, 5)
    assert budgets.known("alice").settled == 5
    await budgets.close()


async def test_two_apps_spend_one_budget_and_an_app_without_its_table_refuses(simulator: Simulator, table: str) -> None:
    keys = {"alice": {"key": KEY, "budget-usd": "0.01"}}
    environ = environ_for(simulator) | {
        "CLIENT_KEYS": json.dumps(keys),
        "AZURE_OPENAI_DEPLOYMENT_MODELS": "gpt-4o=gpt-4o@2024-11-20/GlobalStandard",
    }
    async with (
        aiohttp.ClientSession(headers={"authorization": f"Bearer {KEY}"}) as http,
        running_host(REPOSITORY, environ | {"LIMITS_STORE": table}) as one,
        running_host(REPOSITORY, environ | {"LIMITS_STORE": table}) as other,
        running_host(REPOSITORY, environ | {"LIMITS_STORE": away()}) as alone,
    ):
        left = []
        for host in (one, other, one):
            async with http.post(f"{host.url}/v1/chat/completions", json=CHAT) as answer:
                assert answer.status == 200, await answer.text()
            async with http.get(f"{host.url}/usage") as answer:
                left.append(float((await answer.json())["budget"]["remaining_usd"]))
        assert 0.01 > left[0] > left[1] > left[2] > 0
        async with http.post(f"{alone.url}/v1/chat/completions", json=CHAT) as answer:
            refused = (await answer.json())["error"]
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) > 0
        assert "budget" in refused["message"]
        await alone.wait_for_output("budget_store_down")


async def test_budgets_and_operators_of_the_vault_have_the_tags_and_names_of_their_secrets(table: str) -> None:
    async with cloud() as azure:
        for name, tags in (("hard", {"budget-usd": "0.001"}), ("soft", {"budget-usd": "0.000001", "budget": "soft"})):
            azure.vault.put(f"client-{name}", f"sk-{name}-0123456789abcdefgh", tags=tags, age=3600)
        azure.vault.put("admin-ops", "sk-ops-0123456789abcdefgh", age=3600)
        stores = {"LIMITS_STORE": table, "USAGE_STORE": table}
        models = {"AZURE_OPENAI_DEPLOYMENT_MODELS": "gpt-4o=gpt-4o@2024-11-20/GlobalStandard"}
        async with running_host(REPOSITORY, azure.environ() | stores | models) as host:
            came = {}
            for name in ("hard", "soft"):
                async with AsyncOpenAI(
                    base_url=f"{host.url}/v1",
                    api_key=f"sk-{name}-0123456789abcdefgh",
                    admin_api_key="sk-ops-0123456789abcdefgh",
                ) as client:
                    came[name] = await spent_by(client)
        assert came == {"hard": "insufficient_quota", "soft": "true"}


async def spent_by(client: AsyncOpenAI) -> str:
    """Return the code of a refusal, or what an answer says of its budget, which the usage of an operator has too."""
    try:
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO, max_tokens=100)
    except RateLimitError as error:
        return str(error.code)
    page: Any = await client.admin.organization.usage.completions(start_time=int(time.time()), api_key_ids=["soft"])
    assert [result.num_model_requests for bucket in page.data for result in bucket.results] == [1]
    return raw.headers["x-proxy-budget-exceeded"]
