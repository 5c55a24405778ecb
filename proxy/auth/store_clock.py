"""The time of a store, which all instances go by, from the `Date` of its answers.

An instance's own clock may be wrong, and the header has whole seconds and is some time under way. So every answer
gives a lower bound of the store's time, and the highest one counts.
"""

# The part by which the clock of a machine may be too fast; NTP corrects no more than half of this.
DRIFT = 0.001


class StoreClock:
    """What time it is at the store at the earliest; `read` is a time of this machine's monotonic clock, all in seconds.

    `guess` is the difference of the two as long as the store has not answered.
    """

    def __init__(self, guess: float = 0.0) -> None:
        self._offset = guess
        self._seen: float | None = None

    def observe(self, date: float, read: float) -> None:
        """Learn from an answer that was dated so by the store and came at that time."""
        bound = date - read
        if self._seen is not None:
            bound = max(bound, self._offset - (read - self._seen) * DRIFT)
        self._offset, self._seen = bound, read

    def now(self, read: float) -> float:
        """Return the store's time."""
        return read + self._offset
