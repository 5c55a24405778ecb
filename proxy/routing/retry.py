"""Which target is asked next, and whether one more attempt may be made.

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

from proxy.config.policy import Policy
from proxy.routing.failures import Failure, Kind, Repeat, Verdict, judge
from proxy.routing.health import Health
from proxy.routing.targets import Key, Target


class RetryBudget:
    """Counts what is in flight: requests from `begin` to `end`, retries from `grant` to `give_back`.

    The share is of the requests that are not on a retry, so that upstream never gets more than that share on top.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.requests = 0
        self.retries = 0

    def begin(self) -> None:
        """Count a request."""
        self.requests += 1

    def end(self) -> None:
        """Count a request no more."""
        self.requests -= 1

    def grant(self) -> bool:
        """Count a retry if there may be one more; tell whether."""
        share = self._policy.retry_share * (self.requests - self.retries)
        granted = self.retries + 1 <= max(self._policy.min_retries, share)
        self.retries += granted
        return granted

    def give_back(self) -> None:
        """Count a retry no more."""
        self.retries -= 1


def choose(targets: Sequence[Target], tried: Container[Key], health: Health, now: float, draw: float) -> Target | None:
    """Return a target that was not tried and does not rest, None when there is none; `draw` is from 0 to 1.

    One whose limit is spent comes after all others, whatever the priority.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An attempt to make: at which target, and after how many seconds; `began` is when it was decided."""

    target: Target
    pause: float = 0.0
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhausted:
    """That no target may be asked: `throttled` when all have too much to do; one may be asked after `wait` seconds."""

    throttled: bool
    wait: float


class RetryState:
    """Holds what was tried; used as `with router.begin(targets) as journey`.

    The corridor asks for the `next` step, makes the attempt and tells whether it `succeeded` or `failed`, until there
    is no step or the verdict is to give up. Times are in seconds of a clock that never goes back.
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
            return self._go(self._elsewhere(now, draw), now)
        if self._verdict is Verdict.REFRESH:
            self._refreshed = True
            return self._go(Step(target=self._last.target, began=now), now)
        if self._verdict is Verdict.GIVE_UP or self.attempts >= self._policy.attempts:
            return None
        step = self._elsewhere(now, draw) or self._same(self._last.target, now, draw)
        self._give_back()
        self._refreshed = False
        self._retries = step is not None and self._budget.grant()
        return self._go(step, now) if self._retries else None

    def succeeded(self, step: Step, headers: Mapping[str, str], now: float) -> None:
        """Take in that a step brought an answer, or the first content of one; header names are lower-case."""
        self._verdict = Verdict.GIVE_UP
        self._health.note_success(step.target, headers, step.began, now)

    def failed(self, step: Step, failure: Failure, now: float) -> Verdict:
        """Take in that a step failed, and return what comes next.

        To refresh is the corridor's: with a fresh credential `next` gives the same target once more.
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
        """Return how it stands with all targets that may have the deployment, None when none of them has it."""
        candidates = [target for target in self._candidates() if target.key not in self._missing]
        if self._missing and not candidates:
            return None
        wait = min((self._health.wait(target, now) for target in candidates), default=0.0)
        throttled = bool(candidates) and all(self._is_throttled(target, now) for target in candidates)
        return Exhausted(throttled=throttled, wait=self._policy.cooldown_after(wait))

    def _is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target has too much to do, or had when this request asked it."""
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
        """Return the same target again where it is the only one and says that it will soon be there."""
        failure, longest = self.failure, self._policy.same_target_wait
        others = any(other.key != target.key for other in self._candidates())
        if failure is None or others or self._health.is_open(target):
            return None
        wait = self._health.wait(target, now)
        soon = failure.kind is Kind.CONNECT or (failure.wait is not None and failure.wait <= longest)
        if not soon or wait > longest:
            return None
        return Step(target=target, pause=wait + self._policy.jitter_after(self.attempts, draw), began=now)

    def _go(self, step: Step | None, now: float) -> Step | None:
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
    """Sends each request on its journey."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.health = Health(policy)
        self.budget = RetryBudget(policy)

    def begin(self, targets: Sequence[Target], repeat: Repeat = Repeat.IDEMPOTENT) -> RetryState:
        """Return the journey of a request that any of the targets may serve."""
        return RetryState(targets, repeat, policy=self.policy, health=self.health, budget=self.budget)
