"""What has happened in a running case, for those who wait for it."""

import asyncio
from collections import Counter

from tests.oracle.case import Case


class Board:
    """Counts events; `notes` hold in their order which waits were in vain."""

    def __init__(self, everybody: "Board | None" = None) -> None:
        self._everybody = everybody
        self.notes: list[str] = []
        self._counts: Counter[str] = Counter()
        self._changed: list[asyncio.Future[None]] = []

    def mark(self, event: str) -> None:
        """Take in that something happened."""
        if self._everybody is not None and event.startswith("all "):
            self._everybody.mark(event)
            return
        self._counts[event] += 1
        waiting, self._changed = self._changed, []
        for one in waiting:
            if not one.done():
                one.set_result(None)

    async def wait(self, event: str, count: int, seconds: float) -> bool:
        """Return whether it happened in time."""
        if self._everybody is not None and event.startswith("all "):
            return await self._everybody.wait(event, count, seconds)
        try:
            async with asyncio.timeout(seconds):
                while self._counts[event] < count:
                    change = asyncio.get_running_loop().create_future()
                    self._changed.append(change)
                    await change
        except TimeoutError:
            return False
        return True


class Running:
    """A case that runs, and what was seen of it."""

    def __init__(self, case: Case, everybody: Board) -> None:
        self.case = case
        self.board = Board(everybody)
        self.client: list[dict[str, object]] = []
        self.upstream: list[dict[str, object]] = []
        self.lines: list[dict[str, object]] = []
        self.replied: Counter[str] = Counter()
        self.busy = 0
