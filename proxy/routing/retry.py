"""Which target is called next, and whether there may be another attempt.

`Routing` is what all requests of an instance share; each request has a `RetryState`, which its failover loop drives:

    with routing.begin(targets, repeat) as state:
        while (step := state.next(now, draw)) is not None:
            ...  # wait for step.pause, make the attempt at step.target
            state.succeeded(step, headers, now)  # or:
            verdict = state.failed(step, failure, now)
        exhausted = state.exhausted(now)
"""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import msgspec

from proxy.config.policy import Policy
from proxy.routing.affinity import Affinity, Placement
from proxy.routing.failures import Failure, Kind, Repeat, Verdict, judge
from proxy.routing.health import Health
from proxy.routing.targets import Key, Target
from proxy.routing.weights import Pick, draw_by_weight


class RetryBudget:
    """Limits the retries in flight to a share of the requests in flight.

    It counts the retries that may be in vain: another attempt at a target, and one at a target whose breaker is not
    closed. The first attempt at a target that is well is free. Requests that are on a retry do not count for the
    share, so that retries never add more than it to the load.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.requests = 0
        self.retries = 0

    def begin(self) -> None:
        """Count a request."""
        self.requests += 1

    def end(self) -> None:
        """Stop counting a request."""
        self.requests -= 1

    def grant(self) -> bool:
        """Count a retry if there may be another one; return whether there may."""
        share = self._policy.retry_share * (self.requests - self.retries)
        granted = self.retries + 1 <= max(self._policy.min_retries, share)
        self.retries += granted
        return granted

    def give_back(self) -> None:
        """Stop counting a retry."""
        self.retries -= 1


def choose(
    targets: Sequence[Target],
    tried: Container[Key],
    health: Health,
    now: float,
    draw: float,
    pick: Pick = draw_by_weight,
) -> Target | None:
    """Return a target that was not tried and is not cooling down, None if there is none; `draw` is from 0 to 1.

    Targets that have used up a limit come after all others, whatever their priority. Among the best, `pick` takes one.
    """
    usable = [target for target in targets if target.key not in tried and not health.wait(target, now)]
    if len(usable) < 2:
        return usable[0] if usable else None
    usable = [target for target in usable if not health.is_depleted(target, now)] or usable
    first = min([target.priority for target in usable])
    best = [target for target in usable if target.priority == first]
    return best[0] if len(best) == 1 else pick(best, draw)


def choose_resting(targets: Sequence[Target], health: Health, now: float) -> Target | None:
    """Return a target to call although none may be called, None if all must be left alone.

    A breaker chooses among targets, and has nothing to choose when none is closed: the one that failed longest ago is
    called. One that cools down is left alone; if it is the only one, for all but one request a second, because what one
    request was throttled for says little about a smaller one.
    """
    alone = len({target.key for target in targets}) == 1
    if not alone and not all(health.is_open(target) for target in targets):
        return None
    passing = [target for target in targets if health.may_pass(target, now, alone=alone)]
    return min(passing, key=health.failed, default=None)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt to make at a target, after a pause in seconds; `began` is when it was decided."""

    target: Target
    pause: float = 0.0
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """No target may be called before `wait` seconds; `throttled` tells that all are over their rate limits."""

    throttled: bool
    wait: float


class RetryState:
    """What one request has tried, and what it may try next; times are in seconds of a monotonic clock.

    The caller takes the `next` step, makes the attempt and reports whether it `succeeded` or `failed`, until there is
    no step or the verdict is to give up. `repeat` may be another for another target, which takes another operation.
    `pick` takes one of several targets that are equal.
    """

    __slots__ = (
        "_budget",
        "_excluded",
        "_health",
        "_last",
        "_pick",
        "_policy",
        "_refreshed",
        "_repeated",
        "_resting",
        "_retries",
        "_running",
        "_targets",
        "_throttled",
        "_tried",
        "_verdict",
        "attempts",
        "failure",
        "repeat",
    )

    def __init__(
        self,
        targets: Sequence[Target],
        repeat: Repeat,
        *,
        policy: Policy,
        health: Health,
        budget: RetryBudget,
        pick: Pick = draw_by_weight,
    ) -> None:
        self._targets = targets
        self.repeat = repeat
        self._pick = pick
        self._policy = policy
        self._health = health
        self._budget = budget
        self._tried: dict[Key, Target] = {}
        # Targets that have no such deployment or operation, or refuse the call for a reason of their own.
        self._excluded: set[Key] = set()
        self._throttled: set[Key] = set()
        self._last: Step | None = None
        self._running: Step | None = None
        self._resting = False
        self._retries = False
        self._refreshed = False
        self._repeated = False
        self._verdict = Verdict.AGAIN
        self.failure: Failure | None = None
        self.attempts = 0

    def __enter__(self) -> Self:
        self._budget.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._running is not None:
            self._health.release(self._running.target, self._running.began)
        if self._retries:
            self._budget.give_back()
        self._budget.end()

    def next(self, now: float, draw: float) -> Step | None:
        """Return the next attempt to make, None when there is none; `draw` is from 0 to 1."""
        if self._last is None:
            return self._first(now, draw)
        if self._verdict is Verdict.REFRESH:
            self._refreshed = True
            return self._take(Step(target=self._last.target, began=now))
        if self._verdict is Verdict.GIVE_UP or self._resting or self.attempts >= self._policy.attempts:
            return None
        if self._retries:
            self._budget.give_back()
        self._refreshed = self._retries = False
        return self._elsewhere(now, draw) or self._same(self._last.target, now, draw)

    def succeeded(self, step: Step, headers: Mapping[str, str], now: float) -> None:
        """Record that a step brought an answer, or the first content of a stream; header names are in lower case."""
        self._verdict, self._running = Verdict.GIVE_UP, None
        self._health.note_success(step.target, headers, step.began, now)

    def failed(self, step: Step, failure: Failure, now: float) -> Verdict:
        """Record that a step failed, and return what happens next.

        For `Verdict.REFRESH` the caller fetches a fresh credential; `next` then returns the same target again.
        """
        self.failure, self._running = failure, None
        if failure.kind is Kind.UNSUITABLE:
            return self._passed_over(step)
        if failure.is_missing or failure.is_refused or failure.is_unsupported:
            self._excluded.add(step.target.key)
        if failure.is_throttled:
            self._throttled.add(step.target.key)
        self._health.note_failure(step.target, failure, step.began, now)
        self._verdict = judge(failure, self.repeat, self._policy, refreshed=self._refreshed)
        return self._verdict

    def _passed_over(self, step: Step) -> Verdict:
        """Go to another target from one that was not called, which counts as no attempt."""
        self._excluded.add(step.target.key)
        self._health.release(step.target, step.began)
        self.attempts -= 1
        self._verdict = Verdict.AGAIN
        return self._verdict

    def exhausted(self, now: float) -> Exhausted | None:
        """Return when a target may be called again, None when what the last one answered is the reason."""
        candidates = [target for target in self._candidates() if target.key not in self._excluded]
        if self._excluded and (self._resting or not candidates):
            return None
        wait = min((self._health.wait(target, now) for target in candidates), default=0.0)
        throttled = bool(candidates) and all(self._is_throttled(target, now) for target in candidates)
        return Exhausted(throttled=throttled, wait=self._policy.cooldown_after(wait))

    def _is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target is over its rate limit, or was when this request called it."""
        return target.key in self._throttled or self._health.is_throttled(target, now)

    def _candidates(self) -> Sequence[Target]:
        tried = self._tried.values()
        return [target for target in self._targets if all(target.is_same_model(other) for other in tried)]

    def _first(self, now: float, draw: float) -> Step | None:
        target = choose(self._targets, (), self._health, now, draw, self._pick)
        if target is None:
            target = choose_resting(self._targets, self._health, now)
            self._resting = target is not None
        return None if target is None else self._take(Step(target=target, began=now))

    def _elsewhere(self, now: float, draw: float) -> Step | None:
        """Return a target that was not tried; only one that would be a probe needs room in the budget."""
        candidates, passed_over = self._candidates(), set(self._tried)
        while target := choose(candidates, passed_over, self._health, now, draw, self._pick):
            if not self._health.is_open(target) or self._may_retry():
                return self._take(Step(target=target, began=now))
            passed_over.add(target.key)
        return None

    def _same(self, target: Target, now: float, draw: float) -> Step | None:
        """Return the same target again if it is the only one and expects to be available soon; once after a 429."""
        failure, longest = self.failure, self._policy.same_target_wait
        others = any(other.key != target.key for other in self._candidates())
        if failure is None or others or self._health.is_open(target):
            return None
        wait = self._health.wait(target, now)
        soon = failure.kind is Kind.CONNECT or (failure.wait is not None and failure.wait <= longest)
        # The client repeats a 429 as well, and each of its requests would have all the repetitions of this one.
        repeated = failure.is_throttled and self._repeated
        if repeated or not soon or wait > longest or not self._may_retry():
            return None
        self._repeated = self._repeated or failure.is_throttled
        return self._take(Step(target=target, pause=wait + self._policy.jitter_after(self.attempts, draw), began=now))

    def _may_retry(self) -> bool:
        self._retries = self._budget.grant()
        return self._retries

    def _take(self, step: Step) -> Step:
        self.attempts += self._verdict is not Verdict.REFRESH
        self._tried[step.target.key] = step.target
        self._last = self._running = step
        self._health.admit(step.target, step.began)
        return step


class Routing:
    """What all requests share: the policy, the health of the targets, the retry budget and the affinity of prompts.

    Without an `affinity`, requests are spread at random.
    """

    def __init__(self, policy: Policy, affinity: Affinity | None = None) -> None:
        self.policy = policy
        self.affinity = affinity
        self.health = Health(policy)
        self.budget = RetryBudget(policy)

    def begin(
        self, targets: Sequence[Target], repeat: Repeat = Repeat.IDEMPOTENT, placement: Placement | None = None
    ) -> RetryState:
        """Return the retry state of a request that any of the targets may serve."""
        return RetryState(
            targets,
            repeat,
            policy=self.policy,
            health=self.health,
            budget=self.budget,
            pick=draw_by_weight if placement is None else placement.pick,
        )
