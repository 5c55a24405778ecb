"""Sixteen processes at one limit in a table, killed and stopped: it is passed by no more than the guide says."""

import asyncio
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.azurite import running_azurite
from tests.integration.ledger_process import LIMITS
from tests.processes import REPOSITORY

PROCESSES = 16
BLOWS = 24
# Seconds by which instances may see the table's clock differently (docs/clients-and-keys.md).
CLOCK = 2.0
START_TIMEOUT = 60.0
START_PAUSE = 0.7


class Storm:
    """The processes, what they were admitted, and what hits them; the order is that of a seed."""

    def __init__(self, table: str, file: Path, seed: int) -> None:
        self.file = file
        self._log = file.with_suffix(".log")
        self._command = [sys.executable, "-m", "tests.integration.ledger_process", table, str(file)]
        self._random = random.Random(seed)
        self._running: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        with self._log.open("ab") as log:
            process = subprocess.Popen(self._command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stderr=log)
        self._running.append(process)

    @property
    def outages(self) -> int:
        """How often a process took the table for down, as it may when the machine is busy."""
        return self._log.read_text().count("limits_store_down: each")

    async def start_all(self) -> None:
        """Start one process after the other, so that not all of them load the SDK at once."""
        for number in range(PROCESSES):
            self.start()
            if not number:
                async with asyncio.timeout(START_TIMEOUT):
                    while not self.admitted():  # noqa: ASYNC110  another process writes it
                        await asyncio.sleep(0.1)
            await asyncio.sleep(START_PAUSE)

    def admitted(self) -> list[float]:
        text = self.file.read_text() if self.file.exists() else ""
        return sorted(float(line) for line in text.splitlines())

    async def hit(self) -> None:
        """Kill a process and start another, or stop one for a while."""
        victim = self._random.choice(self._running)
        if self._random.random() < 0.5:
            self._running.remove(victim)
            victim.kill()
            victim.wait()
            self.start()
            return
        victim.send_signal(signal.SIGSTOP)
        await asyncio.sleep(self._random.uniform(0.1, 1.0))
        victim.send_signal(signal.SIGCONT)

    def end(self) -> None:
        for process in self._running:
            process.kill()
        for process in self._running:
            process.wait()


@asynccontextmanager
async def storm(file: Path, seed: int) -> AsyncIterator[Storm]:
    async with running_azurite() as table:
        made = Storm(table, file, seed)
        try:
            await made.start_all()
            yield made
        finally:
            made.end()


def most_in(times: list[float], seconds: float) -> int:
    """Return the most that were admitted in a window of so many seconds."""
    most = first = 0
    for last, time in enumerate(times):
        while time - times[first] > seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.nightly
@pytest.mark.serial
async def test_sixteen_processes_keep_a_limit_through_kills_and_pauses(tmp_path: Path) -> None:
    async with storm(tmp_path / "admitted", seed=1) as running:
        for _ in range(BLOWS):
            await running.hit()
        times, outages = running.admitted(), running.outages
    assert LIMITS.rpm is not None
    print(f"{len(times)} admitted in {times[-1] - times[0]:.1f} s, {outages} outages")  # noqa: T201
    limit = LIMITS.rpm * (1 + outages)  # Each process that does not reach the table has its own part, at most all.
    for seconds in (1.0, 5.0, 10.0, 30.0, 60.0):
        assert most_in(times, seconds) <= limit * (1 + (seconds + CLOCK) / 60), seconds
    assert len(times) > LIMITS.rpm / 4
