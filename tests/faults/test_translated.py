"""The faults, where the client speaks another API than the deployment: it reads the same of each."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.cell import Cell, Layout
from tests.faults.fault import Fault
from tests.faults.matrix import run_cell
from tests.faults.operations import CHAT, CHAT_STREAM, RESPONSE_WHOLE, RESPONSES
from tests.faults.raw import Play
from tests.faults.table import FAULTS

# What the client calls, and what is called for it: a chat as a response and the other way round, streamed and whole.
PAIRS = (
    (CHAT_STREAM, RESPONSES),
    (RESPONSES, CHAT_STREAM),
    (CHAT, RESPONSE_WHOLE),
    (RESPONSE_WHOLE, CHAT),
)


def cells(fault: Fault) -> Iterator[Cell]:
    for operation, called in PAIRS:
        play = fault.play(called)
        if isinstance(play, Play):
            for layout in Layout:
                yield Cell(fault=fault, operation=operation, layout=layout, play=play, translated=called)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
async def test_the_client_reads_of_a_translated_answer_what_it_must(fault: Fault) -> None:
    made = list(cells(fault))
    ready = asyncio.Barrier(len(made) or 1)
    results = await asyncio.gather(*(run_cell(cell, ready) for cell in made))
    assert [f"{result.cell}: {wrong}" for result in results for wrong in result.wrong] == []
