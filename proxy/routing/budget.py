"""How many retries may be in flight, so that a failing upstream is not asked more than a healthy one."""

from proxy.config.policy import Policy


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
