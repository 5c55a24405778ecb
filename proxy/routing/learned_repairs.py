"""What was learnt of the parameters that a deployment refuses, so that the next request goes without them."""

from collections import OrderedDict

from proxy.values import Repair

# More deployments than a resource has, and some kilobytes; the least recently used is forgotten.
MAX_DEPLOYMENTS = 1000
# All parameters that are repaired, and a few refused values besides; the oldest is forgotten.
MAX_REPAIRS = 16
# A refused value is a number or a word; a longer one comes from one client and would only take memory.
MAX_VALUE_BYTES = 64
# Another model may stand behind a deployment by then: the parameter is tried anew.
SECONDS_KEPT = 3600.0


class Repairs:
    """The repairs of each deployment; `now` is in seconds of any clock that never goes back."""

    def __init__(self) -> None:
        self._learnt: OrderedDict[str, dict[Repair, float]] = OrderedDict()

    def known(self, deployment: str, now: float) -> tuple[Repair, ...]:
        """Return what a request for this deployment should be spared, oldest first."""
        if deployment not in self._learnt:
            return ()
        self._learnt.move_to_end(deployment)
        return tuple(repair for repair, ends in self._learnt[deployment].items() if now < ends)

    def learn(self, deployment: str, repair: Repair, now: float) -> None:
        """Keep a repair for an hour; it takes the place of those that it covers or contradicts."""
        if repair.value is not None and len(repair.value) > MAX_VALUE_BYTES:
            return
        earlier = self._learnt.get(deployment, {})
        kept = {old: ends for old, ends in earlier.items() if now < ends and not _replaces(repair, old)}
        latest = [*kept.items(), (repair, now + SECONDS_KEPT)][-MAX_REPAIRS:]
        self._learnt[deployment] = dict(latest)
        self._learnt.move_to_end(deployment)
        if len(self._learnt) > MAX_DEPLOYMENTS:
            self._learnt.popitem(last=False)


def _replaces(new: Repair, old: Repair) -> bool:
    if old.parameter == new.renamed_to:
        return True  # The deployment refuses the name that it was known to take instead of this one.
    return old.parameter == new.parameter and new.value in (None, old.value)
