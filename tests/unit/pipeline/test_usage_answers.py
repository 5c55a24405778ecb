"""What a client reads of its usage: up to its last request, without asking the store each time."""

import json
from types import SimpleNamespace
from typing import cast

from proxy.pipeline.authentication import Principal
from proxy.pipeline.resources import Resources
from proxy.pipeline.usage_answers import KEPT, UsageAnswers
from proxy.usage.counts import Line
from tests.unit.pipeline.test_usage_log import Moving, Store, note, opened

ALICE = Principal(client="alice", resources=cast("Resources", SimpleNamespace()))


class CountingStore(Store):
    """Counts how often it is read."""

    reads = 0

    async def read(self, first: float, end: float) -> list[Line]:
        self.reads += 1
        return await super().read(first, end)


async def requests(answers: UsageAnswers) -> int:
    answer = await answers.of_client(ALICE)
    assert isinstance(answer.body, bytes)
    found: int = json.loads(answer.body)["month"]["requests"]
    return found


async def test_each_request_is_seen_at_once_and_the_store_is_asked_rarely() -> None:
    store, clock = CountingStore(), Moving()
    log = opened(store, clock)
    answers = UsageAnswers(log, clock)
    for number in range(5):
        note(log)
        assert await requests(answers) == number + 1
    assert store.reads == 1
    clock.now += KEPT
    assert await requests(answers) == 5
    assert store.reads == 2
    await log.close()


async def test_what_is_written_down_meanwhile_is_neither_lost_nor_counted_twice() -> None:
    store, clock = CountingStore(), Moving()
    log = opened(store, clock)
    answers = UsageAnswers(log, clock)
    note(log)
    assert await requests(answers) == 1
    note(log)
    await log.read(0, clock.now)
    assert await requests(answers) == 2
    await log.close()
