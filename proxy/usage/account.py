"""What one client has used in a month, for its own eyes."""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from proxy.usage.counts import DAY, Counts, Line
from proxy.usage.rows import day_of


class Used(msgspec.Struct, frozen=True, kw_only=True):
    """The sums of a month up to now, and of each day of it, the first first."""

    month: Counts
    days: tuple[tuple[str, Counts], ...]


def month_start(now: float) -> int:
    """Return the begin of the month of a time, UTC; both are in seconds since 1970 UTC."""
    return int(datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())


def used_by(client: str, lines: Iterable[Line], now: float) -> Used:
    """Return what a client has used in the month of a time."""
    first, month = month_start(now), Counts()
    days = {day_of(start): Counts() for start in range(first, int(now) + 1, DAY)}
    for key, counts in lines:
        sums = days.get(day_of(key.start)) if key.client == client else None
        if sums is not None:
            sums.add(counts)
            month.add(counts)
    return Used(month=month, days=tuple(days.items()))
