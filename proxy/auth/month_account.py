"""The money of one account in one month for all instances together: one row of a store, which every instance changes.

An instance writes two amounts that only grow with what it does: what it has `spent`, and the `ceiling` up to which it
may spend. Both are sums since its first call, not differences, so that a change which is made twice changes nothing.
The ceilings together never exceed a hard budget. So nothing is spent too much, whatever crashes: what an instance that
is gone might have spent stays counted. Clocks only decide who is believed to be gone, never what may be spent.

All amounts are whole micro-dollars; `now` is the store's time in seconds since 1970 UTC. All functions are pure.
"""

from datetime import UTC, datetime

import msgspec

# The part of a budget that one instance may have besides what its calls need, so that it asks the store less often.
# A crash loses no more than that, and the bounds of the calls that were running.
LARGEST_LEASE = 1 / 1000
# The part of a budget that crashes one after the other may lose by leases: the more is lost, the smaller they are.
MOST_LOST = 1 / 100
# A lease is worth so many calls like the latest at most, and one at least.
CALLS = 12
# Seconds without a word after which an instance counts as gone: it says something each minute while it has anything.
GONE = 180.0
# Seconds after which what a gone instance had is taken for spent for good; no request takes so long.
FORGOTTEN = 3600.0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance has spent and may spend, the number of its latest change, and when that was."""

    sequence: int
    spent: int
    ceiling: int
    seen: float


class Month(msgspec.Struct, frozen=True, kw_only=True):
    """The row; `settled` is what instances have spent that have left, `lost` is what of it nobody may have spent."""

    settled: int = 0
    lost: int = 0
    entries: dict[str, Entry] = msgspec.field(default_factory=dict)

    def sequence_of(self, instance: str) -> int | None:
        """Return the number of an instance's latest change, None of one that has nothing."""
        entry = self.entries.get(instance)
        return entry.sequence if entry else None


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What an instance has, and asks for.

    `limit` is None where nothing is refused. `reserved` is what its running calls may cost, `bound` what a call to
    admit may cost, None without one, and `usual` what calls may cost of late. One that is `leaving` gives all back.
    """

    instance: str
    limit: int | None
    spent: int
    reserved: int
    bound: int | None = None
    usual: int = 0
    leaving: bool = False


class View(msgspec.Struct, frozen=True, kw_only=True):
    """What others have settled for sure, and what they may spend at most, as far as an instance knows."""

    settled: int = 0
    committed: int = 0


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The answer: the ceiling of the instance, whether its call may be made, and the account."""

    ceiling: int
    is_admitted: bool
    view: View


def change(row: Month, wanted: Wanted, now: float, sequence: int) -> tuple[Month, Given]:
    """Return the row after an instance has asked, and its answer."""
    others = {name: entry for name, entry in row.entries.items() if name != wanted.instance}
    forgotten = [entry for entry in others.values() if now >= entry.seen + FORGOTTEN]
    settled = row.settled + sum(entry.ceiling for entry in forgotten)
    lost = row.lost + sum(entry.ceiling - entry.spent for entry in forgotten)
    others = {name: entry for name, entry in others.items() if now < entry.seen + FORGOTTEN}
    taken = settled + sum(entry.ceiling for entry in others.values())
    needed = wanted.spent + wanted.reserved
    bound = wanted.bound or 0
    is_admitted = wanted.limit is None or taken + needed + bound <= wanted.limit
    if is_admitted:
        needed += bound
    gone = sum(entry.ceiling - entry.spent for entry in others.values() if now >= entry.seen + GONE)
    ceiling = needed + _lease(wanted, taken + needed, len(others) + 1, lost + gone)
    if wanted.leaving and not wanted.reserved:
        changed = Month(settled=settled + wanted.spent, lost=lost, entries=others)
    else:
        own = Entry(sequence=sequence, spent=wanted.spent, ceiling=ceiling, seen=now)
        changed = Month(settled=settled, lost=lost, entries={**others, wanted.instance: own})
    return changed, Given(ceiling=ceiling, is_admitted=is_admitted, view=view(changed, wanted.instance, now))


def view(row: Month, instance: str, now: float) -> View:
    """Return what is known of an account but for the instance itself; what a gone one had counts as settled."""
    others = [entry for name, entry in row.entries.items() if name != instance]
    certain = sum(entry.ceiling if now >= entry.seen + GONE else entry.spent for entry in others)
    return View(settled=row.settled + certain, committed=row.settled + sum(entry.ceiling for entry in others))


def _lease(wanted: Wanted, committed: int, count: int, lost: int) -> int:
    """Return what an instance gets besides what its calls need: nothing where that is not worth a call."""
    if wanted.leaving or wanted.limit is None:
        return 0
    left = int((wanted.limit * MOST_LOST - lost) / MOST_LOST * LARGEST_LEASE)
    most = min(left, (wanted.limit - committed) // (2 * count), CALLS * wanted.usual)
    return most if wanted.usual and most >= wanted.usual else 0


def month_of(now: float) -> str:
    """Return the month of a time, UTC, as `2026-11`."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")


def next_month(now: float) -> datetime:
    """Return when the month after that of a time begins, UTC."""
    day = datetime.fromtimestamp(now, UTC)
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return datetime(year, month, 1, tzinfo=UTC)
