"""Azurite, Microsoft's emulator of Azure Storage: its table service on a free port, with nothing on disk."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.integration.node import install, running_server
from tests.processes import REPOSITORY, free_port

FOLDER = REPOSITORY / "tests" / "azurite"
MAIN = FOLDER / "node_modules" / "azurite" / "dist" / "src" / "table" / "main.js"
_READY = re.compile(rb"successfully started")


@asynccontextmanager
async def running_azurite() -> AsyncIterator[str]:
    """Run the emulator; yield the address of its table service."""
    await asyncio.to_thread(install)  # Azurite needs a Node of today.
    await asyncio.to_thread(install, FOLDER)
    port = free_port()
    where = ("--tableHost", "127.0.0.1", "--tablePort", str(port))
    async with running_server(MAIN, *where, "--inMemoryPersistence", "--disableTelemetry", ready=_READY):
        yield f"http://127.0.0.1:{port}/devstoreaccount1"
