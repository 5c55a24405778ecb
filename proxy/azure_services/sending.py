"""One sending of a request to Azure OpenAI, as it is reported to a recorder."""

import time
from collections.abc import Callable, Mapping

from proxy.values import NO_TRACE, Usage


class Sending:
    """What is known of a sending; `report` is called once, when it has ended.

    `status` is None without an answer; `started` is in seconds since 1970 UTC, `first_byte` and `duration` in seconds
    from then; `sent` and `received` are the bytes of the bodies; `usage` is Azure's count of tokens, None without one;
    `streamed` tells that the answer came in events. `trace` are headers that name the span of the sending, in the
    place of the client's own; none where nobody writes spans.
    """

    __slots__ = (
        "_began",
        "_report",
        "duration",
        "first_byte",
        "outcome",
        "received",
        "sent",
        "started",
        "status",
        "streamed",
        "trace",
        "usage",
    )

    def __init__(self, report: Callable[["Sending"], None]) -> None:
        self._report = report
        self._began = time.monotonic()
        self.started = time.time()
        self.status: int | None = None
        self.outcome: str | None = None
        self.first_byte: float | None = None
        self.duration = 0.0
        self.sent = 0
        self.received = 0
        self.usage: Usage | None = None
        self.streamed = False
        self.trace: Mapping[str, str] = NO_TRACE

    def take(self, size: int) -> None:
        """Count bytes of the answer."""
        if self.first_byte is None and size:
            self.first_byte = time.monotonic() - self._began
        self.received += size

    def end(self, outcome: str) -> None:
        """Report how it ended; only the first call counts."""
        if self.outcome is None:
            self.outcome = outcome
            self.duration = time.monotonic() - self._began
            self._report(self)
