"""Our own CPU, in this process: no worker, no server and no HTTP client, only what the application itself does.

The application is a real one; in place of `Upstream` it has an object with the same `send`, whose answers are aiohttp's
for all that the application sees of them. What is spent in `HttpClient` is not in these figures, nor is the server
extension.
"""

import asyncio
import contextlib
import os
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from multidict import CIMultiDict

from proxy.app import build_application
from proxy.azure_services.http_client import UpstreamAnswer
from proxy.azure_services.sending import Sending
from proxy.config.settings import Settings
from proxy.pipeline.rates import Rates
from proxy.server.connection import EXTENSION, Connection
from proxy.values import Message, Receive, Scope, Send, UpstreamRequest
from tests.bench import figures, samples
from tests.bench.cases import Result
from tests.bench.upstream import EVENTS, SCRIPTS
from tests.bench.variants import KEY

REQUESTS = 300
STREAMS = 10
# What OpenAI's SDK and the host in front of the worker send.
_HEADERS = {
    "host": "127.0.0.1",
    "accept": "application/json",
    "accept-encoding": "gzip, deflate",
    "authorization": f"Bearer {KEY}",
    "connection": "keep-alive",
    "content-type": "application/json",
    "user-agent": "OpenAI/Python 3.54.0",
    "x-stainless-arch": "x64",
    "x-stainless-async": "false",
    "x-stainless-lang": "python",
    "x-stainless-os": "Linux",
    "x-stainless-package-version": "3.54.0",
    "x-stainless-read-timeout": "600",
    "x-stainless-retry-count": "0",
    "x-stainless-runtime": "CPython",
    "x-stainless-runtime-version": "3.13.0",
    "x-forwarded-for": "127.0.0.1",
    "x-forwarded-host": "localhost",
    "x-forwarded-proto": "https",
    "x-ms-invocation-id": "00000000-0000-0000-0000-000000000000",
}

# A key whose limits are so high that they refuse nothing.
WITH_LIMITS = f'{{"bench": {{"key": "{KEY}", "rpm": 10000000, "tpm": 1000000000, "concurrency": 1000}}}}'

Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Content:
    """Stands for aiohttp's StreamReader; each read waits for the loop, as when Azure is slower than we are."""

    def __init__(self, parts: Sequence[bytes]) -> None:
        self._parts = list(reversed(parts))

    async def readany(self) -> bytes:
        await asyncio.sleep(0)
        return self._parts.pop() if self._parts else b""

    def at_eof(self) -> bool:
        return not self._parts


class _Whole(_Content):
    """The same for an answer that came with its head."""

    async def readany(self) -> bytes:
        return self._parts.pop() if self._parts else b""


class _Answer:
    """Stands for aiohttp's ClientResponse."""

    status = 200

    def __init__(self, headers: CIMultiDict[str], content: _Content) -> None:
        self.headers = headers
        self.content = content

    def close(self) -> None:
        pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upstream:
    """Stands for `Upstream`; every request gets the same answer."""

    headers: CIMultiDict[str]
    parts: Sequence[bytes]
    content: type[_Content]

    async def send(
        self, request: UpstreamRequest, credential: tuple[str, str], begin: Callable[[], Sending]
    ) -> UpstreamAnswer:
        return UpstreamAnswer(_Answer(self.headers, self.content(self.parts)), begin())  # type: ignore[arg-type]


async def own_cpu() -> Result:
    """Return what a plain chat and an event of a stream take of our own, in microseconds."""
    chat, body = plain_chat(), samples.request("gpt-4o", stream=False)
    with without_output():
        await spent(chat, body, 50)
        seconds = await spent(chat, body, REQUESTS), await _event()
    return {figures.OWN_REQUEST: seconds[0] * 1e6, figures.OWN_EVENT: seconds[1] * 1e6}


@contextlib.contextmanager
def without_output() -> Iterator[None]:
    """Write the access log where it costs a call of the system, as a log does."""
    with Path(os.devnull).open("w") as null, contextlib.redirect_stdout(null):
        yield


def plain_chat(key: str = "", rates: Rates | None = None) -> Application:
    """Return an application for chats that are not streamed; `key` has limits, which `rates` keeps."""
    return _application([samples.answer()], _Whole, key, rates)


async def _event() -> float:
    """Return what an event takes above a loop that does nothing but read and send it."""
    body, writes = samples.request("gpt-4o", stream=True), SCRIPTS[b"single"].writes
    long, short = _application(writes, _Content), _application([*writes[:3], *writes[-1:]], _Content)
    per_event = (await spent(long, body, STREAMS) - await spent(short, body, STREAMS)) / (EVENTS - 2)
    _, parts = _parsed(writes)

    async def bare(_scope: Scope, _receive: Receive, send: Send) -> None:
        async for chunk in _chunks(_Content(parts)):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})

    return per_event - await spent(bare, body, STREAMS) / len(parts)


async def _chunks(content: _Content) -> AsyncIterator[bytes]:
    while chunk := await content.readany():
        yield chunk


def _application(
    writes: Sequence[bytes], content: type[_Content], key: str = "", rates: Rates | None = None
) -> Application:
    environ = {
        "AZURE_OPENAI_ENDPOINT": "https://bench.openai.azure.com",
        "AZURE_OPENAI_API_KEY": "azure-key-of-the-bench",
        "CLIENT_KEYS": key or f"bench={KEY}",
    }
    application = build_application(Settings.from_environ(environ))
    headers, parts = _parsed(writes)
    upstream = _Upstream(headers=headers, parts=parts, content=content)
    calls = application.handler.calls
    attempts = replace(calls.failover.attempts, upstream=upstream)  # type: ignore[arg-type]
    calls = replace(calls, failover=replace(calls.failover, attempts=attempts), rates=rates or calls.rates)
    handler = replace(application.handler, calls=calls)
    return replace(application, handler=handler).handle


async def spent(application: Application, body: bytes, times: int) -> float:
    """Return the median of the CPU seconds of a request."""
    message = {"type": "http.request", "body": body, "more_body": False}
    headers = [
        (name.encode(), value.encode()) for name, value in (_HEADERS | {"content-length": str(len(body))}).items()
    ]

    async def receive() -> Message:
        return message

    async def send(message: Message) -> None:
        pass

    seconds = []
    for _ in range(times):
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": headers,
            "extensions": {EXTENSION: Connection(lambda: None)},
        }
        started = time.process_time()
        await application(scope, receive, send)
        seconds.append(time.process_time() - started)
        await asyncio.sleep(0)
    return statistics.median(seconds)


def _parsed(writes: Sequence[bytes]) -> tuple[CIMultiDict[str], list[bytes]]:
    """Return the headers of an answer, and its body with each chunk of HTTP as a part."""
    head, _, body = b"".join(writes).partition(b"\r\n\r\n")
    lines = [line.partition(": ") for line in head.decode().split("\r\n")[1:]]
    headers = CIMultiDict((name, value) for name, _, value in lines)
    if "content-length" in headers:
        return headers, [body]
    parts = []
    while body:
        size, _, rest = body.partition(b"\r\n")
        parts.append(rest[: int(size, 16)])
        body = rest[int(size, 16) + 2 :]
    return headers, parts[:-1]
