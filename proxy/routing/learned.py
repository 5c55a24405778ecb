"""What deployments have shown with their answers, so that the next request is made right at once."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from enum import Enum
from typing import Generic, TypeVar

from proxy.values import Repair

Fact = TypeVar("Fact", bound=Hashable)

# Far more than there are, and a few kilobytes; the least recently used is forgotten.
MAX_DEPLOYMENTS = 1000
# Every parameter that can be repaired, and a few refused values; the oldest is forgotten.
MAX_FACTS = 16
# A refused value is a number or a word; longer ones are special to one client and not worth the memory.
MAX_VALUE_BYTES = 64
# By then the deployment may have another model, so the plain request is tried again.
SECONDS_KEPT = 3600.0


class Path(Enum):
    """How a deployment takes an operation that it does not take at the usual place."""

    ON_V1 = "on `/openai/v1` alone"
    TRANSLATED = "as an operation of the other API"
    NOT_STREAMED = "as a whole answer alone"
    TRANSLATED_WITH_TOOLS = "as an operation of the other API where functions meet reasoning"


class Learned(Generic[Fact]):
    """The facts about each deployment and operation; `now` is in seconds of a monotonic clock.

    `replaces` tells whether a new fact takes the place of an old one, `is_kept` whether it is worth its memory.
    `facts` is empty as long as nothing was learned.
    """

    def __init__(
        self,
        replaces: Callable[[Fact, Fact], bool] = lambda new, old: new == old,
        is_kept: Callable[[Fact], bool] = lambda _: True,
    ) -> None:
        self.facts: OrderedDict[str, dict[Fact, float]] = OrderedDict()
        self._replaces = replaces
        self._is_kept = is_kept

    def known(self, deployment: str, now: float) -> tuple[Fact, ...]:
        """Return what was learned of this deployment, oldest first."""
        if deployment not in self.facts:
            return ()
        self.facts.move_to_end(deployment)
        return tuple(fact for fact, ends in self.facts[deployment].items() if now < ends)

    def learn(self, deployment: str, fact: Fact, now: float) -> None:
        """Remember a fact for an hour."""
        if not self._is_kept(fact):
            return
        earlier = self.facts.get(deployment, {})
        kept = {old: ends for old, ends in earlier.items() if now < ends and not self._replaces(fact, old)}
        latest = [*kept.items(), (fact, now + SECONDS_KEPT)][-MAX_FACTS:]
        self.facts[deployment] = dict(latest)
        self.facts.move_to_end(deployment)
        if len(self.facts) > MAX_DEPLOYMENTS:
            self.facts.popitem(last=False)

    def forget(self, deployment: str, fact: Fact) -> None:
        """Forget a fact that is no longer true."""
        self.facts.get(deployment, {}).pop(fact, None)


def learned_repairs() -> Learned[Repair]:
    """Return a memory of the parameters that deployments refuse."""
    return Learned(_covers, _is_short)


def _covers(new: Repair, old: Repair) -> bool:
    """Tell whether a repair covers or contradicts an older one."""
    if old.parameter == new.renamed_to:
        return True  # The deployment now refuses the other name.
    return old.parameter == new.parameter and new.value in (None, old.value)


def _is_short(repair: Repair) -> bool:
    return repair.value is None or len(repair.value) <= MAX_VALUE_BYTES
