"""The head of an answer: when it leaves, and how long an attempt may take before it.

Until the head has left, an error of Azure can become a real status. A stream that is known to be one gets its head
after `head` seconds of silence; what fails behind it is told as an event of the stream. A whole answer that is
collected from a stream gets its head when the platform is about to end the request: blank lines may be before JSON.
"""

from collections.abc import Callable

from proxy.config.timeouts import Timeouts
from proxy.errors import UpstreamError, UpstreamTimeout
from proxy.server.deadline import Deadline, Limit

# Seconds that the first event may be behind the head of Azure's answer, which says that there will be any: seldom more.
FIRST_EVENT = 0.1
NO_STREAM = "Azure OpenAI answered without the stream that was asked for."
_TOO_LATE = (
    "Azure OpenAI did not answer in time. Send `stream: true`, for a stream has more time than a whole answer, or use "
    "the background mode of the Responses API."
)
_SILENT = "Azure OpenAI stopped sending."


class StreamStart:
    """What is known of an answer before its head has left: whether it is a stream, and how long it may take.

    `end` is the time of the loop by which everything must be over. `begin` lets the head of a stream leave.
    """

    __slots__ = (
        "_attempting",
        "_begin",
        "_impatient",
        "_shares",
        "_timeouts",
        "_whole_by",
        "collects",
        "deadline",
        "end",
        "streams",
    )

    def __init__(self, deadline: Deadline, timeouts: Timeouts, begin: Callable[[], None]) -> None:
        self.deadline = deadline
        self.end = deadline.now() + timeouts.total
        self.streams = False
        self.collects = False
        self._timeouts = timeouts
        self._begin = begin
        self._impatient = False
        self._attempting = False
        self._shares = 1
        self._whole_by: float | None = None

    def expect(self) -> None:
        """Begin to be patient with an answer that may be a stream."""
        self.deadline.set(Limit.PATIENCE, self.deadline.now() + self._timeouts.head, self._lose_patience)

    def answered(self) -> None:
        """End the patience: there is an answer, whose head leaves by itself."""
        self.deadline.clear(Limit.PATIENCE)
        self._impatient = False

    def is_stream(self) -> None:
        """Give the answer all the time there is: its head can leave before its first word."""
        self.streams = True
        if self._attempting:
            self.attempt()
        if self._impatient:
            self._impatient = False
            self.deadline.set(Limit.PATIENCE, self.deadline.now() + FIRST_EVENT, self._lose_patience)

    def collect(self, *, collects: bool) -> None:
        """Give a whole answer that is collected from a stream all the time there is, or take that back."""
        self.collects = collects
        if collects:
            self.deadline.set(Limit.PATIENCE, self._whole_by or self.end, lambda _: self._begin())
        else:
            self.deadline.clear(Limit.PATIENCE)
        if self._attempting:
            self.attempt()

    def share(self, targets: int) -> None:
        """Give each of the targets its share of the time: the next one is asked when one is silent for so long."""
        self._shares = targets

    def attempt(self) -> None:
        """Begin the time of an attempt."""
        self._attempting = True
        self.deadline.set(Limit.ATTEMPT, self._due())

    def attempted(self) -> None:
        """End the time of an attempt."""
        self._attempting = False
        self.deadline.clear(Limit.ATTEMPT)

    def body_moves(self) -> None:
        """Note that Azure takes more of the body."""
        if self._attempting:
            self.deadline.set(Limit.ATTEMPT, min(self.end, self.deadline.now() + self._timeouts.idle))

    def body_sent(self) -> None:
        """Begin to wait for Azure."""
        if self._whole_by is None:
            self._whole_by = self.deadline.now() + self._timeouts.first_byte
        if self._attempting:
            self.attempt()

    def timeout(self) -> UpstreamError | None:
        """Return the error of an attempt that took too long, after a cancellation; None when it was another's."""
        if self.deadline.interrupted(Limit.ATTEMPT):
            return UpstreamTimeout(_TOO_LATE)
        return UpstreamTimeout(_SILENT) if self.deadline.interrupted(Limit.IDLE) else None

    def _lose_patience(self, _now: float) -> None:
        if self.streams:
            self._begin()
        else:
            self._impatient = True

    def _due(self) -> float:
        if self._whole_by is None:
            return self.end
        due = self.end if self.streams or self.collects else min(self.end, self._whole_by)
        if self._shares == 1:
            return due
        share = self._timeouts.head if self.streams else self._timeouts.first_byte / self._shares
        return min(due, self.deadline.now() + share)
