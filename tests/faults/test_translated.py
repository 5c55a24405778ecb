"""The faults of streams, where the client speaks another API than the deployment: it reads the same of each."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.cell import Cell, Layout
from tests.faults.fault import Fault
from tests.faults.matrix import run_cell
from tests.faults.operations import CHAT_STREAM, RESPONSES, Operation
from tests.faults.raw import Play
from tests.faults.table import FAULTS

PAIRS = {"a chat as a response": (CHAT_STREAM, RESPONSES), "a response as a chat": (RESPONSES, CHAT_STREAM)}


def cells(fault: Fault, operation: Operation, called: Operation) -> Iterator[Cell]:
    play = fault.play(called)
    if isinstance(play, Play):
        for layout in Layout:
            yield Cell(fault=fault, operation=operation, layout=layout, play=play, translated=called)


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_client_reads_of_a_translated_stream_what_it_must(
    fault: Fault, pair: tuple[Operation, Operation]
) -> None:
    made = list(cells(fault, *pair))
    ready = asyncio.Barrier(len(made) or 1)
    results = await asyncio.gather(*(run_cell(cell, ready) for cell in made))
    assert [f"{result.cell}: {wrong}" for result in results for wrong in result.wrong] == []
