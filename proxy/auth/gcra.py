"""A rate a minute, by the generic cell rate algorithm: one number says how much of a minute's amount is used up.

That number is the time at which the whole amount is free again. What is taken moves it into the future, each unit by
its share of a minute; the clock catches up with it. So an unused limit can be used up at once, and within any t seconds
no more passes than the limit and what t seconds free: `limit * (1 + t / 60)`.

https://www.itu.int/rec/T-REC-I.371
"""

MINUTE = 60.0
# Seconds; a wait that was told must be enough in spite of rounded numbers.
ROUNDING = 1e-6


def wait_for(free_at: float, limit: float, amount: float, now: float) -> float:
    """Return the seconds until so much can be taken, 0 when it can be now.

    More than the limit can be taken when all of it is free, and is paid back in time.
    """
    used = max(0.0, free_at - now)
    wait = used - max(0.0, MINUTE - amount * MINUTE / limit)
    return wait if wait > ROUNDING else 0.0


def take(free_at: float, limit: float, amount: float, now: float) -> float:
    """Return the time at which all is free again after so much was taken."""
    return max(free_at, now) + amount * MINUTE / limit


def correct(free_at: float, limit: float, amount: float) -> float:
    """Return that time when more was used than taken, or less with a negative amount."""
    return free_at + amount * MINUTE / limit


def remaining(free_at: float, limit: float, now: float) -> int:
    """Return how much can be taken now."""
    return max(0, int((MINUTE - max(0.0, free_at - now) + ROUNDING) * limit / MINUTE))


def reset(free_at: float, now: float) -> float:
    """Return the seconds until all is free."""
    return max(0.0, free_at - now)
