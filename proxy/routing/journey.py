"""One request on its way from target to target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from proxy.config.policy import Policy
from proxy.routing.budget import RetryBudget
from proxy.routing.choice import choose
from proxy.routing.failure import Failure, Kind
from proxy.routing.health import Health
from proxy.routing.target import Key, Target
from proxy.routing.verdict import Repeat, Verdict, judge


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An attempt to make: at which target, and after how many seconds; `began` is when it was decided."""

    target: Target
    pause: float = 0.0
    began: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AllDown:
    """That no target may be asked: `throttled` when all have too much to do; one may be asked after `wait` seconds."""

    throttled: bool
    wait: float


class Journey:
    """Holds what was tried; used as `with router.journey(targets) as journey`.

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

    def exhausted(self, now: float) -> AllDown | None:
        """Return how it stands with all targets that may have the deployment, None when none of them has it."""
        candidates = [target for target in self._candidates() if target.key not in self._missing]
        if self._missing and not candidates:
            return None
        wait = min((self._health.wait(target, now) for target in candidates), default=0.0)
        throttled = bool(candidates) and all(self._is_throttled(target, now) for target in candidates)
        return AllDown(throttled=throttled, wait=self._policy.cooldown_for(wait))

    def _is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target has too much to do, or had when this request asked it."""
        return target.key in self._throttled or self._health.is_throttled(target, now)

    def _candidates(self) -> Sequence[Target]:
        if not self._tried:
            return self._targets
        tried = self._tried.values()
        return [target for target in self._targets if all(target.stands_for_the_same(other) for other in tried)]

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
