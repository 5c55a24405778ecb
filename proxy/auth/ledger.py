"""Who keeps the rates and the slots of client keys: `reserve` before a call, then either `settle` or `release`.

`Ledger` has three verbs, so that another backend can keep the same accounts for all instances together. An account
belongs to the name of a client, whatever key it uses. What is reserved is leased: behind the end of its lease a hold
counts as spent, its slot is free, and nothing changes it any more.
"""

from collections.abc import Callable
from enum import Enum
from itertools import count
from typing import Protocol

import msgspec

from proxy.auth import gcra
from proxy.auth.shares import Share
from proxy.values import Limits

# Seconds; nobody knows when a running request ends.
SLOT_WAIT = 1.0


class Limited(Enum):
    """What an account has no more of; the value is what OpenAI calls it."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    CONCURRENCY = "concurrency"


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """What a client reads of one rate; `reset` is in seconds."""

    limit: int
    remaining: int
    reset: float


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of an account; None for a rate that is not limited."""

    requests: Rate | None
    tokens: Rate | None


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may be made: so many tokens are reserved for it, and a slot if those are limited."""

    number: int
    account: str
    limits: Limits
    tokens: int
    standing: Standing


class Denied(msgspec.Struct, frozen=True, kw_only=True):
    """A call that may not be made for the next `wait` seconds."""

    limited: Limited
    wait: float
    standing: Standing


class Ledger(Protocol):
    """Keeps the accounts."""

    async def reserve(self, account: str, limits: Limits, tokens: int) -> Hold | Denied:
        """Take a request, so many tokens and a slot; take nothing if one of them is not to be had."""
        ...

    async def settle(self, hold: Hold, tokens: int) -> None:
        """End a call that has used so many tokens."""
        ...

    async def release(self, hold: Hold) -> None:
        """End a call that has come to nothing: give back all but the request."""
        ...


class _Account:
    """The accounts of one client: when its rates are free again, and when each hold's lease ends."""

    __slots__ = ("holds", "requests_at", "tokens_at")

    def __init__(self) -> None:
        self.requests_at = self.tokens_at = float("-inf")
        self.holds: dict[int, float] = {}

    @property
    def share(self) -> Share:
        return Share(1.0, self.requests_at, self.tokens_at)


class MemoryLedger:
    """The accounts of this process; `clock` is in seconds, `lease` how long a call may take at most."""

    def __init__(self, clock: Callable[[], float], lease: float) -> None:
        self._clock = clock
        self._lease = lease
        self._accounts: dict[str, _Account] = {}
        self._numbers = count()

    async def reserve(self, account: str, limits: Limits, tokens: int) -> Hold | Denied:
        """Take a request, so many tokens and a slot, or nothing."""
        now = self._clock()
        kept = self._accounts.setdefault(account, _Account())
        kept.holds = {number: end for number, end in kept.holds.items() if now < end}
        denied = deny(kept.share, len(kept.holds), limits, tokens, now)
        if denied is not None:
            return Denied(limited=denied[1], wait=denied[0], standing=standing(kept.share, limits, now))
        if limits.rpm is not None:
            kept.requests_at = gcra.take(kept.requests_at, limits.rpm, 1, now)
        if limits.tpm is not None:
            kept.tokens_at = gcra.take(kept.tokens_at, limits.tpm, tokens, now)
        number = next(self._numbers)
        kept.holds[number] = now + self._lease
        left = standing(kept.share, limits, now)
        return Hold(number=number, account=account, limits=limits, tokens=tokens, standing=left)

    async def settle(self, hold: Hold, tokens: int) -> None:
        """Correct what was reserved by what was used, and free the slot."""
        kept = self._accounts[hold.account]
        end = kept.holds.pop(hold.number, None)
        if end is not None and self._clock() < end and hold.limits.tpm is not None:
            kept.tokens_at = gcra.correct(kept.tokens_at, hold.limits.tpm, tokens - hold.tokens)

    async def release(self, hold: Hold) -> None:
        """Give the tokens back, and free the slot."""
        await self.settle(hold, 0)


def deny(share: Share, in_use: int, limits: Limits, tokens: int, now: float) -> tuple[float, Limited] | None:
    """Return for how long what of a share is not to be had, the longest, None if all is; `in_use` are its slots."""
    waits: list[tuple[float, Limited]] = []
    if limits.concurrency is not None and in_use >= limits.concurrency:
        waits.append((SLOT_WAIT, Limited.CONCURRENCY))
    if limits.rpm is not None:
        waits.append((gcra.wait_for(share.requests_at, limits.rpm * share.part, 1, now), Limited.REQUESTS))
    if limits.tpm is not None:
        waits.append((gcra.wait_for(share.tokens_at, limits.tpm * share.part, tokens, now), Limited.TOKENS))
    wait, limited = max(waits, key=lambda one: one[0], default=(0.0, Limited.REQUESTS))
    return (wait, limited) if wait else None


def standing(share: Share, limits: Limits, now: float) -> Standing:
    """Return what is left of a share."""
    return Standing(
        requests=_rate(share.requests_at, limits.rpm, share.part, now),
        tokens=_rate(share.tokens_at, limits.tpm, share.part, now),
    )


def _rate(free_at: float, limit: int | None, part: float, now: float) -> Rate | None:
    if limit is None:
        return None
    return Rate(limit=limit, remaining=gcra.remaining(free_at, limit * part, now), reset=gcra.reset(free_at, now))
