"""Command line: start the upstream and both workers, measure in turns, print the table."""

import argparse
import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path

from tests.bench import figures, variants
from tests.bench.cases import CASES, Result, split, warm_up
from tests.bench.figures import Figure
from tests.bench.imports import importing
from tests.bench.in_process import own_cpu
from tests.bench.limits import first_limited, limited
from tests.bench.memory import open_streams
from tests.bench.normalising import normalising
from tests.bench.translating import translating
from tests.bench.variants import Variant
from tests.bench.workers import Worker, running_server, running_worker
from tests.processes import REPOSITORY

MEMORY_ROUNDS = 3
Collected = dict[Figure, list[tuple[float, float | None]]]

NOTES = """\
CPU and memory are those of the worker process alone, each app in its own, the app on Microsoft's worker runtime; the
channel to the host is a socket with lines of JSON in place of gRPC. Both workers have what Azure's have: a handler for
INFO on the root logger, here writing to standard error, which costs less than Azure's record over gRPC. Its lines,
uvicorn's access log and our request log are part of the cost. The default app has what its requirements install, so
uvicorn on h11 without httptools, and a pool of connections without a limit. Normalising is measured in this process, on
the same events, and set against what our worker spends on one of them in all; so is translating, which is to take no
more than 10 us an event.
Whose the CPU of a plain chat is, is found by leaving out: our server alone, answering at once; an app that does so on
the worker's runtime, whose share is what it takes more; the same with a bare call over aiohttp, whose share is what it
takes more; ours is the rest. What is measured alone is our application in this process, between a server and an
upstream that do nothing, request after request: its caches are warm, as they never are in a worker that does all else.
"""
DIRECT = "Requests go straight to the workers, announced over the host's protocol; no host process is in the figures.\n"
HOSTED = "Requests go through the local Functions host: its time, not its CPU, is in requests/s and the first chunk.\n"


class Bench:
    """The rounds of one run."""

    def __init__(self, port: int, other: Variant, *, direct: bool) -> None:
        self._port = port
        self._variants = variants.OURS, other
        self._direct = direct
        self.collected: Collected = defaultdict(list)

    def imports(self, rounds: int) -> None:
        """Import both apps in turns; the first import only writes the bytecode."""
        for number in range(rounds + 1):
            ours, default = (importing(one, variants.environ(one, self._port)) for one in self._variants)
            if number:
                self._keep(ours, default)

    async def loads(self, rounds: int) -> None:
        """Measure every case on both workers in turns."""
        async with AsyncExitStack() as stack:
            ours, other = [await stack.enter_async_context(self._running(one)) for one in self._variants]
            layers = await self._layers(stack)
            for worker in (ours, other):
                await warm_up(worker)
            for worker in layers:
                await warm_up(worker, streams=False)
            for number in range(rounds):
                _progress(f"round {number + 1} of {rounds}")
                for case in CASES:
                    result = await case(ours)
                    self._keep(result, await case(other))
                    self._keep(*normalising(result))
                    if figures.FORWARD_CPU in result:
                        self._keep(await split(result, *layers))
                        self._keep(*await limited(result))
                self._keep(await own_cpu())
                self._keep(await first_limited())
                self._keep(translating())

    async def _layers(self, stack: AsyncExitStack) -> tuple[Worker, Worker, Worker]:
        """Run the apps that stop at a layer."""
        answering = await stack.enter_async_context(self._running(variants.LAYERS))
        server = running_server(variants.LAYERS, variants.environ(variants.LAYERS, self._port))
        return (
            answering,
            replace(answering, variant=variants.FORWARDING),
            await stack.enter_async_context(server),
        )

    async def memory(self, rounds: int) -> None:
        """Measure open streams on fresh workers in turns."""
        for number in range(rounds):
            _progress(f"open streams {number + 1} of {rounds}")
            results = []
            for variant in self._variants:
                async with self._running(variant) as worker:
                    results.append(await open_streams(worker))
            self._keep(*results)

    def _running(self, variant: Variant) -> AbstractAsyncContextManager[Worker]:
        return running_worker(variant, variants.environ(variant, self._port), direct=self._direct)

    def _keep(self, ours: Result, other: Result | None = None) -> None:
        for figure in ours:
            self.collected[figure].append((ours[figure], None if other is None else other[figure]))


@asynccontextmanager
async def running_upstream() -> AsyncIterator[int]:
    """Run the fake for Azure OpenAI; give its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.upstream"), cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def run(rounds: int, other: Variant, *, direct: bool) -> Collected:
    """Measure everything."""
    async with running_upstream() as port:
        bench = Bench(port, other, direct=direct)
        _progress("imports")
        bench.imports(rounds)
        await bench.loads(rounds)
        await bench.memory(min(rounds, MEMORY_ROUNDS))
    _progress("")
    return bench.collected


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{text:<30}\r")
        sys.stderr.flush()


def main() -> None:
    """Print what was done, and the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Compare with the default way.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--direct", action=argparse.BooleanOptionalAction, default=True, help="drive the workers without a host"
    )
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="compare with this app of another commit")
    arguments = parser.parse_args()
    against = arguments.against
    other = variants.DEFAULT if against is None else variants.checkout(against.resolve())
    collected = asyncio.run(run(arguments.rounds, other, direct=arguments.direct))
    sys.stdout.write(NOTES + (DIRECT if arguments.direct else HOSTED) + "\n")
    sys.stdout.writelines(f"{line}\n" for line in figures.table(collected, other.name))


if __name__ == "__main__":
    main()
