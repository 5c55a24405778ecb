"""Target after target, until one answers."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proxy.errors import AllDown, ProxyError, UpstreamAuthError
from proxy.openai_api.answers import ATTEMPTS, TARGET
from proxy.pipeline.attempt import Answered, Attempts, BodySource, Refused, RunningCall
from proxy.pipeline.budgets import Spending
from proxy.pipeline.routed_request import RoutedRequest
from proxy.routing.affinity import Placement
from proxy.routing.failures import Verdict
from proxy.routing.health import Health
from proxy.routing.retry import RetryState
from proxy.routing.targets import Key, Target
from proxy.server.access_log import FailedAttempt
from proxy.values import Response

_LOG = logging.getLogger(__name__)
_REFUSES = "Azure OpenAI refuses calls of this resource. The clients that get this error read its own words."
# Errors that say when to come back.
_WAITING = frozenset({429, 503})


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """Asks one target after the other; `clock` never goes back, `draw` is from 0 to 1."""

    attempts: Attempts
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    async def run(
        self,
        running: RunningCall,
        routed: RoutedRequest,
        targets: Sequence[Target],
        source: BodySource,
        placement: Placement | None = None,
        spending: Spending | None = None,
    ) -> Response:
        """Return the first answer; raise what the client reads when there is none.

        A `placement` takes one of several targets by the call's prompt, and is to be ended with the answer.
        A `spending` pays for the attempts; where it cannot pay for another one, the latest failure is the client's.
        """
        routing = routed.resources.routing
        if routing.policy.retries_timeouts:
            running.start.share(min(len(targets), routing.policy.attempts))
        with routing.begin(targets, source.repeat, placement) as state:
            failures: dict[Key, Refused] = {}
            while (step := state.next(self.clock(), self.draw())) and (spending is None or await spending.begin()):
                if step.pause:
                    await asyncio.sleep(step.pause)
                if placement is not None:
                    placement.move(step.target)
                running.exchange.entry.add_attempt(step.target.resource, step.target.deployment)
                outcome = await self.attempts.make(running, routed, source, step.target)
                if isinstance(outcome, Answered):
                    state.succeeded(step, outcome.headers, self.clock())
                    return _with_attempts(outcome.response, step.target, running)
                failures[step.target.key] = outcome
                self._note_failure(running, routing.health, step.target, outcome, spending)
                state.repeat = source.repeat
                verdict = state.failed(step, outcome.failure, self.clock())
                if verdict is Verdict.GIVE_UP or (verdict is Verdict.REFRESH and not await outcome.renew()):
                    outcome.error.headers = {**outcome.error.headers, TARGET: str(step.target.resource)}
                    raise _numbered(outcome.error, running)
            raise _numbered(self._exhausted(state, tuple(failures.values()), alone=len(targets) == 1), running)

    def _note_failure(
        self, running: RunningCall, health: Health, target: Target, refused: Refused, spending: Spending | None
    ) -> None:
        """Note an attempt that has failed, charge it, and log why a resource refuses calls."""
        running.exchange.entry.add_failure(_failed(target, refused))
        if spending is not None:
            spending.failed(refused.failure)
        if refused.failure.is_refused:
            _log_refusal(health, target, refused.error, self.clock())

    def _exhausted(self, state: RetryState, failures: Sequence[Refused], *, alone: bool) -> ProxyError:
        """Return what the client reads when there is nowhere left to go.

        That is what the only target answered, that all are down, or why none takes the call.
        """
        down = state.exhausted(self.clock())
        if down is None:
            return failures[-1].error
        waiting = AllDown(throttled=down.throttled, wait=down.wait)
        error: ProxyError = failures[-1].error if failures and alone else waiting
        if error.status in _WAITING and "retry-after" not in error.headers:
            error.headers = {**error.headers, **waiting.headers}
        return error


def _failed(target: Target, outcome: Refused) -> FailedAttempt:
    failure = outcome.failure
    code = (outcome.error.reason or failure.code) if failure.code else failure.kind.name.lower()
    return FailedAttempt(target.resource, failure.status, code)


def _log_refusal(health: Health, target: Target, error: ProxyError, now: float) -> None:
    """Log why a resource refuses calls, unless that is known already: another one may answer, and nobody reads it.

    Azure's own words are for the client alone, since they may repeat what it has sent.
    """
    if not (health.is_open(target) or health.is_depleted(target, now)):
        text = error.message if isinstance(error, UpstreamAuthError) else _REFUSES
        _LOG.warning("resource %d, %s: %s", target.resource, error.reason, text)


def _with_attempts(answer: Response, target: Target, running: RunningCall) -> Response:
    passed = {**answer.headers, TARGET: str(target.resource), ATTEMPTS: str(running.exchange.entry.attempts)}
    return Response(status=answer.status, headers=passed, body=answer.body, keep_alive=answer.keep_alive)


def _numbered(error: ProxyError, running: RunningCall) -> ProxyError:
    error.headers = {**error.headers, ATTEMPTS: str(running.exchange.entry.attempts)}
    return error
