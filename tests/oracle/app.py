"""The app in the local Functions host: started for a group, read, measured and ended."""

import asyncio
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
START_TIMEOUT = 60.0
END_TIMEOUT = 25.0
_READY = re.compile(r"Functions host ready: http://([\d.]+):(\d+)")
_WORKER = re.compile(r"worker process (\d+)$")


class App:
    """A host that runs; `on_line` gets every line of JSON that the app prints, `other` holds the rest."""

    def __init__(self, process: asyncio.subprocess.Process, on_line: Callable[[dict[str, object]], None]) -> None:
        self.process = process
        self.other: list[str] = []
        self.address = ("", 0)
        self.worker = 0
        self.ending = False
        self._on_line = on_line
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    async def wait_until_ready(self) -> bool:
        """Return whether the app takes requests."""
        async with asyncio.timeout(START_TIMEOUT):
            await self._ready.wait()
        return bool(self.address[1])

    def terminate(self) -> None:
        """Ask the host to end."""
        if not self.ending and self.process.returncode is None:
            # Not by its own method: that may reap a process which has just ended, and its exit code is lost.
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
        self.ending = True

    async def ended(self) -> int:
        """Wait for the end; return the exit code."""
        try:
            async with asyncio.timeout(END_TIMEOUT):
                await self._reading
                return await self.process.wait()
        except TimeoutError:
            self.process.kill()
            return 999

    def held(self) -> dict[str, int]:
        """Return how many files of each kind the worker has open, and how many threads."""
        folder = Path(f"/proc/{self.worker}")
        kinds: Counter[str] = Counter()
        for one in (folder / "fd").iterdir():
            try:
                kinds[_kind(str(one.readlink()))] += 1
            except FileNotFoundError:
                continue
        return {**kinds, "threads": len(list((folder / "task").iterdir()))}

    async def _read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            self._take(line.decode(errors="replace").rstrip("\n"))
        self._ready.set()

    def _take(self, line: str) -> None:
        if found := _READY.search(line):
            self.address = (found[1], int(found[2]))
            self._ready.set()
        elif worker := _WORKER.match(line):
            self.worker = int(worker[1])
        elif (fields := _fields(line)) is not None:
            self._on_line(fields)
        elif line:
            self.other.append(line)


def _kind(target: str) -> str:
    if target.startswith(("socket:", "pipe:", "anon_inode:")):
        return target.partition(":")[0]
    return "files"


def _fields(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        read: dict[str, object] = json.loads(line)
    except ValueError:
        return None
    return read


async def start_app(
    folder: Path, environ: Mapping[str, str], arguments: tuple[str, ...], on_line: Callable[[dict[str, object]], None]
) -> App:
    """Start the host with an app; it is not ready yet."""
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environ}
    settings = str(REPOSITORY / "tests" / "no.settings.json")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.functions_host", "--app", str(folder), "--port", "0"),
        *("--local-settings", settings, *arguments),
        cwd=folder,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        limit=4 * 1024 * 1024,
    )
    return App(process, on_line)
