"""The parameters that each deployment is known to refuse, so that the next request goes without them."""

from collections import OrderedDict

from proxy.values import Repair

# Far more than there are, and a few kilobytes; the least recently used is forgotten.
MAX_DEPLOYMENTS = 1000
# Every parameter that can be repaired, and a few refused values; the oldest is forgotten.
MAX_REPAIRS = 16
# A refused value is a number or a word; longer ones are special to one client and not worth the memory.
MAX_VALUE_BYTES = 64
# By then the deployment may have another model, so the parameter is tried again.
SECONDS_KEPT = 3600.0


class LearnedRepairs:
    """The repairs of each deployment; `now` is in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._learned: OrderedDict[str, dict[Repair, float]] = OrderedDict()

    def known(self, deployment: str, now: float) -> tuple[Repair, ...]:
        """Return the repairs to make before a request is sent to this deployment, oldest first."""
        if deployment not in self._learned:
            return ()
        self._learned.move_to_end(deployment)
        return tuple(repair for repair, ends in self._learned[deployment].items() if now < ends)

    def learn(self, deployment: str, repair: Repair, now: float) -> None:
        """Remember a repair for an hour; it replaces those that it covers or contradicts."""
        if repair.value is not None and len(repair.value) > MAX_VALUE_BYTES:
            return
        earlier = self._learned.get(deployment, {})
        kept = {old: ends for old, ends in earlier.items() if now < ends and not _replaces(repair, old)}
        latest = [*kept.items(), (repair, now + SECONDS_KEPT)][-MAX_REPAIRS:]
        self._learned[deployment] = dict(latest)
        self._learned.move_to_end(deployment)
        if len(self._learned) > MAX_DEPLOYMENTS:
            self._learned.popitem(last=False)


def _replaces(new: Repair, old: Repair) -> bool:
    if old.parameter == new.renamed_to:
        return True  # The deployment now refuses the other name.
    return old.parameter == new.parameter and new.value in (None, old.value)
