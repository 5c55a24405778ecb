"""The calls that reached the simulator, for tests to read and to wait for."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

KEPT_BODY = 1024 * 1024  # bytes; of a larger body only size and digest are kept


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecordedRequest:
    """One call as it arrived: `raw_path` is undecoded and without the query; header names have any case.

    `body` is whole up to `KEPT_BODY` bytes and empty beyond; `body_size` and `body_sha256` (hexadecimal) are always
    those of the whole.
    """

    method: str
    raw_path: str
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    body_size: int
    body_sha256: str


class Journal:
    """The last `keep` calls, and those among them that the client left before the answer was complete."""

    def __init__(self, keep: int) -> None:
        self.requests: list[RecordedRequest] = []
        self.disconnects: list[RecordedRequest] = []
        self.closing = False
        self._keep = keep
        self._changed = asyncio.Event()

    def arrived(self, request: RecordedRequest) -> None:
        """Note a call."""
        self._note(self.requests, request)

    def left(self, request: RecordedRequest) -> None:
        """Note that the client of a call disconnected early, unless the simulator is closing."""
        if not self.closing:
            self._note(self.disconnects, request)

    async def wait(self, entries: list[RecordedRequest], count: int) -> None:
        """Wait until one of the two lists has `count` entries."""
        while len(entries) < count:
            await self._changed.wait()

    def _note(self, entries: list[RecordedRequest], request: RecordedRequest) -> None:
        entries.append(request)
        del entries[: max(0, len(entries) - self._keep)]
        self._changed.set()
        self._changed = asyncio.Event()
