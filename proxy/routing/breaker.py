"""The breaker of one target: it keeps requests from what only fails.

Closed lets every call pass. Open lets none pass for a while. Then one call probes: when it succeeds the breaker closes,
when it fails the breaker opens for twice as long.
"""

import math

from proxy.config.policy import Policy
from proxy.routing.window import Window


class Breaker:
    """Opens after too many failures; times are in seconds of a clock that never goes back.

    `began` is when the call was let pass. A call that is older than the last change says nothing about the target of
    today: what was on its way when the breaker opened cannot open it once more.
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
        """Let a call pass; it is the probe when the breaker is not closed."""
        if self._until is not None:
            self._probe = now

    def release(self, began: float) -> None:
        """End a call: a probe without success or failure, because the client has left, makes room for another."""
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

    def fail(self, began: float, now: float) -> None:
        """Count a call that failed through the target's fault."""
        if began <= self._changed:
            return
        self._in_a_row += 1
        self._window.add(now, failed=True)
        if self._until is not None:
            self._open(min(2 * self._length, self._policy.breaker_max_open), now)
        elif self._fails_too_often(now):
            self._open(self._policy.breaker_open, now)

    def _fails_too_often(self, now: float) -> bool:
        policy = self._policy
        if self._in_a_row >= policy.breaker_failures:
            return True
        calls, failures = self._window.counts(now)
        return calls >= policy.breaker_calls and failures >= policy.breaker_share * calls

    def _is_probed(self, now: float) -> bool:
        # A probe that nobody hears of again must not keep the target out for ever.
        return self._probe is not None and now < self._probe + self._policy.breaker_max_open

    def _open(self, length: float, now: float) -> None:
        self._change(now)
        self._length, self._until = length, now + length

    def _change(self, now: float) -> None:
        self._changed, self._until, self._probe, self._in_a_row = now, None, None, 0
        self._window.clear()
