"""The whole matrix, row by row; the cells of a row run side by side."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from proxy.app import Proxy
from proxy.values import SendingRecord
from tests.faults.cell import Cell, Layout, Target
from tests.faults.client import call, open_application
from tests.faults.deviations import DEVIATIONS
from tests.faults.fault import Fault
from tests.faults.operations import OPERATIONS, Operation
from tests.faults.raw import Play
from tests.faults.seen import Seen
from tests.faults.table import FAULTS
from tests.faults.verdict import judge, judge_lines, judge_records

CELL_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a cell; `asked` is how often its targets were. An empty `wrong` is an acquittal."""

    cell: Cell
    seen: Seen
    asked: int
    wrong: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What came of a fault: the results, for which calls there is none with the reason, and the tasks that are left."""

    fault: Fault
    results: tuple[Result, ...]
    skipped: dict[str, str]
    tasks: int

    @property
    def wrong(self) -> list[str]:
        """Return all that is not as it must be, and what is but should not be."""
        found = [f"{self.fault.name}: {self.tasks} tasks are left"] * bool(self.tasks)
        for result in self.results:
            if self.deviation(result.cell.operation) is None:
                found += [f"{result.cell}: {wrong}" for wrong in result.wrong]
            elif not result.wrong:
                found.append(f"{result.cell}: is as expected, so it is no deviation any more")
        return found

    def deviation(self, operation: Operation) -> str | None:
        """Return what is known to be not as expected for a call."""
        return DEVIATIONS.get((self.fault.name, operation.name))


async def run_all() -> list[Row]:
    """Run every row."""
    return [await run_row(fault) for fault in FAULTS]


async def run_row(fault: Fault) -> Row:
    """Run the cells of a fault."""
    before = asyncio.all_tasks()
    made = [(operation, fault.play(operation)) for operation in OPERATIONS]
    cells = [
        Cell(fault=fault, operation=operation, layout=layout, play=play)
        for operation, play in made
        if isinstance(play, Play)
        for layout in Layout
    ]
    ready = asyncio.Barrier(len(cells))
    results = await asyncio.gather(*(run_cell(cell, ready) for cell in cells))
    left = asyncio.all_tasks() - before
    if left:
        await asyncio.wait(left, timeout=CELL_TIMEOUT)
    return Row(
        fault=fault,
        results=tuple(results),
        skipped={operation.name: play for operation, play in made if isinstance(play, str)},
        tasks=sum(not task.done() for task in left),
    )


async def run_cell(cell: Cell, ready: asyncio.Barrier) -> Result:
    """Make the call with an application of its own when all are ready, and judge what came of it."""
    targets = list(cell.targets())
    lines: list[str] = []
    records: list[SendingRecord] = []
    async with AsyncExitStack() as stack, asyncio.timeout(CELL_TIMEOUT):
        for target in targets:
            await stack.enter_async_context(target.serving())
        environ = cell.environ(targets)
        application = open_application(environ, lines.append, records.append, renews=cell.fault.second is not None)
        await ready.wait()
        seen = await call(application, cell.operation.for_model(cell.fault.model), lambda: _hear(targets))
        wrong = await _close(application, targets)
    counts = [target.attempts for target in targets]
    attempts = int(json.loads(lines[0])["attempts"]) if lines else 0
    asked = attempts if None in counts else sum(filter(None, counts))
    wrong += judge(cell, seen, counts, attempts)
    wrong += judge_lines(lines, seen)
    wrong += judge_records(records, asked)
    return Result(cell=cell, seen=seen, asked=asked, wrong=tuple(wrong))


def _hear(targets: Sequence[Target]) -> None:
    for target in targets:
        target.hear()


async def _close(application: Proxy, targets: Sequence[Target]) -> list[str]:
    """Close the application; return what it has left open before and after."""
    busy = [await target.left_open(idle=False) for target in targets]
    await application.stop(1)
    idle = [await target.left_open(idle=True) for target in targets]
    return list(_complaints({"answers": sum(busy), "connections": sum(idle), "requests": application.held().slots}))


def _complaints(left: dict[str, int]) -> Iterator[str]:
    for what, count in left.items():
        if count:
            yield f"{count} {what} were left open"
