"""What limits cost: the CPU of a chat of a key with limits that all instances share, and the first such request.

The first one is of a fresh interpreter that has its application already: it imports Azure's SDK, connects to Azurite,
and creates, reads and writes the row.
"""

import asyncio
import subprocess
import sys
import time

from proxy.azure_services.identity import Identity
from proxy.azure_services.shared_ledger import SharedLedger
from proxy.azure_services.shared_row import Clock
from proxy.pipeline.rates import Rates
from proxy.values import Limits
from tests.bench import figures, samples
from tests.bench.cases import Result
from tests.bench.in_process import REQUESTS, WITH_LIMITS, plain_chat, spent, without_output
from tests.fakes.shared_store import FakeStore
from tests.integration.azurite import running_azurite
from tests.processes import REPOSITORY

ROUNDS = 5


async def limited(forwarded: Result) -> tuple[Result, Result]:
    """Return the CPU of a forwarded chat with limits, and without; what limits add is measured in this process."""
    without = forwarded[figures.FORWARD_CPU]
    return {figures.LIMITED_REQUEST: without + await added_cpu()}, {figures.LIMITED_REQUEST: without}


async def added_cpu() -> float:
    """Return what limits add to our part of a plain chat, in microseconds, measured in turns."""
    body = samples.request("gpt-4o", stream=False)
    clock = Clock(time.monotonic, asyncio.sleep, time.time() - time.monotonic())
    ledger = SharedLedger(FakeStore(time.time), "bench", clock, 660.0, lambda: 0.5)
    on, off = plain_chat(WITH_LIMITS, Rates(ledger=ledger)), plain_chat()
    seconds: list[list[float]] = [[], []]
    with without_output():
        for _ in range(ROUNDS):
            for application, found in zip((on, off), seconds, strict=True):
                found.append(await spent(application, body, REQUESTS // ROUNDS))
    await ledger.close()
    return (min(seconds[0]) - min(seconds[1])) * 1e6


async def first_limited() -> Result:
    """Return how long the first request of a key with limits waits for its limits, in milliseconds."""
    async with running_azurite() as endpoint:
        await _first(endpoint)  # It creates the table, and writes the bytecode.
        return {figures.FIRST_LIMITED: await _first(endpoint)}


async def _first(endpoint: str) -> float:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.limits", endpoint), cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    printed, _ = await process.communicate()
    return float(printed)


async def _reserve_once(endpoint: str) -> float:
    import proxy.app  # noqa: F401, PLC0415 - as in a worker that has started

    started = time.perf_counter()
    from proxy.azure_services.table_ledger import TableLedger  # noqa: PLC0415 - its import is measured

    ledger = TableLedger(endpoint, Identity(client_id=None, managed=False), 660.0)
    await ledger.reserve(f"bench-{time.time_ns()}", Limits(rpm=600), 0)
    taken = time.perf_counter() - started
    await ledger.close()
    return taken * 1e3


if __name__ == "__main__":
    sys.stdout.write(f"{asyncio.run(_reserve_once(sys.argv[1]))}\n")
