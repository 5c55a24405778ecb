"""Prompt-cache affinity: prompts with the same beginning go to the same target, which has it in its cache.

Azure bills the cached tokens of a prompt at a fraction and answers faster; each resource has a cache of its own.
https://learn.microsoft.com/azure/ai-foundry/openai/how-to/prompt-caching

Each target's place in the order of a key is drawn from a hash of both, so that instances agree without asking each
other, and a target that comes or goes moves no keys but its own. An exponentially distributed number with the weight
as its rate is the smallest of all as often as the weight's share says.
https://en.wikipedia.org/wiki/Rendezvous_hashing#Weighted_rendezvous_hash

A key that everybody has would put all calls on one target, so that a call goes to the next one in the order while a
target has more than its share in flight. https://arxiv.org/abs/1608.01350
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from math import log

from proxy.routing.targets import Key, Target
from proxy.routing.weights import draw_by_weight, weight_of, with_a_share

# A target takes a call while it has fewer in flight than this many times its share, and as many more: so few calls are
# no load, and without them two calls of one conversation would go to two targets.
OVER_SHARE = 1.25
SPARE = 4
_BITS = 52  # so many a float keeps, with a half behind them

FindKey = Callable[[], bytes | None]


class Affinity:
    """The order of the targets for each key, and the calls in flight at each target.

    `names` are those of the resources, in the order of their numbers: they stay when the order changes.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._in_flight: dict[Key, int] = {}

    def in_flight(self, target: Target) -> int:
        """Return how many calls are in flight at a target."""
        return self._in_flight.get(target.key, 0)

    def begin(self, key: Key) -> None:
        """Count a call at a target."""
        self._in_flight[key] = self._in_flight.get(key, 0) + 1

    def end(self, key: Key) -> None:
        """Stop counting a call at a target."""
        left = self._in_flight[key] - 1
        if left:
            self._in_flight[key] = left
        else:
            del self._in_flight[key]

    def choose(self, targets: Sequence[Target], key: bytes) -> Target:
        """Return the first target in the order of a key that has not too many calls in flight.

        All limits together are above the calls in flight, so that one always has room.
        """
        in_flight = list(map(self.in_flight, targets))
        each = OVER_SHARE * (sum(in_flight) + 1) / sum(map(weight_of, targets))
        fitting = [
            target for target, calls in zip(targets, in_flight, strict=True) if calls < each * weight_of(target) + SPARE
        ]
        return min(fitting, key=lambda target: self._place(target, key))

    def _place(self, target: Target, key: bytes) -> float:
        """Return a number that is the smallest for the target to ask first."""
        name = f"{self._names[target.resource]} {target.deployment}".encode()
        drawn = int.from_bytes(blake2b(name, key=key, digest_size=8).digest()) >> (64 - _BITS)
        return -log((drawn + 0.5) / (1 << _BITS)) / weight_of(target)


class Placement:
    """One call: the key of its prompt, and the target where it is counted until it ends.

    `find_key` is asked only where there is a choice; it returns None for a prompt without a key, which goes anywhere.
    """

    __slots__ = ("_affinity", "_at", "_find_key")

    def __init__(self, affinity: Affinity, find_key: FindKey) -> None:
        self._affinity = affinity
        self._find_key = find_key
        self._at: Key | None = None

    def pick(self, targets: Sequence[Target], draw: float) -> Target:
        """Return the target for the prompt's key among several of the same priority; `draw` is from 0 to 1."""
        weighted = with_a_share(targets)
        if len(weighted) == 1:
            return weighted[0]
        key = self._find_key()
        if key is None:
            return draw_by_weight(weighted, draw)
        self.end()  # A call that goes on elsewhere is not in its own way.
        return self._affinity.choose(weighted, key)

    def move(self, target: Target) -> None:
        """Count the call at a target, and no longer at the one before."""
        self.end()
        self._at = target.key
        self._affinity.begin(target.key)

    def end(self) -> None:
        """Stop counting the call."""
        if self._at is not None:
            self._affinity.end(self._at)
            self._at = None
