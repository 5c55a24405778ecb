"""Which target is called next, and whether there may be another attempt.

`Routing` is what all requests of an instance share; each request has a `RetryState`, which its failover loop drives:

    with routing.begin(targets, repeat) as state:
        while (step := state.next(now, draw)) is not None:
            ...  # wait for step.pause, make the attempt at step.target
            state.succeeded(step, headers, now)  # or:
            verdict = state.failed(step, failure, now)
        exhausted = state.exhausted(now)
"""

from bisect import bisect
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from types import TracebackType
from typing import Self

import msgspec

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind, Repeat, Verdict, judge
from proxy.routing.health import Health
from proxy.routing.targets import Key, Target


class RetryBudget:
    """Limits the retries in flight to a share of the requests in flight.

    Requests that are on a retry do not count for the share, so that retries never add more than it to the load.
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


def choose(targets: Sequence[Target], tried: Container[Key], health: Health, now: float, draw: float) -> Target | None:
    """Return a target that was not tried and is not cooling down, None if there is none; `draw` is from 0 to 1.

    Targets that have used up a limit come after all others, whatever their priority.
    """
    usable = [target for target in targets if target.key not in tried and not health.wait(target, now)]
    if len(usable) > 1:
        usable = [target for target in usable if not health.is_depleted(target, now)] or usable
        first = min([target.priority for target in usable])
        usable = [target for target in usable if target.priority == first]
    return _draw(usable, draw) if usable else None


def _draw(targets: Sequence[Target], draw: float) -> Target:
    if len(targets) == 1:
        return targets[0]
    weighted = [target for target in targets if target.weight] or targets
    sums = list(accumulate(target.weight or 1.0 for target in weighted))
    return weighted[bisect(sums, draw * sums[-1], hi=len(sums) - 1)]


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
    no step or the verdict is to give up.
    """

    __slots__ = (
        "_budget",
        "_health",
        "_last",
        "_missing",
        "_policy",
        "_refreshed",
        "_repeat",
        "_retries",
        "_targets",
        "_throttled",
        "_tried",
        "_verdict",
        "attempts",
        "failure",
    )

    def __init__(
        self, targets: Sequence[Target], repeat: Repeat, *, policy: Policy, health: Health, budget: RetryBudget
    ) -> None:
        self._targets = targets
        self._repeat = repeat
        self._policy = policy
        self._health = health
        self._budget = budget
        self._tried: dict[Key, Target] = {}
        self._missing: set[Key] = set()
        self._throttled: set[Key] = set()
        self._last: Step | None = None
        self._retries = False
        self._refreshed = False
        self._verdict = Verdict.AGAIN
        self.failure: Failure | None = None
        self.attempts = 0

    def __enter__(self) -> Self:
        self._budget.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._last is not None:
            self._health.release(self._last.target, self._last.began)
        self._give_back()
        self._budget.end()

    def next(self, now: float, draw: float) -> Step | None:
        """Return the next attempt to make, None when there is none; `draw` is from 0 to 1."""
        if self._last is None:
            return self._take(self._elsewhere(now, draw), now)
        if self._verdict is Verdict.REFRESH:
            self._refreshed = True
            return self._take(Step(target=self._last.target, began=now), now)
        if self._verdict is Verdict.GIVE_UP or self.attempts >= self._policy.attempts:
            return None
        step = self._elsewhere(now, draw) or self._same(self._last.target, now, draw)
        self._give_back()
        self._refreshed = False
        self._retries = step is not None and self._budget.grant()
        return self._take(step, now) if self._retries else None

    def succeeded(self, step: Step, headers: Mapping[str, str], now: float) -> None:
        """Record that a step brought an answer, or the first content of a stream; header names are in lower case."""
        self._verdict = Verdict.GIVE_UP
        self._health.note_success(step.target, headers, step.began, now)

    def failed(self, step: Step, failure: Failure, now: float) -> Verdict:
        """Record that a step failed, and return what happens next.

        For `Verdict.REFRESH` the caller fetches a fresh credential; `next` then returns the same target again.
        """
        self.failure = failure
        if failure.is_missing:
            self._missing.add(step.target.key)
        if failure.is_throttled:
            self._throttled.add(step.target.key)
        self._health.note_failure(step.target, failure, step.began, now)
        self._verdict = judge(failure, self._repeat, self._policy, refreshed=self._refreshed)
        return self._verdict

    def exhausted(self, now: float) -> Exhausted | None:
        """Return when a target may be called again, None when no target has the deployment."""
        candidates = [target for target in self._candidates() if target.key not in self._missing]
        if self._missing and not candidates:
            return None
        wait = min((self._health.wait(target, now) for target in candidates), default=0.0)
        throttled = bool(candidates) and all(self._is_throttled(target, now) for target in candidates)
        return Exhausted(throttled=throttled, wait=self._policy.cooldown_after(wait))

    def _is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target is over its rate limit, or was when this request called it."""
        return target.key in self._throttled or self._health.is_throttled(target, now)

    def _candidates(self) -> Sequence[Target]:
        if not self._tried:
            return self._targets
        tried = self._tried.values()
        return [target for target in self._targets if all(target.is_same_model(other) for other in tried)]

    def _elsewhere(self, now: float, draw: float) -> Step | None:
        target = choose(self._candidates(), self._tried, self._health, now, draw)
        return None if target is None else Step(target=target, began=now)

    def _same(self, target: Target, now: float, draw: float) -> Step | None:
        """Return the same target again if it is the only one and expects to be available soon."""
        failure, longest = self.failure, self._policy.same_target_wait
        others = any(other.key != target.key for other in self._candidates())
        if failure is None or others or self._health.is_open(target):
            return None
        wait = self._health.wait(target, now)
        soon = failure.kind is Kind.CONNECT or (failure.wait is not None and failure.wait <= longest)
        if not soon or wait > longest:
            return None
        return Step(target=target, pause=wait + self._policy.jitter_after(self.attempts, draw), began=now)

    def _take(self, step: Step | None, now: float) -> Step | None:
        if step is None:
            return None
        self.attempts += self._verdict is not Verdict.REFRESH
        self._tried[step.target.key] = step.target
        self._last = step
        self._health.admit(step.target, now)
        return step

    def _give_back(self) -> None:
        if self._retries:
            self._budget.give_back()


class Routing:
    """The policy, the health of the targets and the retry budget, shared by all requests."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.health = Health(policy)
        self.budget = RetryBudget(policy)

    def begin(self, targets: Sequence[Target], repeat: Repeat = Repeat.IDEMPOTENT) -> RetryState:
        """Return the retry state of a request that any of the targets may serve."""
        return RetryState(targets, repeat, policy=self.policy, health=self.health, budget=self.budget)
