"""Azurite, Microsoft's emulator of Azure Storage: its table service on a free port, with nothing on disk."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.node import NODE, install
from tests.processes import REPOSITORY, free_port

FOLDER = REPOSITORY / "tests" / "azurite"
MAIN = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
START_TIMEOUT = 60.0


@asynccontextmanager
async def running_azurite() -> AsyncIterator[str]:
    """Run the emulator; yield the address of its table service."""
    await asyncio.to_thread(install)  # Azurite needs a Node of today.
    await asyncio.to_thread(install, FOLDER)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(NODE, MAIN, "--tableHost", "127.0.0.1", "--tablePort", str(port)),
        *("--inMemoryPersistence", "--disableTelemetry"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    draining = None
    try:
        async with asyncio.timeout(START_TIMEOUT):
            draining = asyncio.create_task(_drain(await _until_listening(process)))
        yield f"http://127.0.0.1:{port}/devstoreaccount1"
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        if draining is not None:
            await draining


async def _until_listening(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    assert process.stdout is not None
    printed = b""
    while line := await process.stdout.readline():
        printed += line
        if b"successfully started" in line:
            return process.stdout
    raise AssertionError(f"Azurite did not start:\n{printed.decode()}")


async def _drain(output: asyncio.StreamReader) -> None:
    """Read what is printed, so that a full pipe stops nobody."""
    while await output.read(65536):
        pass
