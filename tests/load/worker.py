"""A worker that is driven directly and can be looked into: what it holds, and how its requests have ended."""

import asyncio
import json
import os
import shutil
import socket
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.integration.conftest import CLIENT_KEY, RESTLESS
from tests.load.azure import Azure
from tests.load.scripts import SCRIPTS
from tests.processes import NO_FILE, REPOSITORY
from tests.tools.functions_host.raw import Connection
from tools.functions_host.channel import Invoke
from tools.functions_host.settings import parse_arguments, read_settings
from tools.functions_host.worker_process import WorkerProcess, start_worker

# Seconds; whatever takes longer hangs.
HANG = 60.0
KEY = f"authorization: Bearer {CLIENT_KEY}"
# The application's own view of what it holds, at a path of its own; it counts the lines of the log.
PROBE = """

import dataclasses
import json
from collections import Counter

from azure_functions_runtime.http_v2 import http_coordinator

_outcomes = Counter()
_counting = dataclasses.replace(
    application.handler, log=lambda text: _outcomes.update((json.loads(text)["outcome"],))
)
_application = dataclasses.replace(application, handler=_counting)


class _Probed:
    async def handle(self, scope, receive, send):
        if scope["path"] != "/probe":
            return await _application.handle(scope, receive, send)
        held = dataclasses.asdict(_application.held()) | {"entries": len(http_coordinator._context_references)}
        body = json.dumps({"held": held, "outcomes": _outcomes}).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})


application = _Probed()
"""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker holds for its requests."""

    entries: int
    tasks: int
    slots: int
    connections: int
    requests: int
    retries: int


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What the probe tells; `outcomes` counts the lines of the log."""

    held: Held
    outcomes: dict[str, int]

    @property
    def lines(self) -> int:
        """Return how many lines there are."""
        return sum(self.outcomes.values())


class Worker:
    """A worker that serves; `ended` brings its exit code."""

    def __init__(self, process: WorkerProcess) -> None:
        self.process = process
        self.ended = asyncio.create_task(process.listen())
        self._routes = process.routes("")

    @asynccontextmanager
    async def connected(self, *, receive_buffer: int | None = None) -> AsyncIterator[Connection]:
        """Open a connection, close it at the end; `receive_buffer` is what the system keeps for it, in bytes."""
        address = urlsplit(self.process.uri)
        with socket.socket() as endpoint:
            endpoint.setblocking(False)
            if receive_buffer is not None:  # It counts from the handshake on.
                endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            await asyncio.get_running_loop().sock_connect(endpoint, (address.hostname, address.port))
            reader, writer = await asyncio.open_connection(sock=endpoint.dup())
        try:
            yield Connection(reader, writer)
        finally:
            writer.transport.abort()

    def invoke(self, method: str, path: str) -> str:
        """Begin an invocation as the host does; return the header of its leg."""
        match = self._routes.find(method, path)
        assert match is not None
        number = str(uuid.uuid4())
        self.process.invoke(Invoke(invocation_id=number, function=match.function, params=match.params, trace_parent=""))
        return f"x-ms-invocation-id: {number}"

    async def send(
        self, connection: Connection, method: str, path: str, *headers: str, body: bytes = b"", key: str = KEY
    ) -> None:
        """Send a request; what `body` lacks can follow."""
        await connection.send(method, path, key, self.invoke(method, path), *headers, body=body)

    async def post(self, connection: Connection, path: str, body: bytes, *, key: str = KEY) -> None:
        """Send a call with its whole body."""
        headers = ("content-type: application/json", f"content-length: {len(body)}")
        await self.send(connection, "POST", path, *headers, body=body, key=key)

    async def holds(self, slots: int) -> None:
        """Return as soon as the worker has so many requests in flight; or fail."""
        async with asyncio.timeout(HANG):
            while (await self.look()).held.slots != slots:
                pass

    async def look(self) -> Seen:
        """Look into the worker."""
        async with self.connected() as connection:
            await self.send(connection, "GET", "/probe")
            return msgspec.json.decode((await connection.reply()).body, type=Seen)

    async def comes_to_rest(self, before: Seen, *, lines: int) -> Seen:
        """Return as soon as the worker holds no more than before and has written so many lines since; or fail."""
        seen = await self.look()
        try:
            async with asyncio.timeout(HANG):
                while seen.lines < before.lines + lines or not _within(seen.held, before.held):
                    seen = await self.look()
        except TimeoutError as error:
            error.add_note(f"At first {before}, at last {seen}, {lines} lines were to come.")
            raise
        assert seen.lines == before.lines + lines, f"At first {before}, at last {seen}"
        return seen

    def memory(self) -> int:
        """Return what the worker holds of the memory, in bytes."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return 1024 * int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def _within(held: Held, before: Held) -> bool:
    return all(
        now <= then for now, then in zip(msgspec.structs.astuple(held), msgspec.structs.astuple(before), strict=True)
    )


def environ_for(azure: Azure) -> dict[str, str]:
    """Return the settings of an app on this Azure."""
    return RESTLESS | {
        "AZURE_OPENAI_ENDPOINT": azure.url,
        "AZURE_OPENAI_API_KEY": "key",
        "AZURE_OPENAI_MODEL_MAPPER": ",".join(f"load-{name}=load-{name}" for name in SCRIPTS),
        "CLIENT_KEYS": f"load={CLIENT_KEY}",
    }


def probed_app(folder: Path) -> Path:
    """Make a copy of the app with a probe."""
    shutil.copy(REPOSITORY / "host.json", folder)
    shutil.copytree(REPOSITORY / "proxy", folder / "proxy", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "function_app.py").write_text((REPOSITORY / "function_app.py").read_text() + PROBE)
    return folder


@asynccontextmanager
async def running_worker(folder: Path, environ: Mapping[str, str]) -> AsyncIterator[Worker]:
    """Run the worker of an app; it has ended when the block has."""
    clean = {"PATH": os.environ["PATH"], "PYTHONPATH": str(REPOSITORY), **environ}
    settings = read_settings(parse_arguments(["--app", str(folder), "--local-settings", str(NO_FILE)]), clean)
    worker = Worker(await start_worker(settings))
    try:
        yield worker
    finally:
        worker.process.kill()
        await worker.ended


def chat(model: str, mark: int, *, stream: bool) -> bytes:
    """Return the body of a chat with a `load-` model."""
    messages = [{"role": "user", "content": f"mark-{mark}"}]
    return json.dumps({"model": f"load-{model}", "stream": stream, "messages": messages}).encode()
