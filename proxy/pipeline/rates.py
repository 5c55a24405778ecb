"""The rates of client keys: a call is admitted, its answer says what is left, and what it has used is settled."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from proxy.auth.ledger import Denied, Hold, Ledger, Limited, Rate, Standing
from proxy.auth.token_demand import RecentOutputs, bound_tokens, reserved_tokens
from proxy.errors import ClientLimited
from proxy.openai_api.retry_after import encode_duration
from proxy.pipeline.exchange import Exchange
from proxy.server.access_log import AccessLogEntry
from proxy.values import Limits

RATE_HEADERS = "x-ratelimit-"
_WORDS: Mapping[Limited, str] = {
    Limited.REQUESTS: "requests a minute",
    Limited.TOKENS: "tokens a minute",
    Limited.CONCURRENCY: "requests at the same time",
}


class Demand(msgspec.Struct, frozen=True, kw_only=True):
    """What a call may use: it has `sent` bytes and its answer at most `bound` tokens, None where nobody knows.

    A call that asks no model uses no tokens.
    """

    asks_model: bool
    sent: int = 0
    bound: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """Admits calls by the accounts of a ledger."""

    ledger: Ledger
    outputs: RecentOutputs = field(default_factory=RecentOutputs)

    async def admit(self, exchange: Exchange, client: str, limits: Limits, demand: Demand) -> dict[str, str]:
        """Return the headers that say what is left; raise `ClientLimited`.

        The exchange settles what was reserved when it ends.
        """
        if limits.rpm is limits.tpm is limits.concurrency is None:
            return {}
        tokens = 0
        if limits.tpm is not None and demand.asks_model:
            tokens = reserved_tokens(limits.tpm, demand.sent, demand.bound, self.outputs.usual(client))
        outcome = await self.ledger.reserve(client, limits, tokens)
        if isinstance(outcome, Denied):
            raise _limited(client, limits, outcome)
        exchange.stack.push_async_callback(self._settle, outcome, exchange.entry, demand)
        return _headers(outcome.standing)

    async def _settle(self, hold: Hold, entry: AccessLogEntry, demand: Demand) -> None:
        """Settle what a call has used, by Azure's count or, where there is none, by what it may have used at most."""
        usage = entry.usage
        if usage is not None and usage.input_tokens + usage.output_tokens:
            self.outputs.note(hold.account, usage.output_tokens)
            await self.ledger.settle(hold, usage.input_tokens + usage.output_tokens)
        elif entry.came_to_nothing:
            await self.ledger.release(hold)
        else:
            bound = bound_tokens(demand.sent, demand.bound) if demand.asks_model else None
            await self.ledger.settle(hold, hold.tokens if bound is None else bound)


def _limited(client: str, limits: Limits, denied: Denied) -> ClientLimited:
    by_kind = {
        Limited.REQUESTS: limits.rpm,
        Limited.TOKENS: limits.tpm,
        Limited.CONCURRENCY: limits.concurrency,
    }
    error = ClientLimited(client, _WORDS[denied.limited], by_kind[denied.limited] or 0, wait=denied.wait)
    error.headers = {**error.headers, **_headers(denied.standing)}
    return error


def _headers(standing: Standing) -> dict[str, str]:
    return {**_of_rate("requests", standing.requests), **_of_rate("tokens", standing.tokens)}


def _of_rate(name: str, rate: Rate | None) -> dict[str, str]:
    """Return the headers of one rate as OpenAI writes them."""
    if rate is None:
        return {}
    return {
        f"{RATE_HEADERS}limit-{name}": str(rate.limit),
        f"{RATE_HEADERS}remaining-{name}": str(rate.remaining),
        f"{RATE_HEADERS}reset-{name}": encode_duration(rate.reset),
    }


def with_own_rates(headers: Mapping[str, str], rates: Mapping[str, str]) -> dict[str, str]:
    """Return headers with the client's own rates, if any, in place of Azure's, which are those of the resource."""
    if not rates:
        return dict(headers)
    return {name: value for name, value in headers.items() if not name.startswith(RATE_HEADERS)} | dict(rates)
