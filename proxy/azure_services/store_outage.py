"""When a store that has failed is asked again: after a pause that doubles with each failure. The log says it once."""

import logging

from proxy.azure_services.shared_row import Clock

# Seconds for which a store that is down is not asked; the first doubles up to the longest.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
_MOST_DOUBLINGS = 10


class StoreOutage:
    """What is known of the failures of a store; `code` and `meaning` are what the log says of them."""

    def __init__(self, clock: Clock, log: logging.Logger, code: str, meaning: str) -> None:
        self._clock = clock
        self._log = log
        self._code = code
        self._meaning = meaning
        self._failures = 0
        self.until = float("-inf")

    @property
    def lasts(self) -> bool:
        """Tell whether the store is not to be asked yet."""
        return self._clock.now() < self.until

    def note_failure(self) -> None:
        """Note that the store did not answer."""
        if not self._failures:
            self._log.warning("%s: %s", self._code, self._meaning)
        self.until = self._clock.now() + min(LONGEST_PAUSE, FIRST_PAUSE * 2.0**self._failures)
        self._failures = min(self._failures + 1, _MOST_DOUBLINGS)

    def note_success(self) -> None:
        """Note that the store has answered."""
        if self._failures:
            self._log.info("%s: solved", self._code)
        self._failures, self.until = 0, float("-inf")
