"""Every place to cut a recorded stream at, and how; the name of the deployment asks for it.

script-chat-3-close      three events, then the body ends as it should
script-chat-3-halfway    three events and one half of the next, then the body ends as it should
script-chat-3-reset      three events, then a TCP reset instead of an end
"""

from dataclasses import dataclass
from enum import Enum

from tests.fakes.scripted_azure import Script
from tests.integration.recordings import RECORDINGS, Recorded, Recording


class Kind(Enum):
    """How a stream is cut."""

    CLOSE = "close"
    HALFWAY = "halfway"
    RESET = "reset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A place to cut a recording at, and how."""

    recording: Recording
    after: int
    kind: Kind

    @property
    def deployment(self) -> str:
        """Return the name that asks for this cut."""
        return f"script-{self.recording.name}-{self.after}-{self.kind.value}"

    @property
    def script(self) -> Script:
        """Return what Azure sends."""
        parts = tuple(event.raw for event in self._came)
        if self.kind is Kind.HALFWAY:
            half = self.recording.events[self.after].raw
            parts += (half[: len(half) // 2],)
        return Script(parts=parts, reset=self.kind is Kind.RESET)

    @property
    def text(self) -> str:
        """Return what was said before the cut."""
        return "".join(event.text for event in self._came)

    @property
    def chunks(self) -> int:
        """Return how many events came whole that a client of OpenAI reads, `[DONE]` not counted."""
        return sum(event.reaches for event in self._came)

    @property
    def begun(self) -> bool:
        """Tell whether anything came that the client waits for; an error before that is a real one."""
        return any(event.reaches and event.says for event in self._came)

    @property
    def complete(self) -> bool:
        """Tell whether every choice was finished before the cut."""
        return frozenset[int]().union(*(event.finishes for event in self._came)) == self.recording.choices

    @property
    def _came(self) -> tuple[Recorded, ...]:
        return self.recording.events[: self.after]


ALL_CUTS = tuple(
    Cut(recording=recording, after=after, kind=kind)
    for recording in RECORDINGS
    for after in range(len(recording.events) + 1)
    for kind in Kind
    if after < len(recording.events) or kind is not Kind.HALFWAY  # behind the last event there is nothing to halve
)
CUTS = tuple(cut for cut in ALL_CUTS if cut.begun)
EARLY_CUTS = tuple(cut for cut in ALL_CUTS if not cut.begun)
