"""The accounts of one client for all instances together: one row of a store, which every instance may change.

The row keeps when the pool is free again, the part of the rates that no instance has, and what each instance has leased
of them. An instance that asks gives its share back, takes what its call needs, and gets a share again: its fair part of
the whole by what each instance wants. It admits calls by its share alone until the lease ends. What an ended lease has
left counts as spent.

A limit of which an instance's part is worth fewer than ten calls is not leased: each call then takes from the pool.
All functions are pure. `now` is the store's time.
"""

from math import ceil

import msgspec

from proxy.auth.gcra import MINUTE
from proxy.auth.ledger import Limited, Standing, deny, standing
from proxy.auth.shares import SMALLEST, Share, Used, divide, fair_part, join, share_with, spent_share, take, used
from proxy.values import Limits

# An instance's equal part of a limit that is leased is worth so many calls at least.
FEWEST_CALLS = 10
# A lease lasts until its share has passed so many calls. An instance that is not alone needs two operations then.
CALLS_ALONE, CALLS = 12, 25
# Seconds; how long it lasts at least and at most.
SHORTEST, LONGEST = 5.0, 150.0
# Seconds for which slots are leased while calls run; half of that before the end, the lease is renewed.
SLOT_LEASE = 120.0
# Seconds for which an instance counts that has leased nothing.
SEEN = 60.0
# Seconds by which an instance's view of the store's time may be behind: one of the `Date` header, and a slow answer.
GRACE = 5.0
# The part that stays in the pool while there are several instances, so that a new one finds something.
RESERVE = 1 / 16
NOTHING = Used(0.0, 0.0)


class Lease(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an instance has, until when, and the number of its latest change of the row."""

    sequence: int
    ends: float
    part: float = 0.0
    wants: float = 0.0
    slots: int = 0
    slots_end: float = 0.0


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """The row. `owed` is what could not be booked while the instances had leased everything."""

    requests_at: float = 0.0
    tokens_at: float = 0.0
    leases: dict[str, Lease] = msgspec.field(default_factory=dict)
    owed: Used = NOTHING

    def sequence_of(self, instance: str) -> int | None:
        """Return the number of an instance's latest change, None of one that has nothing."""
        lease = self.leases.get(instance)
        return lease.sequence if lease else None


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance asks for, and what has become of what it had.

    `tokens` are those of a call to admit, None without a call. `had` is the part of the rates that it was given last,
    `spent` what is used of that, `corrections` what else is to be booked. `wants` is the part that it needs, `call` the
    part of a minute's amount that one call takes. `leaving` gives everything back.
    """

    instance: str
    limits: Limits
    tokens: int | None
    call: float
    wants: float
    had: float = 0.0
    spent: Used = NOTHING
    corrections: Used = NOTHING
    in_use: int = 0
    leaving: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance has from now on, and why its call may not be made, if so: the wait and what is missing.

    `leased` says whether it may admit calls by itself until `ends`.
    """

    asked: Ask
    share: Share
    pool: Share
    standing: Standing
    ends: float
    leased: bool
    slots: int
    slots_end: float
    instances: int
    denied: tuple[float, Limited] | None = None


def of_call(limits: Limits, tokens: int) -> Used:
    """Return what a call takes of a minute's amounts."""
    return Used(1 / limits.rpm if limits.rpm else 0.0, tokens / limits.tpm if limits.tpm else 0.0)


def change(row: Rates, ask: Ask, now: float, sequence: int) -> tuple[Rates, Answer]:
    """Return the row after an instance has asked, and its answer."""
    others, pool = _reclaim(row, ask.instance, now)
    whole, owed = _returned(pool, row, ask, now)
    taken = sum(lease.slots for lease in others.values())
    denied = None if ask.tokens is None else _deny(whole, taken + ask.in_use, others, ask, now)
    admitted = ask.tokens is not None and denied is None
    if ask.tokens is not None and admitted and whole.part >= SMALLEST:
        whole = take(whole, of_call(ask.limits, ask.tokens), now)
    lease, leased = _lease(ask, whole.part, others, ask.in_use + admitted, now, sequence)
    share, rest = divide(whole, lease.part, now)
    leases = others if ask.leaving and not lease.slots else {**others, ask.instance: lease}
    answer = Answer(
        asked=ask,
        share=share,
        pool=rest,
        standing=standing(whole, ask.limits, now),
        ends=lease.ends,
        leased=leased,
        slots=lease.slots,
        slots_end=lease.slots_end,
        instances=len(others) + 1,
        denied=denied,
    )
    return Rates(requests_at=rest.requests_at, tokens_at=rest.tokens_at, leases=leases, owed=owed), answer


def _reclaim(row: Rates, instance: str, now: float) -> tuple[dict[str, Lease], Share]:
    """Return the leases of the other instances, and the pool with what they have no more."""
    leased = sum(lease.part for lease in row.leases.values())
    pool = Share(max(0.0, 1.0 - leased), row.requests_at, row.tokens_at)
    others = {}
    for name, lease in row.leases.items():
        if name == instance:
            continue
        over, slots_over = now >= lease.ends + GRACE, now >= lease.slots_end + GRACE
        if over and lease.part:
            pool = join(pool, spent_share(lease.part, lease.ends + GRACE), now)
        if not over or (lease.slots and not slots_over):
            others[name] = msgspec.structs.replace(
                lease, part=0.0 if over else lease.part, slots=0 if slots_over else lease.slots
            )
    return others, pool


def _returned(pool: Share, row: Rates, ask: Ask, now: float) -> tuple[Share, Used]:
    """Return the pool with what the instance gives back, and what cannot be booked.

    A share that is no longer in the row was reclaimed and counted as spent, but for its debt.
    """
    lease, booked = row.leases.get(ask.instance), row.owed + ask.corrections
    if lease is not None and lease.part:
        pool = join(pool, share_with(lease.part, ask.spent, now), now)
    else:
        booked += Used(max(0.0, ask.spent.requests - ask.had), max(0.0, ask.spent.tokens - ask.had))
    if pool.part < SMALLEST:
        return pool, booked
    return take(pool, booked, now), NOTHING


def _deny(whole: Share, slots: int, others: dict[str, Lease], ask: Ask, now: float) -> tuple[float, Limited] | None:
    """Return why a call cannot be admitted; where others have leased everything, it waits for the end of a lease."""
    limits, tokens = ask.limits, ask.tokens or 0
    if whole.part >= SMALLEST or (limits.rpm is None and limits.tpm is None):
        return deny(whole, slots, limits, tokens, now)
    ends = min((lease.ends for lease in others.values() if lease.part), default=now)
    return max(SHORTEST, ends + GRACE - now), Limited.TOKENS if limits.rpm is None else Limited.REQUESTS


def _lease(
    ask: Ask, available: float, others: dict[str, Lease], in_use: int, now: float, sequence: int
) -> tuple[Lease, bool]:
    """Return what an instance has from now on, and whether it may admit calls by itself."""
    count, concurrency = len(others) + 1, ask.limits.concurrency
    leased = not ask.leaving and max(ask.call, 1 / concurrency if concurrency else 0.0) * FEWEST_CALLS * count <= 1
    part = _part(ask, available, [lease.wants for lease in others.values()]) if leased else 0.0
    leased = leased and (part > 0 or not ask.call)
    ends = now + (_seconds(ask.call, part, count) if part else SEEN)
    slots = 0
    if concurrency is not None:
        free = concurrency - in_use - sum(lease.slots for lease in others.values())
        slots = in_use + (max(0, ceil(free / 2)) if leased else 0)
    lease = Lease(
        sequence=sequence,
        ends=ends,
        part=part,
        wants=ask.wants,
        slots=slots,
        slots_end=now + SLOT_LEASE if in_use else ends,
    )
    return lease, leased


def _part(ask: Ask, available: float, wants: list[float]) -> float:
    """Return the part of the rates that an instance gets of what is available; none if it is worth few calls."""
    if not ask.call:
        return 0.0
    part = available if not wants else min(fair_part(1.0 - RESERVE, wants, ask.wants), available - RESERVE)
    return part if part >= 2 * ask.call else 0.0


def _seconds(call: float, part: float, count: int) -> float:
    """Return how long a lease lasts."""
    calls = CALLS_ALONE if count == 1 else CALLS
    return min(LONGEST, max(SHORTEST, calls * call * MINUTE / part))


def level(share: Share, limits: Limits, now: float) -> float:
    """Return what can be taken of a share, by the rate that has less."""
    spent = used(share, now)
    return share.part - max(spent.requests if limits.rpm else 0.0, spent.tokens if limits.tpm else 0.0)
