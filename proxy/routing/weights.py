"""The shares of targets of the same priority, by their weights."""

from bisect import bisect
from collections.abc import Callable, Sequence
from itertools import accumulate

from proxy.routing.targets import Target

Pick = Callable[[Sequence[Target], float], Target]
"""Takes one of several targets of the same priority; the number is from 0 to 1."""


def with_a_share(targets: Sequence[Target]) -> Sequence[Target]:
    """Return the targets that have a weight; those without one, only if no other is there."""
    return [target for target in targets if target.weight] or targets


def weight_of(target: Target) -> float:
    """Return the weight of a target among others; those without one are equal among themselves."""
    return target.weight or 1.0


def draw_by_weight(targets: Sequence[Target], draw: float) -> Target:
    """Return a target drawn at random; `draw` is from 0 to 1."""
    weighted = with_a_share(targets)
    sums = list(accumulate(weight_of(target) for target in weighted))
    return weighted[bisect(sums, draw * sums[-1], hi=len(sums) - 1)]
