"""One worker process, as the host sees it."""

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tools.functions_host.channel import (
    LINE_LIMIT,
    Failed,
    Invoke,
    Ready,
    Returned,
    encode,
    parse_worker_message,
)
from tools.functions_host.routes import Routes, is_reserved
from tools.functions_host.settings import Settings

START_TIMEOUT = 60.0  # seconds; as the real host waits for a worker
KILL_AFTER = 10.0  # what Docker gives a container
REPOSITORY = Path(__file__).parents[2]


class WorkerFailed(Exception):
    """The worker process cannot run the app; the text ends with the app's own message."""


class WorkerProcess:
    """A worker that is ready: where it listens, what it serves, what it has not yet returned."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        ready: Ready,
    ) -> None:
        self.pid = process.pid
        self.uri = ready.uri
        self._process = process
        self._reader = reader
        self._writer = writer
        self._ready = ready
        self._running: dict[str, str] = {}
        self._returned = asyncio.Event()

    def routes(self, prefix: str) -> Routes:
        """Return the routes the host accepts, naming on standard error those it refuses."""
        for function in self._ready.functions:
            if is_reserved(function):
                print(
                    f"The '{function.name}' function is in error: the specified route conflicts with one or more built"
                    f" in routes: {function.route}",
                    file=sys.stderr,
                    flush=True,
                )
        return Routes((one for one in self._ready.functions if not is_reserved(one)), prefix)

    def invoke(self, message: Invoke) -> None:
        """Start a function; its HTTP leg is the caller's business."""
        self._running[message.invocation_id] = message.function
        self._writer.write(encode(message))

    def is_running(self, invocation_id: str) -> bool:
        """Tell whether the handler has not yet returned its response."""
        return invocation_id in self._running

    async def returned(self, invocation_id: str) -> None:
        """Return once the handler has returned its response or failed, or the worker has ended."""
        while self.is_running(invocation_id):
            await self._returned.wait()

    async def listen(self) -> int:
        """Take the worker's messages until it ends; return its exit code."""
        while line := await self._line():
            message = parse_worker_message(line)
            if isinstance(message, Returned):
                function = self._running.pop(message.invocation_id, "")
                self._tell_return()
                if message.error:
                    print(f"Executed 'Functions.{function}' (Failed): {message.error}", file=sys.stderr, flush=True)
        self._running.clear()
        self._tell_return()
        self._writer.close()
        return await self._process.wait()

    def _tell_return(self) -> None:
        self._returned.set()
        self._returned = asyncio.Event()

    async def _line(self) -> bytes:
        try:
            return await self._reader.readline()
        except ConnectionError:  # killed with our messages unread
            return b""

    def kill(self) -> None:
        """Kill the process, and with it every stream."""
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ask the process to end, and kill it if it does not."""
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(KILL_AFTER):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()


async def start_worker(settings: Settings) -> WorkerProcess:
    """Start a worker process and wait until it serves; raise WorkerFailed."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tools.functions_host.worker", str(theirs.fileno()), str(settings.app)),
            cwd=REPOSITORY,
            env=settings.worker_environ,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=None if settings.shows_console else subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the host's; the host ends its worker
        )
    reader, writer = await asyncio.open_unix_connection(sock=ours, limit=LINE_LIMIT)
    try:
        async with asyncio.timeout(START_TIMEOUT):
            ready = await _first_message(process, reader)
    except BaseException as error:
        writer.close()
        if process.returncode is None:
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise WorkerFailed(f"the worker process was not ready after {START_TIMEOUT:.0f} s") from None
        raise
    return WorkerProcess(process, reader, writer, ready)


async def _first_message(process: asyncio.subprocess.Process, reader: asyncio.StreamReader) -> Ready:
    line = await reader.readline()
    if not line:
        raise WorkerFailed(f"the worker process ended with code {await process.wait()} before it was ready")
    message = parse_worker_message(line)
    if isinstance(message, Ready):
        return message
    if isinstance(message, Failed):
        raise WorkerFailed(f"{message.stack_trace}\n{_plain(message)}".strip())
    raise WorkerFailed("the worker process spoke out of turn")


def _plain(failed: Failed) -> str:
    """Return the exception's own message without the type, which the traceback names."""
    kind, _, message = failed.message.partition(": ")
    return message if kind.isidentifier() and message else failed.message
