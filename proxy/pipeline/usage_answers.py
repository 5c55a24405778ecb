"""What the proxy answers about usage: OpenAI's usage and costs endpoints for admins, and its own for each client."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import chain

from proxy.auth.budget_account import BudgetAccount
from proxy.auth.budgets import Budgets as BudgetLedger
from proxy.auth.month_account import next_month
from proxy.azure_api.headers import JSON
from proxy.azure_services.rows import StoreUnavailable
from proxy.errors import UsageUnavailable
from proxy.openai_api import answers
from proxy.openai_api.router import Route
from proxy.pipeline.authentication import Principal
from proxy.pipeline.budgets import Budgets
from proxy.pipeline.usage_log import UsageLog
from proxy.prices.cost import format_usd
from proxy.usage.account import Used, month_start, used_by
from proxy.usage.counts import DAY, Lines
from proxy.usage.pages import encode_page
from proxy.usage.query import parse_query
from proxy.values import Request, Response

# Seconds for which clients read the same counts of the store again, so that none makes it work by asking often.
KEPT = 10.0
# Clients whose budgets were read lately; when there are more, all are read again.
MAX_CLIENTS = 1000
CLIENT_USAGE = "clientUsage"


@dataclass(slots=True)
class UsageAnswers:
    """Answers by the counts of a log; `now` is in seconds since 1970 UTC."""

    log: UsageLog
    now: Callable[[], float]
    budgets: Budgets | None = None
    _month: Lines = field(default_factory=dict)
    _read_at: float = float("-inf")
    _written: int = -1
    _budgets_read: dict[str, float] = field(default_factory=dict)

    async def page(self, request: Request, route: Route) -> Response:
        """Return a page of the usage of all clients; raise `InvalidRequest` or `UsageUnavailable`."""
        endpoint = route.operation.name.removeprefix("usage-").replace("-", "_")
        query = parse_query(endpoint, request.query, self.now())
        try:
            lines = await self.log.read(query.first, query.end, query.width)
        except StoreUnavailable:
            raise UsageUnavailable from None
        return Response(status=200, headers=JSON, body=encode_page(query, lines.items()))

    async def of_client(self, principal: Principal) -> Response:
        """Return what a client may use and has used."""
        used = {**await self._used(principal), **await self._budget(principal)}
        body = answers.encode_account(principal.client, principal.limits, principal.expires, used)
        return Response(status=200, headers=JSON, body=body)

    async def _budget(self, principal: Principal) -> Mapping[str, object]:
        """Return what is left of a client's budget, nothing where it has none."""
        budget = None if principal.limits is None else principal.limits.budget
        if self.budgets is None or budget is None:
            return {}
        account = await self._account(self.budgets.ledger, principal.client)
        shown = {
            "usd": format_usd(budget.micro_dollars),
            "remaining_usd": format_usd(max(0, budget.micro_dollars - account.settled)),
            "kind": "hard" if budget.is_hard else "soft",
            "resets": int(next_month(self.now()).timestamp()),
        }
        return {"budget": shown}

    async def _account(self, ledger: BudgetLedger, client: str) -> BudgetAccount:
        """Return what a client has spent: up to its last call here, of the other instances a few seconds ago."""
        now = self.now()
        if 0 <= now - self._budgets_read.get(client, float("-inf")) < KEPT:
            return ledger.known(client)
        if len(self._budgets_read) >= MAX_CLIENTS:
            self._budgets_read.clear()
        self._budgets_read[client] = now
        return await ledger.read(client)

    async def _used(self, principal: Principal) -> Mapping[str, object]:
        """Return what a client has used this month, up to its last request; nothing where that cannot be read now."""
        now = self.now()
        try:
            if not 0 <= now - self._read_at < KEPT or self._written != self.log.written:
                self._month = await self.log.read_stored(month_start(now), now + 1, DAY)
                self._read_at, self._written = now, self.log.written
        except StoreUnavailable:
            return {}
        return _shown(used_by(principal.client, chain(self._month.items(), self.log.held()), now))


def _shown(used: Used) -> Mapping[str, object]:
    month = {
        "requests": used.month.requests,
        "input_tokens": used.month.input,
        "input_cached_tokens": used.month.cached,
        "output_tokens": used.month.output,
        "output_reasoning_tokens": used.month.reasoning,
        "errors": used.month.errors,
        "cancelled": used.month.cancelled,
        "milliseconds": used.month.milliseconds,
        "cost_usd": format_usd(used.month.cost),
    }
    days = [
        {
            "date": day,
            "input_tokens": counts.input,
            "output_tokens": counts.output,
            "cost_usd": format_usd(counts.cost),
        }
        for day, counts in used.days
    ]
    return {"month": month, "days": days}
