"""Count the Python calls of one warm request: how much there is to read, and to run, between a client and Azure.

`make trace` prints the counts and fails where one is above its limit. Counted is what `sys.setprofile` reports as a
call, in frames of `proxy/` and of `function_app.py`, from the call of the ASGI application to the last message that it
sends: each function that begins, and each coroutine or generator of a chain once more whenever it goes on behind an
`await` that has waited, or a `yield`. Comprehensions are left out, which are calls up to Python 3.11 alone.
Everything is real but the two ends: the client calls the ASGI application in place of the server, and a small server
stands for Azure OpenAI, which sends each event on its own, so that each is read on its own.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType

from proxy.app import Proxy
from proxy.server.connection import EXTENSION, Connection
from proxy.server.worker_extension import WebApp
from proxy.values import Message, Scope

REPOSITORY = Path(__file__).parents[1]
_OURS = (str(REPOSITORY / "proxy") + os.sep, str(REPOSITORY / "function_app.py"))
_COMPREHENSIONS = frozenset({"<listcomp>", "<dictcomp>", "<setcomp>"})
# The first requests import, connect and fill caches.
WARM_UP = 3
# Seconds between two events of the fake of Azure.
PACE = 0.001
KEY = "sk-trace"
_ROW = "{:<20} {:<10} {:>6} {:>6}  {}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The most that one request may take; `behind` are calls after the last message."""

    calls: int
    functions: int
    files: int
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A request of a client, the writes with which Azure answers it, and what that may take."""

    name: str
    streams: bool
    writes: tuple[bytes, ...]
    limits: Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The functions of one request and how often each was called, and how many calls came behind the last message."""

    calls: Counter[CodeType]
    behind: int

    @property
    def total(self) -> Limits:
        """Return the sums."""
        files = {code.co_filename for code in self.calls}
        return Limits(calls=self.calls.total(), functions=len(self.calls), files=len(files), behind=self.behind)


class Profile:
    """Counts the calls of this thread between `start` and `stop`; those from `cut` on are `behind`."""

    def __init__(self) -> None:
        self.calls: Counter[CodeType] = Counter()
        self.behind: Counter[CodeType] = Counter()
        self._counting = self.calls

    def start(self) -> None:
        """Begin to count."""
        sys.setprofile(self._note)

    def cut(self) -> None:
        """Count what follows apart."""
        self._counting = self.behind

    def stop(self) -> None:
        """Count no more."""
        sys.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(_OURS) and code.co_name not in _COMPREHENSIONS:
            self._counting[code] += 1


_FILTER = {"filtered": False, "severity": "safe"}
_FILTERS = {"hate": _FILTER, "self_harm": _FILTER, "sexual": _FILTER, "violence": _FILTER}
_PROMPTS = [{"prompt_index": 0, "content_filter_results": _FILTERS}]
_HEADERS = (
    "apim-request-id: 0a1b2c3d-0000-4000-8000-000000000001\r\n"
    "strict-transport-security: max-age=31536000; includeSubDomains; preload\r\n"
    "x-content-type-options: nosniff\r\n"
    "x-ms-region: East US\r\n"
    "x-ratelimit-limit-requests: 1000\r\n"
    "x-ratelimit-limit-tokens: 100000\r\n"
    "x-ratelimit-remaining-requests: 999\r\n"
    "x-ratelimit-remaining-tokens: 99990\r\n"
    "x-request-id: 0a1b2c3d-0000-4000-8000-000000000002\r\n"
)


def _encode(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _answer() -> bytes:
    """Return a whole answer."""
    message = {"content": "The quick brown fox. " * 8, "refusal": None, "role": "assistant"}
    choice = {"content_filter_results": _FILTERS, "finish_reason": "stop", "index": 0, "message": message}
    usage = {"completion_tokens": 36, "prompt_tokens": 200, "total_tokens": 236}
    body = _encode(
        {"choices": [choice], **_named("chat.completion"), "prompt_filter_results": _PROMPTS, "usage": usage}
    )
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {len(body)}\r\ncontent-type: application/json\r\n{_HEADERS}\r\n"
    return head.encode() + body


def _events() -> tuple[bytes, ...]:
    """Return a stream of seven events, each a write: the filter's, the role's, three of text, the end's, `[DONE]`."""
    blank = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": _PROMPTS}
    deltas: list[Mapping[str, object]] = [{"content": "", "role": "assistant"}, *({"content": " fox"},) * 3, {}]
    documents = [_encode(blank), *(_chunk(delta) for delta in deltas), b"[DONE]"]
    head = f"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n{_HEADERS}\r\n"
    first, *others = (b"data: " + document + b"\n\n" for document in documents)
    writes = [b"%x\r\n%b\r\n" % (len(event), event) for event in (first, *others)]
    return head.encode() + writes[0], *writes[1:-1], writes[-1] + b"0\r\n\r\n"


def _chunk(delta: Mapping[str, object]) -> bytes:
    filters, reason = (_FILTERS, None) if delta else ({}, "stop")
    choice = {"content_filter_results": filters, "delta": delta, "finish_reason": reason, "index": 0}
    return _encode({"choices": [choice], **_named("chat.completion.chunk")})


def _named(kind: str) -> dict[str, object]:
    return {"created": 1780000000, "id": "chatcmpl-1", "model": "gpt-4o-2024-11-20", "object": kind}


# The limits are what has been reached: lower them with every change that makes a count smaller.
SCENARIOS = (
    Scenario(
        name="plain chat",
        streams=False,
        writes=(_answer(),),
        limits=Limits(calls=181, functions=159, files=47, behind=6),
    ),
    Scenario(
        name="stream of 7 events",
        streams=True,
        writes=_events(),
        limits=Limits(calls=356, functions=206, files=51, behind=9),
    ),
)


async def count(scenario: Scenario) -> Counts:
    """Return the calls of one request; the settings are in the environment and the app is loaded anew."""
    async with _running_azure(scenario) as endpoint:
        os.environ.update(AZURE_OPENAI_ENDPOINT=endpoint, AZURE_OPENAI_API_KEY="azure-key", CLIENT_KEYS=f"trace={KEY}")
        sys.modules.pop("function_app", None)
        import function_app  # noqa: PLC0415  it reads the environment

        web_app = WebApp()
        web_app.route(function_app.app.get_functions()[0].get_user_function())
        for number in range(WARM_UP):
            await _ask(web_app, scenario, str(number), Profile())
        profile = Profile()
        await _ask(web_app, scenario, "counted", profile)
        application = function_app.application
        if isinstance(application, Proxy):
            await application.stop(0.0)
        return Counts(calls=profile.calls, behind=profile.behind.total())


class _Azure(asyncio.Protocol):
    """A connection that answers every request with the writes of its scenario."""

    def __init__(self, writes: Sequence[bytes]) -> None:
        self._writes = writes
        self._received = b""
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note where to write."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer when the body is here: it is the last to come, and ends the JSON."""
        self._received += data
        if self._received.endswith(b"}"):
            self._received = b""
            self._write(iter(self._writes))

    def _write(self, writes: Iterator[bytes]) -> None:
        """Write one, and the next when the loop has read it: it reads before it looks at its timers."""
        write = next(writes, None)
        if write is not None and isinstance(self._transport, asyncio.WriteTransport):
            self._transport.write(write)
            asyncio.get_running_loop().call_later(PACE, self._write, writes)


@asynccontextmanager
async def _running_azure(scenario: Scenario) -> AsyncIterator[str]:
    server = await asyncio.get_running_loop().create_server(lambda: _Azure(scenario.writes), "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _ask(web_app: WebApp, scenario: Scenario, invocation: str, profile: Profile) -> None:
    """Send a request as the server does whose client uses OpenAI's SDK."""
    messages = [{"role": "user", "content": "The quick brown fox jumps over the lazy dog. " * 20}]
    body = _encode({"model": "gpt-4o", "messages": messages, "temperature": 0.7, "stream": scenario.streams})
    scope, sent = _scope(len(body), invocation), list[Message]()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            profile.cut()

    profile.start()
    try:
        await web_app(scope, receive, send)
    finally:
        profile.stop()
    if sent[0]["status"] != 200 or sent[-1].get("more_body"):
        raise AssertionError(f"The app answered {sent}")


def _scope(length: int, invocation: str) -> Scope:
    headers = {
        "host": "127.0.0.1",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "authorization": f"Bearer {KEY}",
        "content-length": str(length),
        "content-type": "application/json",
        "user-agent": "OpenAI/Python 3.54.0",
        "x-stainless-lang": "python",
        "x-stainless-retry-count": "0",
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-host": "localhost",
        "x-forwarded-proto": "https",
        "x-ms-invocation-id": invocation,
    }
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "extensions": {EXTENSION: Connection(lambda: None)},
    }


def _lines(scenario: Scenario, counts: Counts) -> Iterator[str]:
    found, limits = counts.total, scenario.limits
    for name in ("calls", "functions", "files", "behind"):
        number, limit = getattr(found, name), getattr(limits, name)
        yield _ROW.format(scenario.name, name, number, limit, "" if number <= limit else "too many")


def _functions(counts: Counts) -> Iterator[str]:
    for code, calls in sorted(counts.calls.items(), key=lambda item: (item[0].co_filename, item[0].co_firstlineno)):
        yield f"{calls:5}  {Path(code.co_filename).relative_to(REPOSITORY)}:{code.co_firstlineno} {code.co_qualname}"


def main() -> int:
    """Print the counts; return 1 when one is above its limit."""
    parser = argparse.ArgumentParser(prog="python -m tools.trace", description="Count the calls of one request.")
    parser.add_argument("--functions", action="store_true", help="list every function")
    with_functions = parser.parse_args().functions
    counted: dict[Scenario, Counts] = {}
    with contextlib.redirect_stdout(io.StringIO()):  # the access log
        for scenario in SCENARIOS:
            counted[scenario] = asyncio.run(count(scenario))
    print(_ROW.format("request", "", "count", "limit", "").rstrip())
    for scenario, counts in counted.items():
        for line in (*_lines(scenario, counts), *(_functions(counts) if with_functions else ())):
            print(line.rstrip())
    return int(any(line.endswith("many") for scenario, counts in counted.items() for line in _lines(scenario, counts)))


if __name__ == "__main__":
    sys.exit(main())
