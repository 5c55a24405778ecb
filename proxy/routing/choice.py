"""Which target is next: priority first, then a weighted draw."""

from bisect import bisect
from collections.abc import Container, Sequence
from itertools import accumulate

from proxy.routing.health import Health
from proxy.routing.target import Key, Target


def choose(targets: Sequence[Target], tried: Container[Key], health: Health, now: float, draw: float) -> Target | None:
    """Return a target that was not tried and does not rest, None when there is none; `draw` is from 0 to 1.

    One whose limit is spent comes after all others, whatever the priority.
    """
    usable = [target for target in targets if target.key not in tried and not health.wait(target, now)]
    if len(usable) > 1:
        usable = [target for target in usable if not health.is_scarce(target, now)] or usable
        first = min([target.priority for target in usable])
        usable = [target for target in usable if target.priority == first]
    return _draw(usable, draw) if usable else None


def _draw(targets: Sequence[Target], draw: float) -> Target:
    if len(targets) == 1:
        return targets[0]
    weighted = [target for target in targets if target.weight] or targets
    sums = list(accumulate(target.weight or 1.0 for target in weighted))
    return weighted[bisect(sums, draw * sums[-1], hi=len(sums) - 1)]
