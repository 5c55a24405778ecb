"""Recorded streams, cut behind every byte: what Azure sends, and what the client may make of it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from proxy.app import Proxy
from tests.faults.client import call, open_application
from tests.faults.operations import AZURE_KEY, CLIENT_KEY, MODEL, RESPONSES, Operation, encode
from tests.faults.raw import End, Play, Upstream
from tests.faults.seen import Seen
from tests.faults.wire import stream
from tests.integration.recordings import CHAT, RESPONSE, Recorded, Recording

RECORDINGS = (CHAT, RESPONSE)
# One application makes all calls: no target rests, and nothing opens a breaker.
RESTLESS = '{"breaker_failures":80000,"breaker_calls":80000,"min_wait":0,"cooldown":0}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A recording up to some byte; a part of an event counts only where its blank line alone is missing."""

    recording: Recording
    at: int

    @property
    def sent(self) -> bytes:
        """Return the bytes that Azure sends."""
        return self.recording.raw[: self.at]

    @property
    def whole(self) -> tuple[Recorded, ...]:
        """Return the events that came with their blank lines."""
        return _until(self.recording, self.at)

    @property
    def nearly(self) -> tuple[Recorded, ...]:
        """Return these and the one that lacks nothing but its blank line, which a reader may take for whole."""
        return _until(self.recording, self.at + 2)


def _until(recording: Recording, at: int) -> tuple[Recorded, ...]:
    count = size = 0
    for event in recording.events:
        size += len(event.raw)
        count += size <= at
    return recording.events[:count]


def begun(events: tuple[Recorded, ...]) -> bool:
    """Tell whether there is content in the events."""
    return any(event.reaches and event.says for event in events)


def complete(recording: Recording, events: tuple[Recorded, ...]) -> bool:
    """Tell whether nothing is missing but what says no more."""
    return frozenset[int]().union(*(event.finishes for event in events)) >= recording.choices


def text(events: tuple[Recorded, ...]) -> str:
    """Return what is said in the events."""
    return "".join(event.text for event in events)


def text_in(recording: Recording, body: bytes) -> str:
    """Return what a client reads in an answer."""
    data = [block.partition(b"data: ")[2].partition(b"\n")[0] for block in body.split(b"\n\n")]
    events = [json.loads(one) for one in data if one not in (b"", b"[DONE]")]
    if recording is RESPONSE:
        return "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    return "".join(choice["delta"].get("content") or "" for one in events for choice in one.get("choices", ()))


def operation_of(recording: Recording) -> Operation:
    """Return the call that asks for a recording."""
    body = encode({"model": MODEL, "stream": True, **recording.asked})
    if recording is RESPONSE:
        return Operation(name=RESPONSES.name, path=RESPONSES.path, body=body)
    return Operation(name=recording.name, path=f"/v1/{recording.path}", body=body)


@dataclass(slots=True, kw_only=True)
class Bench:
    """One application before one target, or before two of which the second sends all of the recording."""

    application: Proxy
    first: Upstream
    second: Upstream | None
    operation: Operation
    sending: Callable[[Play], None]
    lines: list[str] = field(default_factory=list)

    async def read(self, play: Play) -> tuple[Seen, int]:
        """Return the answer when the first target plays so, and how often the second one was asked."""
        self.sending(play)
        before = len(self.second.requests) if self.second else 0
        self.first.heard.clear()
        self.lines.clear()
        seen = await call(self.application, self.operation, self.first.hear)
        return seen, (len(self.second.requests) if self.second else 0) - before


@asynccontextmanager
async def open_bench(recording: Recording, *, alone: bool) -> AsyncIterator[Bench]:
    """Open the application and its targets."""
    playing = [Play()]
    whole = Play(parts=(stream(recording.raw),), whole=True)
    first = Upstream(lambda _: playing[0])
    others = [] if alone else [Upstream(lambda _: whole)]
    async with AsyncExitStack() as stack:
        for target in (first, *others):
            await stack.enter_async_context(target.serving())
        lines: list[str] = []
        application = open_application(_environ([first.url, *(target.url for target in others)]), lines.append)
        yield Bench(
            application=application,
            first=first,
            second=others[0] if others else None,
            operation=operation_of(recording),
            sending=lambda play: playing.__setitem__(0, play),
            lines=lines,
        )
        await application.stop(1)


def _environ(urls: list[str]) -> Mapping[str, str]:
    resources = [
        {"name": f"resource-{number}", "endpoint": url, "api_key": AZURE_KEY, "priority": number}
        for number, url in enumerate(urls)
    ]
    return {
        "AZURE_OPENAI_RESOURCES": json.dumps(resources),
        "AZURE_OPENAI_ROUTING": RESTLESS,
        "CLIENT_KEYS": f"somebody={CLIENT_KEY}",
    }


def properly(sent: bytes) -> Play:
    """Return a stream that ends as HTTP says."""
    return Play(parts=(stream(sent),), whole=True)


def abruptly(sent: bytes) -> Play:
    """Return a stream whose connection is closed."""
    return Play(parts=(stream(sent, end=b""),), end=End.CLOSE)


def resetting(sent: bytes, *, held: bool) -> Play:
    """Return a stream whose connection is reset, once the client has read something if it is `held`."""
    return Play(parts=(stream(sent, end=b""),), end=End.RESET, held=held)
