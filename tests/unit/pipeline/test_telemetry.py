"""A request's span begins and ends with it, those of its sendings are below it, and no failure of theirs is its own."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from proxy.composition.telemetry import heard_by
from proxy.pipeline.telemetry import AZURE, OPENAI, Handle, OpenSpan, Telemetry
from proxy.telemetry.metrics import Measurement
from proxy.telemetry.spans import Span, SpanKind
from proxy.values import Message, Receive, Scope, Send, SendingRecord
from tests.unit.telemetry.records import sending

LINE = {
    "request_id": "id",
    "client": "alice",
    "operation": "createChatCompletion",
    "status": 200,
    "duration_ms": 1500.0,
    "outcome": "completed",
    "attempts": 1,
}
CLIENTS = {"traceparent": "00-1-2-01", "tracestate": "a=b"}


@dataclass
class Written:
    """A span that was begun."""

    number: int
    started: float
    above: "Written | Mapping[str, str]"
    kind: SpanKind | None
    all: "list[Written]"
    ended: Span | None = None
    breaks: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        return {"traceparent": f"span {self.number}"}

    def begin(self, started: float) -> OpenSpan:
        if self.breaks:
            raise RuntimeError("the writer is broken")
        self.all.append(Written(len(self.all), started, self, None, self.all))
        return self.all[-1]

    def end(self, span: Span) -> None:
        self.ended = span


@dataclass
class Writer:
    """Keeps what is written; `breaks_at` says where it fails."""

    breaks_at: str = ""
    spans: list[Written] = field(default_factory=list)
    values: list[Measurement] = field(default_factory=list)

    def begin(self, trace: Mapping[str, str], kind: SpanKind, started: float) -> OpenSpan:
        if self.breaks_at == "request":
            raise RuntimeError("the writer is broken")
        breaks = self.breaks_at == "sending"
        self.spans.append(Written(len(self.spans), started, trace, kind, self.spans, breaks=breaks))
        return self.spans[-1]

    def measure(self, values: Iterable[Measurement]) -> None:
        if self.breaks_at == "measure":
            raise RuntimeError("the writer is broken")
        self.values.extend(values)


@dataclass
class World:
    """A telemetry, and what is logged."""

    writer: Writer = field(default_factory=Writer)
    lines: list[str] = field(default_factory=list)
    host_writes_requests: bool = False
    providers: tuple[str, ...] = (AZURE, OPENAI)

    @property
    def telemetry(self) -> Telemetry:
        times = iter(range(100, 200))
        return Telemetry(
            writer=self.writer,
            providers=self.providers,
            host_writes_requests=self.host_writes_requests,
            log=self.lines.append,
            now=lambda: float(next(times)),
        )


def handler(telemetry: Telemetry, *records: SendingRecord, named: list[str] | None = None) -> Handle:
    """Return what makes sendings, answers and writes the line."""

    async def handle(_scope: Scope, _receive: Receive, send: Send) -> None:
        for record in records:
            headers = telemetry.begin_sending(record.started)
            if named is not None:
                named.append(headers.get("traceparent", "none"))
            telemetry.record(record)
        await send({"type": "http.response.start"})
        telemetry.write_line(json.dumps(LINE))

    return handle


async def run(handle: Handle, headers: Mapping[str, str] = CLIENTS) -> list[Message]:
    """Make a request; return what was sent."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"headers": [(name.encode(), value.encode()) for name, value in {"x": "y", **headers}.items()]}
    await handle(scope, receive, send)
    return sent


async def test_each_sending_has_a_span_below_that_of_its_request_and_names_it_to_azure() -> None:
    world, named = World(), list[str]()
    telemetry = world.telemetry
    failed = sending(resource=0, status=429, outcome="answer", usage=None)
    await run(telemetry.traced(handler(telemetry, failed, sending(started=1002.0), named=named)))
    request, first, second = world.writer.spans
    assert (request.above, request.kind, request.started) == (CLIENTS, SpanKind.SERVER, 100.0)
    assert [one.above for one in (first, second)] == [request, request]
    assert (first.started, second.started) == (1000.0, 1002.0)
    assert named == ["span 1", "span 2"]
    assert request.ended is not None
    assert (request.ended.name, request.ended.ended) == ("POST /v1/chat/completions", 101.0)
    assert first.ended is not None
    assert (first.ended.error, first.ended.ended) == ("429", 1002.0)
    assert second.ended is not None
    assert (second.ended.error, second.ended.attributes["gen_ai.provider.name"]) == (None, OPENAI)
    assert len(world.writer.values) == 4  # both durations, and the tokens of the second
    assert world.lines == [json.dumps(LINE)]


async def test_the_span_is_internal_where_the_host_writes_that_of_the_server() -> None:
    world = World(host_writes_requests=True)
    await run(world.telemetry.traced(handler(world.telemetry)))
    assert [one.kind for one in world.writer.spans] == [SpanKind.INTERNAL]


async def test_a_resource_that_a_client_names_is_one_of_azure() -> None:
    world = World(providers=())
    telemetry = world.telemetry
    await run(telemetry.traced(handler(telemetry, sending(resource=3))))
    ended = world.writer.spans[1].ended
    assert ended is not None
    assert ended.attributes["gen_ai.provider.name"] == AZURE


async def test_requests_at_the_same_time_are_not_mixed() -> None:
    world = World()
    telemetry = world.telemetry
    all_at_work = asyncio.Barrier(3)

    def waiting(record: SendingRecord) -> Handle:
        async def handle(_scope: Scope, _receive: Receive, _send: Send) -> None:
            telemetry.begin_sending(record.started)
            await all_at_work.wait()
            telemetry.record(record)
            telemetry.write_line(json.dumps({**LINE, "request_id": record.model}))

        return handle

    models = ("one", "two", "three")
    await asyncio.gather(*(run(telemetry.traced(waiting(sending(deployment=one, model=one)))) for one in models))
    assert len(world.writer.spans) == 6
    for span in world.writer.spans:
        if isinstance(span.above, Written):
            assert span.ended is not None
            assert span.above.ended is not None
            assert span.ended.attributes["gen_ai.request.model"] == span.above.ended.attributes["proxy.request_id"]


async def test_a_sending_whose_span_was_not_begun_gets_one() -> None:
    world = World()
    telemetry = world.telemetry

    async def handle(_scope: Scope, _receive: Receive, _send: Send) -> None:
        telemetry.record(sending(started=7.0))

    await run(telemetry.traced(handle))
    assert world.writer.spans[1].started == 7.0
    assert world.writer.spans[1].ended is not None
    assert world.writer.spans[0].ended is None  # its line was never written


async def test_the_spans_of_a_request_that_breaks_are_written() -> None:
    world = World()
    telemetry = world.telemetry
    whole = handler(telemetry, sending())

    async def breaking(scope: Scope, receive: Receive, send: Send) -> None:
        await whole(scope, receive, send)
        raise ConnectionError("the client is gone")

    with pytest.raises(ConnectionError):
        await run(telemetry.traced(breaking))
    assert all(one.ended is not None for one in world.writer.spans)
    assert len(world.writer.spans) == 2


@pytest.mark.parametrize(("breaks_at", "named"), [("request", "none"), ("sending", "none"), ("measure", "span 1")])
async def test_a_failure_of_the_writer_is_none_of_the_request(
    breaks_at: str, named: str, caplog: pytest.LogCaptureFixture
) -> None:
    world, names = World(writer=Writer(breaks_at=breaks_at)), list[str]()
    telemetry = world.telemetry
    assert await run(telemetry.traced(handler(telemetry, sending(), named=names))) == [{"type": "http.response.start"}]
    assert world.lines == [json.dumps(LINE)]
    assert names == [named]
    assert "the writer is broken" not in caplog.text


async def test_what_happens_outside_of_a_request_is_not_heard() -> None:
    world = World()
    telemetry = world.telemetry
    assert telemetry.begin_sending(1.0) == {}
    telemetry.record(sending())
    telemetry.write_line("a line")
    assert world.lines == ["a line"]
    assert world.writer.spans == []


async def test_both_who_keeps_accounts_and_the_telemetry_hear_of_a_sending() -> None:
    world, kept = World(), list[SendingRecord]()
    telemetry = world.telemetry
    hears = heard_by(kept.append, telemetry)
    assert hears is not None

    async def handle(_scope: Scope, _receive: Receive, _send: Send) -> None:
        hears(sending())

    await run(telemetry.traced(handle))
    assert kept == [sending()]
    assert world.writer.spans[1].ended is not None


def test_where_only_one_or_nobody_hears_it_is_asked_directly() -> None:
    telemetry = World().telemetry
    keep: Callable[[SendingRecord], None] = list[SendingRecord]().append
    assert heard_by(None, None) is None
    assert heard_by(keep, None) is keep
    assert heard_by(None, telemetry) == telemetry.record
