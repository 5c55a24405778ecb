"""The numbers of failover: how often, how long, how many."""

from dataclasses import dataclass

# What makes no sense as nothing.
POSITIVE = frozenset(
    {"attempts", "breaker_calls", "breaker_failures", "breaker_share", "breaker_window", "breaker_open", "probe_wait"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """When a request is tried again, and when a target rests; all times are in seconds."""

    attempts: int = 3
    """How often one request is sent at most."""
    same_target_wait: float = 2.0
    """The longest wait after which the only target is tried again."""
    retries_timeouts: bool = False
    """Whether a call without an answer in time is tried again; Azure may bill it twice."""
    jitter: float = 0.025
    """The most that the first try of the same target waits besides; it doubles with each one."""
    max_jitter: float = 0.25
    cooldown: float = 10.0
    """How long a throttled target rests that does not say how long."""
    min_wait: float = 0.1
    max_wait: float = 120.0
    """What no target may ask to wait longer than: OpenAI's SDKs do not try again after more."""
    breaker_failures: int = 5
    """Failures in a row that open the breaker."""
    breaker_share: float = 0.5
    """The share of failed calls that opens it too, among at least `breaker_calls` in `breaker_window`."""
    breaker_calls: int = 10
    breaker_window: float = 30.0
    breaker_open: float = 5.0
    """How long the breaker stays open at first; each probe that fails doubles it."""
    breaker_max_open: float = 60.0
    probe_wait: float = 1.0
    """What a request is told to wait while another one probes the target."""
    retry_share: float = 0.2
    """How many retries may be in flight, as a share of the requests in flight."""
    min_retries: int = 3
    """How many retries may be in flight however few the requests are."""

    def cooldown_after(self, wait: float | None) -> float:
        """Return how long a target rests that asked for a wait, None when it did not say."""
        return min(max(self.cooldown if wait is None else wait, self.min_wait), self.max_wait)

    def jitter_after(self, attempts: int, draw: float) -> float:
        """Return how long to wait before the same target gets another attempt; `draw` is from 0 to 1.

        https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ ("full jitter")
        """
        return draw * min(self.max_jitter, self.jitter * 2.0 ** (attempts - 1))
