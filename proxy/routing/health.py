"""What is known of every target: whether it rests, for how long and why."""

from collections.abc import Mapping

from proxy.config.policy import Policy
from proxy.routing.breaker import Breaker
from proxy.routing.failure import Failure
from proxy.routing.target import Key, Target
from proxy.routing.waits import is_spent, parse_reset

# More targets than any list of resources has; without discovery a client may name a deployment that nobody knows.
MAX_TARGETS = 1024


class _State:
    __slots__ = ("breaker", "rests_until", "scarce_until", "throttled")

    def __init__(self, policy: Policy) -> None:
        self.breaker = Breaker(policy)
        self.rests_until = 0.0
        self.throttled = False
        self.scarce_until = 0.0

    def holds_back(self, now: float) -> bool:
        return now < self.rests_until or not self.breaker.is_closed


class Health:
    """The cooldown and the breaker of each target, told apart by resource and deployment.

    `now` is in seconds of a clock that never goes back; `began` is the `now` at which the attempt was admitted.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._states: dict[Key, _State] = {}

    def __len__(self) -> int:
        """Return how many targets something is known of."""
        return len(self._states)

    def wait(self, target: Target, now: float) -> float:
        """Return the seconds until a request may go to a target, 0.0 when it may go now."""
        state = self._states.get(target.key)
        if state is None:
            return 0.0
        return max(state.rests_until - now, state.breaker.wait(now), 0.0)

    def is_throttled(self, target: Target, now: float) -> bool:
        """Tell whether a target rests for no other reason than that it has too much to do."""
        state = self._states.get(target.key)
        return state is not None and state.throttled and now < state.rests_until and state.breaker.is_closed

    def is_open(self, target: Target) -> bool:
        """Tell whether the breaker of a target is not closed."""
        state = self._states.get(target.key)
        return state is not None and not state.breaker.is_closed

    def is_scarce(self, target: Target, now: float) -> bool:
        """Tell whether a target may be asked, but another one is better: its last answer left nothing of a limit.

        It stays a last resort, as the count is of a moment ago: Microsoft advises not to predict throttling.
        """
        state = self._states.get(target.key)
        return state is not None and now < state.scarce_until

    def admit(self, target: Target, now: float) -> None:
        """Let an attempt go to a target."""
        state = self._states.get(target.key)
        if state is not None:
            state.breaker.admit(now)

    def release(self, target: Target, began: float) -> None:
        """End an attempt; one of which nothing was learnt leaves the target to another."""
        state = self._states.get(target.key)
        if state is not None:
            state.breaker.release(began)

    def note_success(self, target: Target, headers: Mapping[str, str], began: float, now: float) -> None:
        """Take in an answer; the names of its headers are lower-case."""
        state = self._state(target.key, now)
        state.breaker.succeed(began, now)
        state.scarce_until = now + self._policy.cooldown_for(parse_reset(headers)) if is_spent(headers) else 0.0

    def note_failure(self, target: Target, failure: Failure, began: float, now: float) -> None:
        """Take in a failure; one that is the client's own fault shows that the target answers."""
        state = self._state(target.key, now)
        if failure.is_fault:
            state.breaker.fail(began, now)
        else:
            state.breaker.succeed(began, now)
        if failure.is_throttled or (failure.is_fault and failure.wait is not None):
            self._rest(state, failure, now)
        elif failure.is_missing:
            state.scarce_until = now + self._policy.cooldown

    def _rest(self, state: _State, failure: Failure, now: float) -> None:
        until = now + self._policy.cooldown_for(failure.wait)
        if until > state.rests_until:
            state.rests_until, state.throttled = until, failure.is_throttled

    def _state(self, key: Key, now: float) -> _State:
        state = self._states.get(key)
        if state is None:
            if len(self._states) >= MAX_TARGETS:
                self._forget(now)
            state = self._states[key] = _State(self._policy)
        return state

    def _forget(self, now: float) -> None:
        """Make room: what holds nothing back goes first, and of the others the older half where there are too many."""
        held = {key: state for key, state in self._states.items() if state.holds_back(now)}
        if len(held) > MAX_TARGETS // 2:
            held = dict(list(held.items())[-MAX_TARGETS // 2 :])
        self._states = held
