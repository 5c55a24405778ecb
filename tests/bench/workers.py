"""The worker processes under load: driven directly by the host's protocol, or behind the local Functions host."""

import asyncio
import socket
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench import client
from tests.bench.variants import KEY, Variant
from tests.processes import REPOSITORY, running_host
from tools.functions_host.channel import LINE_LIMIT, Failed, Invoke, Ready, encode, parse_worker_message
from tools.functions_host.routes import Routes
from tools.functions_host.settings import parse_arguments, read_settings

_INVOCATION_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker that is ready; requests go to `host` and `port`, where without `invoke` a Functions host takes them."""

    variant: Variant
    pid: int
    host: str
    port: int
    invoke: Callable[[str, str], Callable[[], str]] | None

    async def connect(self) -> client.Connection:
        """Open a connection for requests."""
        return await client.connect(self.host, self.port)

    def asker(self, method: str, path: str, body: bytes = b"") -> Callable[[], bytes]:
        """Return what gives the bytes of this request, and tells the worker of it where no host does."""
        lines = (
            f"{method} {path} HTTP/1.1",
            "host: 127.0.0.1",
            "accept: application/json",
            f"authorization: Bearer {KEY}",
            "user-agent: OpenAI/Python 3.54.0",
            f"content-length: {len(body)}",
            *(("content-type: application/json",) if body else ()),
        )
        head = "\r\n".join(lines)
        if self.invoke is None:
            request = f"{head}\r\n\r\n".encode() + body
            return lambda: request
        announce = self.invoke(method, path)
        forwarded = "x-forwarded-for: 127.0.0.1\r\nx-forwarded-host: localhost\r\nx-forwarded-proto: http"
        before = f"{head}\r\n{forwarded}\r\nx-ms-invocation-id: ".encode()
        return lambda: b"".join((before, announce().encode(), b"\r\n\r\n", body))


class _Channel(asyncio.Protocol):
    """The host's end of the channel: reads the first line, then drops what the worker tells."""

    def __init__(self) -> None:
        self.first_line: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._read = b""

    def data_received(self, data: bytes) -> None:
        if self.first_line.done():
            return
        self._read += data
        if len(self._read) > LINE_LIMIT or b"\n" in self._read:
            self.first_line.set_result(self._read.partition(b"\n")[0])

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.first_line.done():
            self.first_line.set_exception(ConnectionError("The worker ended before it was ready."))


class _Console(asyncio.SubprocessProtocol):
    """Takes what the worker prints, as the host does; the last of it is kept for a failure."""

    def __init__(self) -> None:
        self.ended = asyncio.get_running_loop().create_future()
        self.printed = b""

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self.printed = (self.printed + data)[-4096:]

    def connection_lost(self, exc: Exception | None) -> None:
        self.ended.set_result(None)


@asynccontextmanager
async def running_worker(variant: Variant, environ: Mapping[str, str], *, direct: bool) -> AsyncIterator[Worker]:
    """Run an app's worker; it has ended when the block has."""
    if direct:
        async with _driven(variant, environ) as worker:
            yield worker
        return
    async with running_host(variant.folder, environ) as host:
        address = urlsplit(host.url)
        assert address.hostname is not None
        assert address.port is not None
        yield Worker(variant=variant, pid=host.worker_pid, host=address.hostname, port=address.port, invoke=None)


@asynccontextmanager
async def running_server(variant: Variant, environ: Mapping[str, str]) -> AsyncIterator[Worker]:
    """Run the server of the layers, without a worker's runtime in its process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.layers.server"), cwd=REPOSITORY, env=environ, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        port = int(await process.stdout.readline())
        yield Worker(variant=variant, pid=process.pid, host="127.0.0.1", port=port, invoke=_unannounced)
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _driven(variant: Variant, environ: Mapping[str, str]) -> AsyncIterator[Worker]:
    loop = asyncio.get_running_loop()
    settings = read_settings(parse_arguments(["--app", str(variant.folder)]), environ)
    ours, theirs = socket.socketpair()
    with theirs:
        process, console = await loop.subprocess_exec(
            _Console,
            *(sys.executable, "-m", "tools.functions_host.worker", str(theirs.fileno()), str(variant.folder)),
            cwd=variant.root,
            env=settings.worker_environ,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
    transport, channel = await loop.create_unix_connection(_Channel, sock=ours)
    try:
        ready = _ready(await channel.first_line)
        address = urlsplit(ready.uri)
        assert address.hostname is not None
        assert address.port is not None
        yield Worker(
            variant=variant,
            pid=process.get_pid(),
            host=address.hostname,
            port=address.port,
            invoke=_announcer(Routes(ready.functions, settings.route_prefix), transport),
        )
    except BaseException as error:
        error.add_note(f"The worker of {variant.name} printed at last:\n{console.printed.decode(errors='replace')}")
        raise
    finally:
        process.kill()
        await console.ended
        transport.close()
        process.close()


def _unannounced(_method: str, _path: str) -> Callable[[], str]:
    """Give requests the headers of the host where no worker waits for its word."""
    return lambda: str(uuid.uuid4())


def _ready(line: bytes) -> Ready:
    message = parse_worker_message(line)
    if isinstance(message, Failed):
        raise ConnectionError(f"{message.stack_trace}\n{message.message}")
    assert isinstance(message, Ready)
    return message


def _announcer(routes: Routes, channel: asyncio.WriteTransport) -> Callable[[str, str], Callable[[], str]]:
    def announcer(method: str, path: str) -> Callable[[], str]:
        match = routes.find(method, path)
        assert match, f"no function answers {method} {path}"
        line = encode(
            Invoke(invocation_id=_INVOCATION_ID, function=match.function, params=match.params, trace_parent="")
        )
        before, _, after = line.partition(_INVOCATION_ID.encode())

        def announce() -> str:
            invocation_id = str(uuid.uuid4())
            channel.write(b"".join((before, invocation_id.encode(), after)))
            return invocation_id

        return announce

    return announcer
