"""What a call reserves of its budgets, and what it is charged with however it ends."""

import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import repeat
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import structs

from proxy.auth.budget_account import BudgetDenied, BudgetHold
from proxy.auth.budgets import WHOLE_PROXY, MemoryBudgets
from proxy.azure_api.request import Call
from proxy.azure_services.rows import StoreUnavailable
from proxy.config.price_table import ModelSize
from proxy.errors import BudgetReserved, BudgetSpent, BudgetUnavailable, ConfigurationError, NotForBudget, ProxyError
from proxy.pipeline.budgets import Budgets, Spending
from proxy.routing.failures import Failure, Kind
from proxy.routing.targets import Target
from proxy.values import Budget, Limits
from tests.unit.prices.samples import DAY, deployed, price, table
from tests.unit.prices.samples import call as call_of

NOW = 1_796_083_080.0
TARGETS = [Target(resource=0, deployment="d", model="m")]
CATALOGUE = cast("Any", SimpleNamespace(catalogue=lambda: SimpleNamespace(describe=lambda _: deployed())))
HELLO = {"messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 100}
SIZE = ModelSize(model="m", input=100_000, output=20_000, source="list")
HARD, SOFT = Budget(micro_dollars=1_000_000), Budget(micro_dollars=100, is_hard=False)


class Stores(MemoryBudgets):
    """Budgets whose store can be away for one account."""

    away = ""

    async def reserve(self, account: str, budget: Budget, bound: int) -> BudgetHold | BudgetDenied:
        if account == self.away:
            raise StoreUnavailable
        return await super().reserve(account, budget, bound)


class World:
    """Budgets, and the exchange of one call at a time."""

    def __init__(self, whole: Budget | None = None, *, is_shared: bool = True) -> None:
        self.ledger = Stores(lambda: NOW)
        self.budgets = Budgets(
            ledger=self.ledger,
            prices=structs.replace(table(price()), models=[SIZE]),
            whole=whole,
            today=lambda: DAY,
            now=lambda: NOW,
            is_shared=is_shared,
        )
        self.begin()

    def begin(self) -> None:
        self.stack = AsyncExitStack()
        self.entry = SimpleNamespace(cost=None, error=None, hard_budget=False, counts_sendings=False, budget_used=None)

    async def admit(
        self, budget: Budget = HARD, operation: str = "createChatCompletion", **how: Any
    ) -> tuple[Call, Spending | None]:
        exchange = cast("Any", SimpleNamespace(entry=self.entry, stack=self.stack))
        accounts = self.budgets.accounts("alice", Limits(budget=budget))
        asked, how = how.pop("body", HELLO), {"own_limit": True, **how}
        call, catalogue = call_of(operation, **asked), how.pop("catalogue", CATALOGUE)
        return await self.budgets.admit(exchange, accounts, catalogue, call, TARGETS, **how)

    async def spend(self, budget: Budget = HARD, **how: Any) -> Spending:
        _, spending = await self.admit(budget, **how)
        assert spending is not None
        return spending

    async def settled(self, account: str = "alice") -> int:
        """End the exchange; return what is settled then."""
        await self.stack.aclose()
        kept = self.ledger.known(account)
        assert kept.reserved == 0
        return kept.settled


async def test_a_call_is_charged_with_what_it_has_cost() -> None:
    world = World()
    spending = await world.spend()
    assert await spending.begin()
    world.entry.cost = 7
    assert world.entry.counts_sendings
    assert await world.settled() == 7
    assert spending.bound > 7


@pytest.mark.parametrize("whole", [HARD, SOFT])
async def test_the_line_of_a_request_tells_the_share_of_the_proxys_budget_that_is_spent_with_it(whole: Budget) -> None:
    world = World(whole)
    for number in (1, 2):
        spending = await world.spend()
        used = world.entry.budget_used
        assert used is not None
        assert used() == 7 * (number - 1) / whole.micro_dollars
        await spending.begin()
        assert used() == (7 * (number - 1) + spending.bound) / whole.micro_dollars  # what it may have cost
        world.entry.cost = 7
        assert used() == 7 * number / whole.micro_dollars
        assert await world.settled(WHOLE_PROXY) == 7 * number
        assert used() == 7 * number / whole.micro_dollars
        world.begin()


async def test_a_request_that_is_refused_tells_it_too_and_one_without_such_a_budget_does_not() -> None:
    world = World(Budget(micro_dollars=1))
    with pytest.raises(BudgetSpent):
        await world.admit()
    assert world.entry.budget_used is not None
    assert world.entry.budget_used() == 0.0
    alone = World()
    await alone.spend()
    assert alone.entry.budget_used is None


async def test_a_stream_that_broke_off_is_charged_with_its_bound_whatever_it_has_counted_so_far() -> None:
    world = World()
    spending = await world.spend()
    await spending.begin()
    world.entry.cost, world.entry.error = 7, "upstream_error"
    assert await world.settled() == spending.bound


async def test_a_call_of_which_nobody_knows_the_usage_is_charged_with_its_bound() -> None:
    world = World()
    spending = await world.spend()
    await spending.begin()
    assert await world.settled() == spending.bound


async def test_a_call_that_was_never_sent_costs_nothing() -> None:
    world = World()
    await world.spend()
    assert await world.settled() == 0


@pytest.mark.parametrize(
    ("failure", "share"),
    [
        (Failure(kind=Kind.TIMEOUT), "bound"),
        (Failure(kind=Kind.RESET), "bound"),
        (Failure(kind=Kind.IN_STREAM), "bound"),
        (Failure(kind=Kind.IN_STREAM, status=429), ""),
        (Failure(kind=Kind.IN_STREAM, status=429, begun=True), "bound"),
        (Failure(kind=Kind.IN_STREAM, status=400, code="content_filter"), "bound"),
        (Failure(kind=Kind.ANSWER, status=500), "bound"),
        (Failure(kind=Kind.ANSWER, status=400, code="content_filter"), "input"),
        (Failure(kind=Kind.ANSWER, status=429), ""),
        (Failure(kind=Kind.CONNECT), ""),
    ],
)
async def test_an_attempt_that_failed_is_charged_with_what_it_may_have_cost(failure: Failure, share: str) -> None:
    world = World()
    spending = await world.spend()
    await spending.begin()
    spending.failed(failure)
    assert await world.settled() == (getattr(spending, share) if share else 0)


async def test_each_further_attempt_is_reserved_besides_what_the_attempts_before_may_cost() -> None:
    world = World()
    bound = (await world.spend()).bound
    await world.settled()
    world.begin()
    spending = await world.spend(Budget(micro_dollars=2 * bound))
    for _ in range(2):
        assert await spending.begin()
        spending.failed(Failure(kind=Kind.RESET))
    assert not await spending.begin()
    assert await world.settled() == 2 * bound


async def test_reasoning_that_the_proxy_adds_may_fill_the_window_of_the_model() -> None:
    world = World()
    plain, replaying = await world.spend(), await world.spend(replays=True)
    # 1 dollar for a million tokens of input, and 2 for 100 tokens of output.
    assert replaying.bound == 100_000 + 200 > plain.bound


async def test_a_budget_that_others_have_reserved_is_another_refusal_than_one_that_is_spent() -> None:
    world = World()
    bound = (await world.spend()).bound
    await world.settled()
    world.begin()
    await world.spend(Budget(micro_dollars=bound))
    for draw, seconds in ((0.0, "1"), (0.5, "6"), (0.999, "10")):
        world.budgets = replace(world.budgets, draw=repeat(draw).__next__)
        with pytest.raises(BudgetReserved) as raised:
            await world.admit(Budget(micro_dollars=bound))
        assert raised.value.headers["retry-after"] == seconds
    await world.settled()
    with pytest.raises(BudgetSpent):
        await world.admit(Budget(micro_dollars=bound - 1))


async def test_of_two_budgets_both_pay_or_none() -> None:
    world = World(Budget(micro_dollars=10_000_000))
    with pytest.raises(BudgetSpent):
        await world.admit(Budget(micro_dollars=1))
    assert world.ledger.known(WHOLE_PROXY).reserved == 0
    world = World(Budget(micro_dollars=10_000_000))
    spending = await world.spend()
    await spending.begin()
    world.entry.cost = 9
    assert await world.settled() == 9
    assert world.ledger.known(WHOLE_PROXY).settled == 9


async def test_a_store_that_goes_away_between_two_budgets_leaves_nothing_reserved() -> None:
    world = World(HARD)
    world.ledger.away = "alice"
    with pytest.raises(BudgetUnavailable):
        await world.admit()
    assert world.ledger.known(WHOLE_PROXY).reserved == 0


async def test_an_answer_without_a_limit_of_the_clients_is_bounded_to_a_part_of_what_is_left() -> None:
    world = World()
    free = {"messages": HELLO["messages"]}
    call, spending = await world.admit(body=free, own_limit=False)
    assert spending is not None
    assert call.document is not None
    assert call.document.member("max_completion_tokens") is None  # An eighth of a dollar pays for the longest.
    world.begin()
    call, lower = await world.admit(Budget(micro_dollars=100_000), body=free, own_limit=False)
    assert call.document is not None
    tokens = int(call.document.member("max_completion_tokens") or 0)
    assert 1000 < tokens < 20_000
    assert lower is not None
    assert lower.bound <= 100_000 // 8
    world.begin()
    call, _ = await world.admit(Budget(micro_dollars=65_000), body=free, own_limit=False)
    assert call.document is not None
    assert call.document.member("max_completion_tokens") == b"1000"
    with pytest.raises(BudgetSpent):
        await world.admit(Budget(micro_dollars=1), body=free, own_limit=False)


@pytest.mark.parametrize(("operation", "error"), [("createVectorStore", NotForBudget), ("listFiles", None)])
async def test_what_has_no_bound_is_refused_and_what_is_free_reserves_nothing(
    operation: str, error: type[ProxyError] | None
) -> None:
    world = World()
    if error is None:
        assert (await world.admit(operation=operation, body={}))[1] is None
    else:
        with pytest.raises(error):
            await world.admit(operation=operation, body={})
        assert await world.spend(SOFT, operation=operation, body={})


async def test_a_hard_budget_that_instances_do_not_share_is_a_wrong_configuration() -> None:
    world = World(is_shared=False)
    with pytest.raises(ConfigurationError):
        await world.admit()
    assert await world.spend(SOFT)


async def test_a_soft_budget_says_once_in_the_log_that_it_is_used_up(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        world.begin()
        spending = await world.spend(SOFT)
        await spending.begin()
        world.entry.cost = 90
        await world.stack.aclose()
    said = [record.getMessage() for record in caplog.records]
    assert said == ["budget_exceeded: the soft budget of the client key `alice` for 2026-11 is used up"]
    assert spending.headers()["x-proxy-budget-exceeded"] == "true"


async def test_a_soft_budget_says_once_that_a_deployment_without_a_model_counts_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nameless = cast("Any", SimpleNamespace(catalogue=lambda: SimpleNamespace(describe=lambda _: None)))
    world = World()
    for _ in range(2):
        assert (await world.spend(SOFT, catalogue=nameless)).bound == 0
    assert [record.getMessage() for record in caplog.records] == [
        "budget_without_price: deployments of resource 0 have no known model"
    ]
    with pytest.raises(NotForBudget, match="unknown_model"):
        await world.admit(HARD, catalogue=nameless)


async def test_a_call_that_cost_more_than_its_bound_is_an_error_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    spending = await world.spend()
    await spending.begin()
    world.entry.cost = spending.bound + 1
    await world.stack.aclose()
    assert "budget_bound_exceeded" in caplog.text
