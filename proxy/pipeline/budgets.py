"""Money before and after a call: what it may cost is reserved, what it has cost is settled when its exchange ends.

An attempt whose usage nobody knows, because it timed out, broke off or was cancelled, is charged with all that it may
have cost. https://learn.microsoft.com/azure/foundry/openai/how-to/manage-costs
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date

from msgspec import structs

from proxy.auth.budget_account import BudgetDenied, BudgetHold
from proxy.auth.budgets import WHOLE_PROXY
from proxy.auth.budgets import Budgets as BudgetLedger
from proxy.auth.month_account import next_month
from proxy.azure_api.output_limit import with_output_limit
from proxy.azure_api.request import Call
from proxy.azure_services.rows import StoreUnavailable
from proxy.config.price_table import PriceTable
from proxy.errors import BudgetReserved, BudgetSpent, BudgetUnavailable, ConfigurationError, NotForBudget, ProxyError
from proxy.openai_api.answers import BUDGET_EXCEEDED, BUDGET_REMAINING
from proxy.pipeline.exchange import Exchange
from proxy.pipeline.resources import Resources
from proxy.prices.asked import Asked, read_asked
from proxy.prices.bounds import Bound, Refused, with_tool_calls
from proxy.prices.cost import format_usd
from proxy.prices.rules import Rule, bounding
from proxy.prices.targets_bound import LARGEST_PART, LEAST_OUTPUT, LEAST_REASONING, TargetsBound, targets_bound
from proxy.routing.failures import Failure, Kind
from proxy.routing.targets import Catalogue, Target, is_reasoning
from proxy.server.access_log import AccessLogEntry
from proxy.values import Budget, Deployed, Limits

_LOG = logging.getLogger(__name__)
# The most seconds after which running calls may have given back what they reserved. Clients that are refused together
# get different numbers, because SDKs come back exactly then, and a small budget pays for a few of them at a time.
MOST_WAIT = 10
# How attempts fail of which nobody knows whether they are billed.
_UNKNOWN = frozenset({Kind.TIMEOUT, Kind.RESET, Kind.IN_STREAM})
# Errors behind which Azure has worked on an answer, and those behind which it has read the input, which it bills.
_WORKED = frozenset({408, 500, 504})
_READ = frozenset({"content_filter", "responsibleaipolicyviolation", "context_length_exceeded"})
_NO_STORE = "A hard budget needs a store that all instances share: set LIMITS_STORE."
Account = tuple[str, Budget]


@dataclass(slots=True, kw_only=True)
class Spending:
    """What one call has reserved of its budgets, and what it is charged with so far."""

    ledger: BudgetLedger
    accounts: Sequence[Account]
    entry: AccessLogEntry
    exceeded: set[tuple[str, str]]
    bound: int
    input: int
    charged: int = 0
    reserved: int = 0
    is_running: bool = False
    is_settled: bool = False
    holds: list[BudgetHold] = field(default_factory=list)

    async def begin(self) -> bool:
        """Begin an attempt; tell whether it can be paid besides what the attempts before may cost."""
        if self.charged + self.bound > self.reserved and not await self.reserve(self.bound):
            return False
        self.is_running = True
        return True

    async def reserve(self, amount: int) -> bool:
        """Reserve an amount of every budget, or of none."""
        return await self.try_reserve(amount) is None

    async def try_reserve(self, amount: int) -> tuple[Account, int] | None:
        """Reserve an amount of every budget; of none if one has not so much: return that, and what it has left."""
        taken: list[BudgetHold] = []
        for name, budget in self.accounts:
            try:
                outcome = await self.ledger.reserve(name, budget, amount)
            except BaseException as error:
                self._give_back(taken)
                if isinstance(error, StoreUnavailable):
                    raise BudgetUnavailable from None
                raise
            if isinstance(outcome, BudgetDenied):
                self._give_back(taken)
                return (name, budget), outcome.left
            taken.append(outcome)
        self.holds.extend(taken)
        self.reserved += amount
        return None

    def failed(self, failure: Failure) -> None:
        """End an attempt with what it may have cost."""
        self.is_running = False
        # A stream whose first word is the rate limit is as good as the status 429. What a filter refuses there may be
        # an answer, which Azure holds back until it is filtered, and bills.
        # https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
        is_limited = failure.is_throttled and not failure.begun
        if (failure.kind in _UNKNOWN and not is_limited) or failure.status in _WORKED:
            self.charged += self.bound
        elif failure.code.lower() in _READ:
            self.charged += self.input

    def settle(self) -> None:
        """Settle what the call has cost, at the end of its exchange; it waits for nothing, so nothing cancels it."""
        self.charged, self.is_settled = self._spent(), True
        for name, budget in self.accounts:
            left = self.charged
            for hold in [hold for hold in self.holds if hold.account == name]:
                self.ledger.settle(hold, left)
                left = 0
            if budget.is_hard and self.charged > self.reserved:
                _LOG.error("budget_bound_exceeded: a call cost %d instead of %d", self.charged, self.reserved)
            elif not budget.is_hard:
                self._note_exceeded(name, budget)

    def used(self) -> float:
        """Return the share of the first budget, that of the proxy, that is spent when this call is paid."""
        name, budget = self.accounts[0]
        own = 0 if self.is_settled else self._spent()
        return (self.ledger.known(name).settled + own) / max(1, budget.micro_dollars)

    def _spent(self) -> int:
        """Return what the attempts have cost until now."""
        return self.charged + (self._cost() if self.is_running else 0)

    def _cost(self) -> int:
        """Return what the last attempt has cost: of a stream that broke off, the usage so far is not all."""
        return self.bound if self.entry.cost is None or self.entry.error is not None else self.entry.cost

    def _note_exceeded(self, name: str, budget: Budget) -> None:
        """Log once that a soft budget is used up, which refuses nothing."""
        account = self.ledger.known(name)
        if account.settled > budget.micro_dollars and (name, account.month) not in self.exceeded:
            self.exceeded.add((name, account.month))
            _LOG.warning("budget_exceeded: the soft budget of %s for %s is used up", _whose(name), account.month)

    def headers(self) -> dict[str, str]:
        """Return what is left of the client's budget, or of the proxy's, when this call is paid."""
        name, budget = self.accounts[-1]
        cost = 0 if self.entry.cost is None else self.entry.cost
        left = budget.micro_dollars - self.ledger.known(name).settled - self.charged - cost
        exceeded = {} if left >= 0 else {BUDGET_EXCEEDED: "true"}
        return {BUDGET_REMAINING: format_usd(max(0, left)), **exceeded}

    def _give_back(self, holds: Sequence[BudgetHold]) -> None:
        for hold in holds:
            self.ledger.settle(hold, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budgets:
    """Admits calls by what they may cost; `whole` is the budget of the proxy, None without one.

    `is_shared` tells whether the ledger is that of all instances, without which Azure keeps no hard budget; `exceeded`
    are the soft budgets, with their month, of which the log says already that they are used up, `unknown` the resources
    of which it says that they have deployments without a price. `draw` is from 0 to 1.
    """

    ledger: BudgetLedger
    prices: PriceTable
    whole: Budget | None
    today: Callable[[], date]
    now: Callable[[], float]
    is_shared: bool
    exceeded: set[tuple[str, str]] = field(default_factory=set)
    unknown: set[int] = field(default_factory=set)
    draw: Callable[[], float] = random.random

    def accounts(self, client: str, limits: Limits | None) -> tuple[Account, ...]:
        """Return the budgets that a client's calls count for."""
        whole = () if self.whole is None else ((WHOLE_PROXY, self.whole),)
        return whole if limits is None or limits.budget is None else (*whole, (client, limits.budget))

    async def admit(
        self,
        exchange: Exchange,
        accounts: Sequence[Account],
        resources: Resources,
        call: Call,
        targets: Sequence[Target],
        *,
        own_limit: bool,
        replays: bool = False,
        form: Asked | None = None,
    ) -> tuple[Call, Spending | None]:
        """Return the call as it may be made, and what it has reserved, None where it costs nothing.

        `own_limit` tells whether the client has bounded the answer, `replays` that the proxy adds reasoning which its
        body does not have; `form` is what a form asks for. Raises what the client reads.
        """
        operation = call.route.operation.name
        if bounding(operation).rule is Rule.FREE:
            return call, None
        hard = exchange.entry.hard_budget = self._is_hard(accounts)
        asked = read_asked(call) if form is None else form
        if replays:
            asked = structs.replace(asked, opaque=True)
        deployments = self._described(resources.catalogue(), targets, hard=hard)
        known = targets_bound(operation, asked, self.prices, deployments, self.today(), hard=hard)
        most = known if isinstance(known, Refused) else known.most()
        if isinstance(known, Refused) or isinstance(most, Refused):
            spending = await self._without_bound(exchange, accounts, most)
        else:
            least = min(_least(targets, deployments), _longest(known))
            can_lower = hard and known.has_output and not own_limit
            call, spending = await self._reserve(exchange, accounts, call, known, least if can_lower else None)
            if hard and most.tool_calls is not None:
                call = with_tool_calls(call, most.tool_calls)
        # What is sent again without a word to failover would be paid twice and reserved once.
        exchange.entry.counts_sendings = True
        return call, spending

    def _is_hard(self, accounts: Sequence[Account]) -> bool:
        """Tell whether a budget may refuse a call; raise `ConfigurationError` where instances do not share it."""
        hard = any(budget.is_hard for _, budget in accounts)
        if hard and not self.is_shared:
            raise ConfigurationError(_NO_STORE, reason="budget_without_store")
        return hard

    def _described(self, catalogue: Catalogue, targets: Sequence[Target], *, hard: bool) -> list[Deployed | None]:
        """Return what the targets are; log once for each resource that what is not known counts nothing."""
        deployments = [catalogue.describe(target) for target in targets]
        for target, deployed in zip(targets, deployments, strict=True):
            if deployed is None and not hard and target.resource not in self.unknown:
                self.unknown.add(target.resource)
                _LOG.warning("budget_without_price: deployments of resource %d have no known model", target.resource)
        return deployments

    async def _without_bound(
        self, exchange: Exchange, accounts: Sequence[Account], refused: Bound | Refused
    ) -> Spending:
        """Let a call pass that has no bound, unless a budget is hard."""
        if exchange.entry.hard_budget and isinstance(refused, Refused):
            hard = next(name for name, budget in reversed(accounts) if budget.is_hard)
            raise NotForBudget(_whose(hard), refused.cause, refused.words)
        spending = self._spending(exchange, accounts)
        await spending.reserve(0)
        return spending

    def _spending(self, exchange: Exchange, accounts: Sequence[Account], bound: int = 0, of_input: int = 0) -> Spending:
        """Begin with nothing reserved, and settle at the end of the exchange whatever comes in between."""
        spending = Spending(
            ledger=self.ledger,
            accounts=accounts,
            entry=exchange.entry,
            exceeded=self.exceeded,
            bound=bound,
            input=of_input,
        )
        exchange.stack.callback(spending.settle)
        if self.whole is not None:
            exchange.entry.budget_used = spending.used
        return spending

    async def _reserve(
        self, exchange: Exchange, accounts: Sequence[Account], call: Call, known: TargetsBound, least: int | None
    ) -> tuple[Call, Spending]:
        """Reserve the bound of a call, with a shorter answer if it may be shortened to the `least` tokens."""
        wishes = [known]
        if least is not None:
            left = min(self.ledger.known(name).available(budget.micro_dollars) for name, budget in accounts)
            tokens = max(least, known.affordable(max(0, left) // LARGEST_PART))
            # Without a limit, each pass between the calls of tools may be as long as the model can.
            if tokens < _longest(known) or known.asked.tools:
                wishes = [known.with_output(tokens)]
            if tokens > least:
                wishes.append(known.with_output(least))
        needed = 0
        for wish in wishes:
            most = wish.most()
            assert isinstance(most, Bound)  # noqa: S101  the whole call has a bound
            spending = self._spending(exchange, accounts, most.micro_dollars, wish.input_cost())
            needed = most.micro_dollars
            denied = await spending.try_reserve(needed)
            if denied is None:
                output = wish.asked.output
                return call if wish is known or output is None else with_output_limit(call, output), spending
        assert denied is not None  # noqa: S101  there is a wish
        raise self._refusal(denied[0][0], denied[1], needed)

    def _refusal(self, name: str, left: int, needed: int) -> ProxyError:
        if needed <= left:
            return BudgetReserved(_whose(name), 1 + int(self.draw() * MOST_WAIT))
        renewed = next_month(self.now()).date().isoformat()
        return BudgetSpent(_whose(name), format_usd(max(0, left)), format_usd(needed), renewed)


def _longest(known: TargetsBound) -> int:
    """Return the longest answer that a call may have as it is."""
    sizes = [priced.size.output for priced in known.prices if priced.size is not None and priced.size.output]
    given = [known.asked.output] if known.asked.output is not None else []
    return min([*given, max(sizes, default=LEAST_REASONING)])


def _least(targets: Sequence[Target], deployments: Sequence[Deployed | None]) -> int:
    """Return the tokens below which no answer is cut."""
    names = [*(target.model for target in targets), *(one.model for one in deployments if one is not None)]
    return LEAST_REASONING if any(map(is_reasoning, names)) else LEAST_OUTPUT


def _whose(name: str) -> str:
    return "this proxy" if name == WHOLE_PROXY else f"the client key `{name}`"
