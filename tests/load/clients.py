"""Clients of a Functions host that hold on to their answers."""

import asyncio
import itertools
from contextlib import AsyncExitStack
from dataclasses import dataclass

from tests.load.azure import MARK, Azure
from tests.load.scripts import Arrival
from tests.load.worker import KEY, chat
from tests.processes import HostProcess
from tests.tools.functions_host.raw import Connection, connected

CHAT = "/v1/chat/completions"
MARKS = itertools.count(1)


def without_blanks(came: bytes) -> bytes:
    """Return events without the empty blocks that keep a stream alive."""
    return b"".join(block + b"\n\n" for block in came.split(b"\n\n") if block)


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """One client, and its request at Azure."""

    connection: Connection
    arrival: Arrival

    async def read(self) -> tuple[bytes, bool]:
        """Return the events that still come, and whether it ends as a whole body does."""
        came = b""
        try:
            while chunk := await self.connection.chunk():
                came += chunk
        except (asyncio.IncompleteReadError, ConnectionError, ValueError):
            return without_blanks(came), False
        return without_blanks(came), True


class Clients:
    """Opens clients of one host; all have left when the block has."""

    def __init__(self, host: HostProcess, azure: Azure, stack: AsyncExitStack) -> None:
        self._host = host
        self._azure = azure
        self._stack = stack

    async def ask(self, path: str, body: bytes) -> Client:
        """Send a call, and wait until it is at Azure."""
        connection = await self._stack.enter_async_context(connected(self._host))
        headers = (KEY, "content-type: application/json", f"content-length: {len(body)}")
        await connection.send("POST", path, *headers, body=body)
        return Client(connection=connection, arrival=await self._azure.arrived(_mark_of(body)))

    async def get(self, path: str) -> Client:
        """Get a file, and wait until Azure was asked."""
        connection = await self._stack.enter_async_context(connected(self._host))
        await connection.send("GET", path, KEY)
        return Client(connection=connection, arrival=await self._azure.arrived(_mark_of(path.encode())))

    async def begin(self, model: str, *, stream: bool = True) -> Client:
        """Begin a chat that streams, and read its head."""
        client = await self.ask(CHAT, chat(model, next(MARKS), stream=stream))
        assert (await client.connection.head()).status == 200
        await client.connection.chunk()
        return client


def _mark_of(text: bytes) -> int:
    found = MARK.search(text)
    assert found is not None
    return int(found[1])
