"""How many calls of the last seconds failed."""

_SLICES = 10


class Window:
    """Counts calls and failures in ten slices of time, so that it never grows; the oldest slice leaves as a whole."""

    __slots__ = ("_calls", "_failures", "_numbers", "_slice")

    def __init__(self, seconds: float) -> None:
        self._slice = seconds / _SLICES
        self.clear()

    def clear(self) -> None:
        """Forget all calls."""
        self._numbers = [-1] * _SLICES
        self._calls = [0] * _SLICES
        self._failures = [0] * _SLICES

    def add(self, now: float, *, failed: bool) -> None:
        """Count a call that ended now."""
        number = int(now / self._slice)
        place = number % _SLICES
        if self._numbers[place] != number:
            self._numbers[place], self._calls[place], self._failures[place] = number, 0, 0
        self._calls[place] += 1
        self._failures[place] += failed

    def counts(self, now: float) -> tuple[int, int]:
        """Return how many calls there were and how many of them failed."""
        oldest = int(now / self._slice) - _SLICES
        recent = [place for place, number in enumerate(self._numbers) if number > oldest]
        return sum(self._calls[place] for place in recent), sum(self._failures[place] for place in recent)
