"""Start the local Functions host for a test, read what it prints, end it."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
NO_FILE = Path(__file__).with_name("no.settings.json")
START_TIMEOUT = 60.0
END_TIMEOUT = 60.0
_READY = re.compile(r"^Functions host ready: (\S+)$", re.MULTILINE)
_WORKER = re.compile(r"^worker process (\d+)$", re.MULTILINE)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


async def output_of(*command: str | Path, environ: Mapping[str, str], timeout: float) -> bytes:
    """Return what a program prints; fail with its complaints unless it ends well within `timeout` seconds."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout):
            printed, complaints = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, complaints.decode()
    return printed


class HostProcess:
    """A host that runs, and everything it and its worker have printed."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url = ""
        self._printed = bytearray()
        self._more = asyncio.Event()
        self._reading = asyncio.create_task(self._read())

    @property
    def worker_pid(self) -> int:
        """The process id of the newest worker."""
        return int(_WORKER.findall(self.output())[-1])

    def output(self) -> str:
        """Everything printed so far, standard output and standard error together."""
        return self._printed.decode(errors="replace")

    async def wait_for_output(self, text: str) -> None:
        """Return as soon as `text` has been printed."""
        await self._wait_for(re.compile(re.escape(text)))

    async def wait_until_ready(self) -> None:
        """Return as soon as the host takes requests."""
        async with asyncio.timeout(START_TIMEOUT):
            self.url = (await self._wait_for(_READY))[1]

    async def end(self) -> int:
        """Ask the host to end, wait for it, return its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def ended(self) -> int:
        """Wait until the host and everything that shares its output has ended; return its exit code."""
        try:
            async with asyncio.timeout(END_TIMEOUT):
                await self._reading
                return await self.process.wait()
        finally:
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
            self._reading.cancel()

    async def _wait_for(self, pattern: re.Pattern[str]) -> re.Match[str]:
        while True:
            self._more.clear()
            if found := pattern.search(self.output()):
                return found
            if self._reading.done():
                raise AssertionError(f"The host ended without printing {pattern.pattern!r}:\n{self.output()}")
            await self._more.wait()

    async def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while printed := await self.process.stdout.read(65536):
                self._printed += printed
                self._more.set()
        finally:
            asyncio.get_running_loop().call_soon(self._more.set)


async def start_host(app: Path, environ: Mapping[str, str], *arguments: str) -> HostProcess:
    """Start a host for `app` in a clean environment; it may not be ready yet."""
    if app == REPOSITORY:
        # What a developer has set there is for the developer's own runs.
        arguments = (*arguments, "--local-settings", str(NO_FILE))
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tools.functions_host", "--app", str(app), "--port", "0", *arguments),
        cwd=app,
        env=clean,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return HostProcess(process)


@asynccontextmanager
async def running_host(app: Path, environ: Mapping[str, str], *arguments: str) -> AsyncIterator[HostProcess]:
    """Run a host for `app`; it has ended when the block has."""
    host = await start_host(app, environ, *arguments)
    try:
        await host.wait_until_ready()
        yield host
    except TimeoutError as error:
        error.add_note(f"The host printed:\n{host.output()}")
        raise
    finally:
        await host.end()


async def host_that_fails(app: Path, environ: Mapping[str, str]) -> tuple[int, str]:
    """Run a host that cannot start; return its exit code and everything it printed."""
    host = await start_host(app, environ)
    return await host.ended(), host.output()
