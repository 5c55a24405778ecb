"""Command line: start the upstream and both workers, measure in turns, print the table."""

import argparse
import asyncio
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from tests.bench import figures, variants
from tests.bench.cases import CASES, Result, warm_up
from tests.bench.figures import Figure
from tests.bench.imports import importing
from tests.bench.memory import open_streams
from tests.bench.normalising import normalising
from tests.bench.variants import Variant
from tests.bench.workers import Worker, running_worker
from tests.processes import REPOSITORY

MEMORY_ROUNDS = 3
Collected = dict[Figure, list[tuple[float, float]]]

NOTES = """\
CPU and memory are those of the worker process alone, each app in its own, the app on Microsoft's worker runtime; the
channel to the host is a socket with lines of JSON in place of gRPC. Both workers have what Azure's have: a handler for
INFO on the root logger, here writing to standard error, which costs less than Azure's record over gRPC. Its lines,
uvicorn's access log and our request log are part of the cost. The default app has what its requirements install, so
uvicorn on h11 without httptools, and a pool of connections without a limit. Normalising is measured in this process, on
the same events, and set against what our worker spends on one of them in all.
"""
DIRECT = "Requests go straight to the workers, announced over the host's protocol; no host process is in the figures.\n"
HOSTED = "Requests go through the local Functions host: its time, not its CPU, is in requests/s and the first chunk.\n"


class Bench:
    """The rounds of one run."""

    def __init__(self, port: int, *, direct: bool) -> None:
        self._port = port
        self._direct = direct
        self.collected: Collected = defaultdict(list)

    def imports(self, rounds: int) -> None:
        """Import both apps in turns; the first import only writes the bytecode."""
        for number in range(rounds + 1):
            ours, default = (importing(one, variants.environ(one, self._port)) for one in variants.VARIANTS)
            if number:
                self._keep(ours, default)

    async def loads(self, rounds: int) -> None:
        """Measure every case on both workers in turns."""
        async with self._running(variants.OURS) as ours, self._running(variants.DEFAULT) as default:
            await warm_up(ours)
            await warm_up(default)
            for number in range(rounds):
                _progress(f"round {number + 1} of {rounds}")
                for case in CASES:
                    result = await case(ours)
                    self._keep(result, await case(default))
                    self._keep(*normalising(result))

    async def memory(self, rounds: int) -> None:
        """Measure open streams on fresh workers in turns."""
        for number in range(rounds):
            _progress(f"open streams {number + 1} of {rounds}")
            results = []
            for variant in variants.VARIANTS:
                async with self._running(variant) as worker:
                    results.append(await open_streams(worker))
            self._keep(*results)

    def _running(self, variant: Variant) -> AbstractAsyncContextManager[Worker]:
        return running_worker(variant, variants.environ(variant, self._port), direct=self._direct)

    def _keep(self, ours: Result, default: Result) -> None:
        for figure in ours:
            self.collected[figure].append((ours[figure], default[figure]))


@asynccontextmanager
async def running_upstream() -> AsyncIterator[int]:
    """Run the stand-in for Azure OpenAI; give its port."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.upstream"), cwd=REPOSITORY, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout
        yield int(await process.stdout.readline())
    finally:
        process.kill()
        await process.wait()


async def run(rounds: int, *, direct: bool) -> Collected:
    """Measure everything."""
    async with running_upstream() as port:
        bench = Bench(port, direct=direct)
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
    arguments = parser.parse_args()
    collected = asyncio.run(run(arguments.rounds, direct=arguments.direct))
    sys.stdout.write(NOTES + (DIRECT if arguments.direct else HOSTED) + "\n")
    sys.stdout.writelines(f"{line}\n" for line in figures.table(collected))


if __name__ == "__main__":
    main()
