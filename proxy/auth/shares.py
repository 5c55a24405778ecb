"""A rate that is divided into shares, each a bucket that fills and empties by itself.

A share is a part of a rate, 1 for all of it; amounts are parts of a minute's amount. Dividing and joining change
neither what the shares hold together nor how fast they fill. So however a rate is divided, no more passes than `gcra`
lets pass of the whole.
"""

import msgspec

from proxy.auth import gcra

# Below this a part is a rounding error of adding and subtracting others.
SMALLEST = 1e-9


class Share(msgspec.Struct, frozen=True, array_like=True):
    """A part of the rates of requests and tokens, and when all of it is free again, in seconds."""

    part: float
    requests_at: float
    tokens_at: float


class Used(msgspec.Struct, frozen=True):
    """What of a minute's requests and tokens is used, each as a part of the whole; above its share it is a debt."""

    requests: float
    tokens: float

    def __add__(self, other: "Used") -> "Used":
        return Used(self.requests + other.requests, self.tokens + other.tokens)


def used(share: Share, now: float) -> Used:
    """Return what of a share is used."""
    ends = share.requests_at, share.tokens_at
    return Used(*(max(0.0, end - now) * share.part / gcra.MINUTE for end in ends))


def share_with(part: float, spent: Used, now: float) -> Share:
    """Return a share of which so much is used; one without a part has nothing that could be."""
    if part < SMALLEST:
        return Share(0.0, now, now)
    return Share(part, now + spent.requests * gcra.MINUTE / part, now + spent.tokens * gcra.MINUTE / part)


def join(one: Share, other: Share, now: float) -> Share:
    """Return one share in place of two."""
    return share_with(one.part + other.part, used(one, now) + used(other, now), now)


def divide(share: Share, part: float, now: float) -> tuple[Share, Share]:
    """Return a share of that part, and the rest.

    What is used stays in the rest as far as it fits there; a debt is divided like the share.
    """
    spent, rest = used(share, now), share.part - part
    requests, tokens = (_left(amount, part, rest) for amount in (spent.requests, spent.tokens))
    return (
        share_with(part, Used(requests, tokens), now),
        share_with(rest, Used(spent.requests - requests, spent.tokens - tokens), now),
    )


def _left(amount: float, part: float, rest: float) -> float:
    """Return what of a used amount does not stay in the rest."""
    if amount > part + rest:
        return amount * part / (part + rest)
    return max(0.0, amount - rest)


def take(share: Share, amount: Used, now: float) -> Share:
    """Return a share of which so much more is used from now on."""
    return correct(Share(share.part, max(share.requests_at, now), max(share.tokens_at, now)), amount)


def correct(share: Share, amount: Used) -> Share:
    """Return a share of which so much more was used than taken, or less with negative amounts."""
    return Share(
        share.part,
        share.requests_at + amount.requests * gcra.MINUTE / share.part,
        share.tokens_at + amount.tokens * gcra.MINUTE / share.part,
    )


def spent_share(part: float, now: float) -> Share:
    """Return a share of which nothing is left at that time."""
    return Share(part, now + gcra.MINUTE, now + gcra.MINUTE)


def fair_part(available: float, wants: list[float], mine: float) -> float:
    """Return what falls to one that wants `mine` when others want what stands in `wants`.

    Who wants little gets it, and what is left is divided equally (max-min fairness).
    """
    left, count = available, len(wants) + 1
    for want in sorted(wants):
        if want >= left / count or want >= mine:
            break
        left, count = left - want, count - 1
    return min(mine, left / count)
