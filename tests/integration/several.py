"""An app over several resources: the simulators, what stands in where they cannot fail, and what a client may see."""

import json
import socket
import ssl
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from proxy.openai_api.object_ids import LENGTH, Tags, prefix_of, split_text
from tests.fakes.server import Fault, Server
from tests.integration.conftest import CLIENT_KEY
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import DEFAULT_DEPLOYMENTS, DEFAULT_KEY, RecordedRequest, Simulator

TARGET, ATTEMPTS = "x-proxy-target", "x-proxy-attempts"
# Nothing rests and no breaker opens: each request begins at the first resource, whatever the ones before it met.
FORGETFUL = json.dumps(
    {"min_wait": 0, "max_wait": 0, "cooldown": 0, "breaker_failures": 80_000, "breaker_calls": 80_000}
)
SAME_NAMES = {name: name for name in DEFAULT_DEPLOYMENTS}

BOTH = Tags(("first", "second"))

Entry = Mapping[str, object]
# What a client without TLS does not need takes most of the time to make one.
_CONTEXT = ssl.create_default_context()


def maker_of(identifier: str) -> int | None:
    """Return the resource that an id names with its tag, `first` or `second`; None for one without a tag."""
    return split_text(BOTH, identifier, "id")[1]


def tagged(identifier: str, resource: int) -> str:
    """Return an id of a resource as clients know it."""
    return identifier + BOTH.tag(identifier.encode(), resource).decode()


def bare(identifier: str) -> str:
    """Return an id with a tag as Azure knows it."""
    assert maker_of(identifier) is not None
    return identifier[:-LENGTH]


def has_a_tag(text: bytes) -> bool:
    """Tell whether anything of a request or an answer has the tag of one of the two."""
    return any(prefix_of(name) in text for name in BOTH.names)


def entry(name: str, url: str, **members: object) -> Entry:
    """Return an entry of AZURE_OPENAI_RESOURCES."""
    return {"name": name, "endpoint": url, "api_key": DEFAULT_KEY, **members}


def environ_of(resources: Iterable[Entry], **settings: str) -> dict[str, str]:
    """Return the settings of an app over resources."""
    return {
        "AZURE_OPENAI_RESOURCES": json.dumps(list(resources)),
        "CLIENT_KEYS": f"tester={CLIENT_KEY}",
        **settings,
    }


def official(url: str, key: str, headers: Mapping[str, str] | None = None) -> AsyncOpenAI:
    """Return the official client, which tries nothing again."""
    http = DefaultAsyncHttpxClient(verify=_CONTEXT)
    return AsyncOpenAI(base_url=url, api_key=key, max_retries=0, default_headers=headers, http_client=http)


@dataclass(frozen=True, kw_only=True)
class App:
    """An app and its resources, in the order of the settings."""

    app: HostProcess
    resources: tuple[Simulator, ...]

    def sdk(self) -> AsyncOpenAI:
        """Return the official client of the app."""
        return official(f"{self.app.url}/v1", CLIENT_KEY)

    def http(self) -> aiohttp.ClientSession:
        """Return a client that shows the bytes."""
        return aiohttp.ClientSession(self.app.url, headers={"authorization": f"Bearer {CLIENT_KEY}"})


@asynccontextmanager
async def run_app(resources: Iterable[Entry], *simulators: Simulator, **settings: str) -> AsyncIterator[App]:
    """Run an app over resources."""
    async with running_host(REPOSITORY, environ_of(resources, **settings)) as app:
        yield App(app=app, resources=simulators)


class Seen:
    """What has reached each resource since the last look."""

    def __init__(self, resources: Iterable[Simulator]) -> None:
        self._resources = tuple(resources)
        self._before = [len(one.requests) for one in self._resources]

    def new(self) -> list[list[RecordedRequest]]:
        """Return the new requests of each resource."""
        new = [one.requests[before:] for one, before in zip(self._resources, self._before, strict=True)]
        self._before = [len(one.requests) for one in self._resources]
        return new

    def counts(self) -> list[int]:
        """Return how many requests each resource has got."""
        return [len(requests) for requests in self.new()]


def told(headers: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return which target answered and how many attempts were made."""
    return headers.get(TARGET), headers.get(ATTEMPTS)


def names_no_host(headers: Mapping[str, str], text: str) -> bool:
    """Tell whether nothing shows where the resources are: here they all are on one address."""
    return "127.0.0.1" not in f"{dict(headers)}{text}"


@contextmanager
def nobody() -> Iterator[str]:
    """Yield the URL of a port where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


class Odd(Server):
    """A resource that fails in every operation while `fault` says so; else it answers a chat.

    `resets` breaks the line instead, behind the whole request; each of `then` takes the place of `fault` for the call
    behind. `asked` has the method, the path and the size of the body of each call, `body` is the last one's.
    """

    def __init__(self, fault: Fault | None = None, *, resets: bool = False) -> None:
        super().__init__()
        self.fault = fault
        self.then: list[Fault | None] = []
        self.resets = resets
        self.asked: list[tuple[str, str, int]] = []
        self.body = b""
        self.headers: dict[str, str] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def _answer(self, request: web.Request) -> web.Response:
        self.body = await request.content.read()  # of any size
        self.asked.append((request.method, request.path, len(self.body)))
        if self.resets and request.transport is not None:
            request.transport.abort()
        fault, self.fault = self.fault, self.then.pop(0) if self.then else self.fault
        return await self._faulty(fault) or web.json_response(_CHAT, headers=self.headers)


_CHAT = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "odd",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "odd"}, "finish_reason": "stop"}],
}
