"""Azure closes connections that wait for another request whenever it likes: the client sees nothing of it."""

import asyncio
import json
from collections.abc import Callable, Mapping
from random import Random

import aiohttp
import pytest

from tests.integration.several import ATTEMPTS, SAME_NAMES, entry, run_app
from tools.azure_openai_simulator import Simulator

TIMES = 60
Body = Mapping[str, object]
RESPONSE: Body = {"model": "gpt-4o", "input": "hello"}
CHAT: Body = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hello"}]}
# Each turn is a call of every kind, one after the other.
ONCE: tuple[tuple[str, Body], ...] = (
    ("/v1/responses", {**RESPONSE, "store": True}),
    ("/v1/responses", {**RESPONSE, "tools": [{"type": "web_search"}]}),
    ("/v1/chat/completions", {**CHAT, "store": True}),
    ("/v1/vector_stores", {"name": "notes"}),
)
REPEATABLE: tuple[tuple[str, Body], ...] = (("/v1/responses", RESPONSE), ("/v1/chat/completions", CHAT))


async def ask_all(
    asks: tuple[tuple[str, Body], ...], idle: Callable[[], float], *, at_once: int
) -> tuple[int, list[int]]:
    """Return how many requests reached Azure, and of how many sendings each answer tells."""
    told: list[int] = []
    async with Simulator(idle=idle).serving() as simulator:
        resources = [entry("only", simulator.url, models=SAME_NAMES)]
        async with run_app(resources, simulator) as running, running.http() as http:

            async def ask_often() -> None:
                for _ in range(TIMES):
                    for path, body in asks:
                        told.append(await _ask(http, path, body))

            await asyncio.gather(*(ask_often() for _ in range(at_once)))
        return len(simulator.requests), told


async def _ask(http: aiohttp.ClientSession, path: str, body: Body) -> int:
    async with http.post(path, data=json.dumps(body)) as answer:
        assert answer.status == 200, await answer.text()
        return int(answer.headers[ATTEMPTS])


async def test_what_is_made_once_is_answered_and_made_once() -> None:
    """Half of the connections close behind an answer: the next call goes on another one."""
    random = Random(7)
    asked, told = await ask_all(ONCE, lambda: random.choice((0.0, 60.0)), at_once=1)
    assert told == [1] * (len(ONCE) * TIMES)
    assert asked == len(told)


@pytest.mark.parametrize("longest", [0.005, 0.05])
async def test_what_may_be_made_twice_is_answered_and_every_sending_counts(longest: float) -> None:
    random = Random(7)
    asked, told = await ask_all(REPEATABLE, lambda: random.uniform(0.0, longest), at_once=3)
    assert max(told) <= 2
    # A connection that closes while a request is on its way takes it along unread.
    assert len(told) <= asked <= sum(told)
