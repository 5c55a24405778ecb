"""The way from target to target until one answers: the corridor's only loop over them."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from proxy.errors import AllDown, ProxyError, UpstreamTimeout
from proxy.gateway.attempt import Answered, Refused
from proxy.gateway.exchange import Exchange
from proxy.gateway.ledger import Ledger
from proxy.routing.failures import Failure, Kind, Repeat, Verdict
from proxy.routing.retry import RetryState
from proxy.routing.targets import Key, Target
from proxy.values import Response

_TARGET, _ATTEMPTS = "x-proxy-target", "x-proxy-attempts"
# Errors that say when to come back.
_WAITING = frozenset({429, 503})

Attempting = Callable[[Target], Awaitable[Answered | Refused]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Travel:
    """Leads requests from target to target; `clock` never goes back, `draw` is from 0 to 1."""

    ledger: Ledger | None = None
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    async def run(
        self, exchange: Exchange, targets: Sequence[Target], repeat: Repeat, attempting: Attempting
    ) -> Response:
        """Return the first answer; raise what the client reads when there is none."""
        router = exchange.fleet.router
        if router.policy.retries_timeouts:
            exchange.opening.share(min(len(targets), router.policy.attempts))
        with router.begin(targets, repeat) as journey:
            failures: dict[Key, Refused] = {}
            while step := journey.next(self.clock(), self.draw()):
                await asyncio.sleep(step.pause) if step.pause else None
                exchange.line.goes_to(step.target.resource, step.target.deployment, journey.attempts)
                outcome = await self._attempt(exchange, step.target, journey.attempts, attempting)
                if isinstance(outcome, Answered):
                    journey.succeeded(step, outcome.headers, self.clock())
                    return _told(outcome.response, step.target, journey)
                failures[step.target.key] = outcome
                verdict = journey.failed(step, outcome.failure, self.clock())
                if verdict is Verdict.GIVE_UP or (verdict is Verdict.REFRESH and not await outcome.renew()):
                    raise _marked(outcome.error, step.target, journey)
            raise self._exhausted(journey, tuple(failures.values()), alone=len(targets) == 1)

    async def _attempt(
        self, exchange: Exchange, target: Target, number: int, attempting: Attempting
    ) -> Answered | Refused:
        if self.ledger is None:
            return await _within(exchange, attempting, target)
        entry = self.ledger.begin(exchange, target, number)
        try:
            outcome = await _within(exchange, attempting, target)
        except BaseException:
            entry.abandoned(None)
            raise
        if isinstance(outcome, Answered):
            return entry.answered(outcome)
        entry.refused(outcome)
        return outcome

    def _exhausted(self, journey: RetryState, failures: Sequence[Refused], *, alone: bool) -> ProxyError:
        """Return what the client reads when there is nowhere left to go.

        That is what the only target said, that all are down, or that none has the deployment.
        """
        down = journey.exhausted(self.clock())
        if down is None:
            return _numbered(failures[-1].error, journey)
        waiting = AllDown(throttled=down.throttled, wait=down.wait)
        error: ProxyError = failures[-1].error if failures and alone else waiting
        if error.status in _WAITING and "retry-after" not in error.headers:
            error.headers = {**error.headers, **waiting.headers}
        return _numbered(error, journey)


async def _within(exchange: Exchange, attempting: Attempting, target: Target) -> Answered | Refused:
    """Make an attempt in the time that it has."""
    try:
        async with exchange.opening.bounded():
            return await attempting(target)
    except UpstreamTimeout as error:
        return Refused(failure=Failure(kind=Kind.TIMEOUT), error=error)


def _told(answer: Response, target: Target, journey: RetryState) -> Response:
    told = {**answer.headers, _TARGET: str(target.resource), _ATTEMPTS: str(journey.attempts)}
    return Response(status=answer.status, headers=told, body=answer.body, keep_alive=answer.keep_alive)


def _marked(error: ProxyError, target: Target, journey: RetryState) -> ProxyError:
    error.headers = {**error.headers, _TARGET: str(target.resource)}
    return _numbered(error, journey)


def _numbered(error: ProxyError, journey: RetryState) -> ProxyError:
    error.headers = {**error.headers, _ATTEMPTS: str(journey.attempts)}
    return error
