"""What a client reads of its usage: up to its last request, without asking the store each time."""

import json
from types import SimpleNamespace
from typing import cast

import msgspec

from proxy.auth.budget_account import BudgetAccount, BudgetHold
from proxy.auth.budgets import MemoryBudgets
from proxy.pipeline.authentication import Principal
from proxy.pipeline.budgets import Budgets
from proxy.pipeline.resources import Resources
from proxy.pipeline.usage_answers import KEPT, MAX_CLIENTS, UsageAnswers
from proxy.usage.counts import Lines
from proxy.values import Budget, Limits
from tests.unit.pipeline.test_usage_log import Moving, Store, note, opened

ALICE = Principal(client="alice", resources=cast("Resources", SimpleNamespace()))


class CountingStore(Store):
    """Counts how often it is read."""

    reads = 0

    async def read(self, first: float, end: float, width: int) -> Lines:
        self.reads += 1
        return await super().read(first, end, width)


async def requests(answers: UsageAnswers) -> int:
    answer = await answers.of_client(ALICE)
    assert isinstance(answer.body, bytes)
    found: int = json.loads(answer.body)["month"]["requests"]
    return found


async def test_each_request_is_seen_at_once_and_the_store_is_asked_rarely() -> None:
    store, clock = CountingStore(), Moving()
    log = opened(store, clock)
    answers = UsageAnswers(log, clock)
    for number in range(5):
        note(log)
        assert await requests(answers) == number + 1
    assert store.reads == 1
    clock.now += KEPT
    assert await requests(answers) == 5
    assert store.reads == 2
    await log.close()


class CountingBudgets(MemoryBudgets):
    """Counts how often the store would be read."""

    reads = 0

    async def read(self, account: str) -> BudgetAccount:
        self.reads += 1
        return await super().read(account)


async def left(answers: UsageAnswers, client: str) -> str:
    limits = Limits(budget=Budget(micro_dollars=100))
    answer = await answers.of_client(msgspec.structs.replace(ALICE, client=client, limits=limits))
    assert isinstance(answer.body, bytes)
    found: str = json.loads(answer.body)["budget"]["remaining_usd"]
    return found


async def test_what_is_left_of_a_budget_is_up_to_date_and_the_store_is_asked_rarely() -> None:
    clock = Moving()
    ledger = CountingBudgets(clock)
    answers = UsageAnswers(opened(None, clock), clock, cast("Budgets", SimpleNamespace(ledger=ledger)))
    for spent in range(3):
        assert await left(answers, "alice") == f"0.000{100 - spent:03}"
        hold = await ledger.reserve("alice", Budget(micro_dollars=100), 1)
        assert isinstance(hold, BudgetHold)
        ledger.settle(hold, 1)
    assert ledger.reads == 1
    clock.now += KEPT
    await left(answers, "alice")
    assert ledger.reads == 2
    for number in range(MAX_CLIENTS):
        await left(answers, f"client-{number}")
    await left(answers, "alice")
    assert ledger.reads == 2 + MAX_CLIENTS + 1


async def test_what_is_written_down_meanwhile_is_neither_lost_nor_counted_twice() -> None:
    store, clock = CountingStore(), Moving()
    log = opened(store, clock)
    answers = UsageAnswers(log, clock)
    note(log)
    assert await requests(answers) == 1
    note(log)
    await log.read(0, clock.now)
    assert await requests(answers) == 2
    await log.close()
