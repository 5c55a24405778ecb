"""One round of each case on one worker."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.bench import figures, samples
from tests.bench.client import Connection, Exchange
from tests.bench.figures import Figure
from tests.bench.processes import cpu_seconds
from tests.bench.upstream import EVENTS
from tests.bench.workers import Worker

CONCURRENCY = 16
ANSWERS = 2400
FORWARDS = 1500
SHORT_STREAMS = 150
PARALLEL_STREAMS = 800
LONG_STREAMS = 8
# The worker's last log lines and its word to the host come after the answer.
SETTLE = 0.02
# A chat, and a response.
_STREAM_ENDS = (b"data: [DONE]\n\n\r\n0\r\n\r\n", b'"status":"completed"}}\n\n\r\n0\r\n\r\n')

Result = Mapping[Figure, float]
Case = Callable[[Worker], Awaitable[Result]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a load cost: CPU of the worker and time, in seconds; and how each request went."""

    cpu: float
    seconds: float
    exchanges: list[Exchange]


async def answering(worker: Worker) -> Result:
    """Let the app answer by itself."""
    ask = worker.asker("GET", worker.variant.health)
    load = await _load(worker, ask, CONCURRENCY, ANSWERS)
    return {figures.ANSWER_CPU: load.cpu / ANSWERS * 1e6, figures.ANSWER_RATE: ANSWERS / load.seconds}


async def forwarding(worker: Worker) -> Result:
    """Let the app forward chats that are not streamed."""
    load = await _forward(worker)
    return {figures.FORWARD_CPU: load.cpu / FORWARDS * 1e6, figures.FORWARD_RATE: FORWARDS / load.seconds}


async def split(ours: Result, layers: Worker, forwarding: Worker, server: Worker) -> Result:
    """Return what of the CPU of a forwarded chat is whose: each is the difference of two apps that share the rest."""
    worker, aiohttp, alone = [(await _forward(one)).cpu / FORWARDS * 1e6 for one in (layers, forwarding, server)]
    return {
        figures.OF_RUNTIME: worker - alone,
        figures.OF_SERVER: alone,
        figures.OF_AIOHTTP: aiohttp - worker,
        figures.OF_OURS: ours[figures.FORWARD_CPU] - aiohttp,
    }


async def short_streams(worker: Worker) -> Result:
    """Stream one short answer after the other."""
    load = await _load(worker, _chat(worker, "short", stream=True), 1, SHORT_STREAMS)
    return {
        figures.FIRST_CHUNK: statistics.median(each.first_chunk for each in load.exchanges) * 1e3,
        figures.STREAM_CPU: load.cpu / SHORT_STREAMS * 1e6,
    }


async def parallel_streams(worker: Worker) -> Result:
    """Stream short answers side by side."""
    load = await _load(worker, _chat(worker, "prompt", stream=True), CONCURRENCY, PARALLEL_STREAMS)
    return {figures.FIRST_CONTENT: statistics.median(each.first_content for each in load.exchanges) * 1e3}


async def single_events(worker: Worker) -> Result:
    """Stream long answers that come event by event."""
    load = await _load(worker, _chat(worker, "single", stream=True), LONG_STREAMS, LONG_STREAMS)
    return {figures.EVENT_CPU: load.cpu / (LONG_STREAMS * EVENTS) * 1e6}


async def response_events(worker: Worker) -> Result:
    """Stream long responses that come event by event."""
    ask = worker.asker("POST", worker.variant.response, samples.request_of_response("response"))
    load = await _load(worker, ask, LONG_STREAMS, LONG_STREAMS)
    return {figures.RESPONSE_EVENT_CPU: load.cpu / (LONG_STREAMS * EVENTS) * 1e6}


async def burst_events(worker: Worker) -> Result:
    """Stream long answers that come with several events in a write."""
    load = await _load(worker, _chat(worker, "burst", stream=True), LONG_STREAMS, LONG_STREAMS)
    return {figures.BURST_CPU: load.cpu / (LONG_STREAMS * EVENTS) * 1e6}


CASES: tuple[Case, ...] = (
    answering,
    forwarding,
    short_streams,
    parallel_streams,
    single_events,
    response_events,
    burst_events,
)


async def warm_up(worker: Worker, *, streams: bool = True) -> None:
    """Have everything imported and every kind of request seen."""
    await _load(worker, worker.asker("GET", worker.variant.health), CONCURRENCY, 300)
    for model, stream in (("whole", False), ("short", True)):
        if streams or not stream:
            await _load(worker, _chat(worker, model, stream=stream), CONCURRENCY, 200)


async def _forward(worker: Worker) -> Load:
    return await _load(worker, _chat(worker, "whole", stream=False), CONCURRENCY, FORWARDS)


def _chat(worker: Worker, model: str, *, stream: bool) -> Callable[[], bytes]:
    return worker.asker("POST", worker.variant.chat, samples.request(model, stream=stream))


async def _load(worker: Worker, ask: Callable[[], bytes], concurrency: int, count: int) -> Load:
    """Send `count` requests over `concurrency` connections, after one unmeasured answer on each of them."""
    connections = [await worker.connect() for _ in range(concurrency)]
    health = worker.asker("GET", worker.variant.health)
    await asyncio.gather(*(_repeat(one, health, 1) for one in connections))
    await asyncio.sleep(SETTLE)
    cpu, started = cpu_seconds(worker.pid), time.perf_counter()
    shares = (count // concurrency + (index < count % concurrency) for index in range(concurrency))
    sent = [_repeat(one, ask, share) for one, share in zip(connections, shares, strict=True)]
    exchanges = [each for some in await asyncio.gather(*sent) for each in some]
    seconds = time.perf_counter() - started
    await asyncio.sleep(SETTLE)
    cpu = cpu_seconds(worker.pid) - cpu
    for one in connections:
        one.close()
    return Load(cpu=cpu, seconds=seconds, exchanges=exchanges)


async def _repeat(connection: Connection, ask: Callable[[], bytes], times: int) -> list[Exchange]:
    return [_checked(await connection.exchange(ask())) for _ in range(times)]


def _checked(exchange: Exchange) -> Exchange:
    if exchange.status != 200:
        raise AssertionError(f"The app answered {exchange.status}: {exchange.tail!r}")
    if exchange.tail.endswith(b"0\r\n\r\n") and not exchange.tail.endswith(_STREAM_ENDS):
        raise AssertionError(f"A stream ended with {exchange.tail!r}")
    return exchange
