"""What is known of each target: its cooldown and its circuit breaker.

A target cools down for as long as it asks, or for a default time after a 429. Its breaker opens after too many
failures: closed, every call passes; open, none does for a while. Then one call probes the target. When it succeeds the
breaker closes, when it fails the breaker opens for twice as long. Both are advice: who has no other target may call one
that is open, and now and then one that cools down.
"""

import math
from collections.abc import Mapping

from proxy.config.policy import Policy
from proxy.openai_api.retry_after import is_spent, parse_reset
from proxy.routing.failures import Failure
from proxy.routing.targets import Key, Target

_SLICES = 10


class Window:
    """Counts the calls and failures of the last seconds, in ten slices of time, so that its size is fixed."""

    __slots__ = ("_calls", "_failures", "_numbers", "_slice")

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self._numbers = [-1] * _SLICES
        self._calls = [0] * _SLICES
        self._failures = [0] * _SLICES

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended now."""
        number = int(now / self._slice)
        place = number % _SLICES
        if self._numbers[place] != number:
            self._numbers[place], self._calls[place], self._failures[place] = number, 0, 0
        self._calls[place] += 1
        self._failures[place] += failed

    def counts(self, now: float) -> tuple[int, int]:
        """Return how many calls there were and how many of them failed."""
        oldest = int(now / self._slice) - _SLICES
        recent = [place for place, number in enumerate(self._numbers) if number > oldest]
        return sum(self._calls[place] for place in recent), sum(self._failures[place] for place in recent)


class Breaker:
    """Opens after too many failures; times are in seconds of a monotonic clock.

    `began` is when a call was admitted. Calls that are older than the last change of state are ignored, so that those
    in flight when the breaker opened cannot open it again.
    """

    __slots__ = ("_changed", "_in_a_row", "_length", "_policy", "_probe", "_until", "_window")

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._window = Window(policy.breaker_window)
        self._changed = -math.inf
        self._until: float | None = None
        self._length = 0.0
        self._probe: float | None = None
        self._in_a_row = 0

    @property
    def is_closed(self) -> bool:
        """Tell whether every call may pass."""
        return self._until is None

    def wait(self, now: float) -> float:
        """Return the seconds until a call may pass, 0.0 when one may pass now."""
        if self._until is None:
            return 0.0
        if now < self._until:
            return self._until - now
        return self._policy.probe_wait if self._is_probed(now) else 0.0

    def admit(self, now: float) -> None:
        """Admit a call; it is the probe when the breaker is not closed."""
        if self._until is not None and now >= self._until:
            self._probe = now

    def release(self, began: float) -> None:
        """End a call; a probe that neither succeeded nor failed, because its client left, allows another one."""
        if self._probe == began:
            self._probe = None

    def succeed(self, began: float, now: float) -> None:
        """Count a call that the target answered."""
        if began <= self._changed:
            return
        if self._until is not None:
            self._change(now)
        self._in_a_row = 0
        self._window.add(now, failed=False)

    def fail(self, began: float, now: float, *, for_good: bool = False) -> None:
        """Count a call that failed and is the target's fault; one that failed `for_good` opens the breaker at once.

        Of the calls while the breaker is not closed only a probe counts: the others add nothing to what is known.
        """
        if began <= self._changed:
            return
        if self._until is not None:
            if began >= self._until:
                self._open(min(2 * self._length, self._policy.breaker_max_open), now)
            return
        self._in_a_row += 1
        self._window.add(now, failed=True)
        if for_good or self._fails_too_often(now):
            self._open(self._policy.breaker_open, now)

    def _fails_too_often(self, now: float) -> bool:
        policy = self._policy
        if self._in_a_row >= policy.breaker_failures:
            return True
        calls, failures = self._window.counts(now)
        return calls >= policy.breaker_calls and failures >= policy.breaker_share * calls

    def _is_probed(self, now: float) -> bool:
        # A probe whose end is never reported must not block the target forever.
        return self._probe is not None and now < self._probe + self._policy.breaker_max_open

    def _open(self, length: float, now: float) -> None:
        self._change(now)
        self._length, self._until = length, now + length

    def _change(self, now: float) -> None:
        self._changed, self._until, self._probe, self._in_a_row = now, None, None, 0
        self._window.clear()


# Far more than the settings can list; without discovery, clients may name deployments that do not exist.
MAX_TARGETS = 1024
# A target that cools down gets a request after so many seconds all the same, when there is no other.
PASSING = 1.0


class _State:
    """What is known of a target; `failed` is when it failed last, `passing` when one may pass while it cools down."""

    __slots__ = ("breaker", "cooldown_until", "depleted_until", "failed", "passing", "throttled")

    def __init__(self, policy: Policy) -> None:
        self.breaker = Breaker(policy)
        self.cooldown_until = 0.0
        self.throttled = False
        self.depleted_until = 0.0
        self.failed = -math.inf
        self.passing = 0.0

    def is_held_back(self, now: float) -> bool:
        return now < self.cooldown_until or not self.breaker.is_closed


class Health:
    """The cooldown and the breaker of each target, by resource and deployment.

    `now` is in seconds of a monotonic clock; `began` is the `now` at which the attempt was admitted.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._states: dict[Key, _State] = {}

    def __len__(self) -> int:
        """Return of how many targets something is known."""
        return len(self._states)

    def wait(self, target: Target, now: float) -> float:
        """Return the seconds until a request may go to a target, 0.0 when it may go now."""
        state = self._states.get(target.key)
        if state is None:
            return 0.0
        return max(state.cooldown_until - now, state.breaker.wait(now), 0.0)

    def is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target is cooling down only because it is over its rate limit."""
        state = self._states.get(target.key)
        return state is not None and state.throttled and now < state.cooldown_until and state.breaker.is_closed

    def is_open(self, target: Target) -> bool:
        """Tell whether the breaker of a target is not closed."""
        state = self._states.get(target.key)
        return state is not None and not state.breaker.is_closed

    def failed(self, target: Target) -> float:
        """Return when a target last failed, minus infinity when it never did."""
        state = self._states.get(target.key)
        return -math.inf if state is None else state.failed

    def may_pass(self, target: Target, now: float, *, alone: bool) -> bool:
        """Tell whether a target may be called although its breaker is open, or, if it stands `alone`, cools down."""
        state = self._states.get(target.key)
        return state is None or now >= (min(state.passing, state.cooldown_until) if alone else state.cooldown_until)

    def is_depleted(self, target: Target, now: float) -> bool:
        """Tell whether the last answer of a target used up a limit, so that other targets are better.

        It may still be called when there is no other: the count is already old, and Microsoft advises not to predict
        throttling.
        """
        state = self._states.get(target.key)
        return state is not None and now < state.depleted_until

    def admit(self, target: Target, now: float) -> None:
        """Begin an attempt at a target."""
        state = self._states.get(target.key)
        if state is not None:
            state.breaker.admit(now)
            state.passing = now + PASSING

    def release(self, target: Target, began: float) -> None:
        """End an attempt; one without a result allows another probe."""
        state = self._states.get(target.key)
        if state is not None:
            state.breaker.release(began)

    def note_success(self, target: Target, headers: Mapping[str, str], began: float, now: float) -> None:
        """Record an answer; the names of its headers are in lower case."""
        state = self._state(target.key, now)
        state.breaker.succeed(began, now)
        state.depleted_until = now + self._policy.cooldown_after(parse_reset(headers)) if is_spent(headers) else 0.0

    def note_failure(self, target: Target, failure: Failure, began: float, now: float) -> None:
        """Record a failure; one that is the client's fault shows that the target answers."""
        state = self._state(target.key, now)
        if failure.is_fault or failure.is_withdrawn:
            state.failed = now
            state.breaker.fail(began, now, for_good=failure.is_withdrawn)
        else:
            state.breaker.succeed(began, now)
        if failure.is_throttled or (failure.is_fault and failure.wait is not None):
            self._cool_down(state, failure, now)
        elif failure.is_missing or failure.is_refused:
            state.depleted_until = now + self._policy.cooldown

    def _cool_down(self, state: _State, failure: Failure, now: float) -> None:
        until = now + self._policy.cooldown_after(failure.wait)
        state.passing = now + PASSING
        if until > state.cooldown_until:
            state.cooldown_until, state.throttled = until, failure.is_throttled

    def _state(self, key: Key, now: float) -> _State:
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= MAX_TARGETS:
                self._forget(now)
            state = self._states[key] = _State(self._policy)
        return state

    def _forget(self, now: float) -> None:
        """Forget targets that may be called, and the older half of the others if there are too many."""
        held = {key: state for key, state in self._states.items() if state.is_held_back(now)}
        if len(held) > MAX_TARGETS // 2:
            held = dict(list(held.items())[-MAX_TARGETS // 2 :])
        self._states = held
