"""Memory per open stream: each time on a fresh worker, because what was used once stays with the process."""

import asyncio

from tests.bench import cases, figures, samples
from tests.bench.cases import Result
from tests.bench.client import Connection
from tests.bench.processes import resident_bytes
from tests.bench.workers import Worker

STREAMS = 200
AT_ONCE = 20
SETTLE = 0.2


async def open_streams(worker: Worker) -> Result:
    """Hold streams open that have sent their first events."""
    await cases.warm_up(worker)
    body = samples.request("held", stream=True)
    ask = worker.asker("POST", worker.variant.chat, body)
    await asyncio.sleep(SETTLE)
    before = resident_bytes(worker.pid)
    connections: list[Connection] = []
    for _ in range(STREAMS // AT_ONCE):
        some = [await worker.connect() for _ in range(AT_ONCE)]
        await asyncio.gather(*(one.begin(ask()) for one in some))
        connections += some
    await asyncio.sleep(SETTLE)
    used = resident_bytes(worker.pid) - before
    for one in connections:
        one.close()
    return {figures.STREAM_MEMORY: used / STREAMS / 1024}
