"""What all requests of an instance share: the numbers, the health of the targets and the retry budget."""

from collections.abc import Sequence

from proxy.config.policy import Policy
from proxy.routing.budget import RetryBudget
from proxy.routing.health import Health
from proxy.routing.journey import Journey
from proxy.routing.target import Target
from proxy.routing.verdict import Repeat


class Router:
    """Sends each request on its journey."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.health = Health(policy)
        self.budget = RetryBudget(policy)

    def journey(self, targets: Sequence[Target], repeat: Repeat = Repeat.FREELY) -> Journey:
        """Return the journey of a request that any of the targets may serve."""
        return Journey(targets, repeat, policy=self.policy, health=self.health, budget=self.budget)
