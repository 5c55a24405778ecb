"""The log of usage: what is counted, what is written down when, and what a store that is away costs."""

import asyncio
import logging
from collections.abc import Iterable

import pytest

from proxy.azure_services.rows import StoreUnavailable
from proxy.pipeline import usage_log
from proxy.pipeline.usage_log import UsageClock, UsageLog
from proxy.server.access_log import AccessLogEntry
from proxy.usage.counts import HOUR, Counts, Line, Lines, folded
from proxy.usage.rows import Day, Inserted, lines_of
from proxy.values import Usage
from tests.fakes.virtual_time import in_virtual_time

NOW = 1_790_000_000


class Store:
    """Keeps rows; it is away while `away` is set, and loses its answer once where `loses_answer` is."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, int], Inserted] = {}
        self.away = self.loses_answer = self.closed = False
        self.taken_up: list[float] = []

    async def insert(self, row: Inserted) -> None:
        if self.away:
            raise StoreUnavailable
        self.rows.setdefault((row.instance, row.number), row)
        if self.loses_answer:
            self.loses_answer = False
            raise StoreUnavailable

    async def read(self, first: float, end: float, width: int) -> Lines:
        if self.away:
            raise StoreUnavailable
        return folded(lines_of(Day(), self.rows.values()), width)

    async def take_up(self, now: float) -> None:
        self.taken_up.append(now)

    async def close(self) -> None:
        self.closed = True


class Moving:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def note(
    log: UsageLog, client: str | None = "alice", outcome: str = "completed", operation: str = "createResponse"
) -> None:
    entry = AccessLogEntry("r", lambda: 0.0, lambda _: None)
    entry.client, entry.operation, entry.status, entry.cost = client, operation, 200, 30
    entry.add_attempt(0, "gpt-5")
    entry.usage = Usage(input_tokens=10, output_tokens=5, cached_tokens=4, reasoning_tokens=2)
    log.note(entry, outcome, 0.25)


def opened(store: Store | None, clock: Moving | None = None, draw: float = 0.0) -> UsageLog:
    return UsageLog("one", store, None, UsageClock(now=clock or Moving(), draw=lambda: draw))


def total(lines: Iterable[Line]) -> Counts:
    sums = Counts()
    for _, counts in lines:
        sums.add(counts)
    return sums


async def test_a_request_is_counted_with_all_that_is_known_of_it() -> None:
    log = opened(None)
    note(log)
    note(log, outcome="client_left")
    note(log, outcome="stream_broken")
    note(log, client=None)
    note(log, operation="listFiles")
    ((key, counts),) = (await log.read(0, NOW)).items()
    assert (key.client, key.model, key.kind, key.start) == ("alice", "gpt-5", "completions", NOW - NOW % 60)
    assert counts == Counts(
        requests=3, input=30, cached=12, output=15, reasoning=6, cost=90, errors=1, cancelled=1, milliseconds=750
    )


@in_virtual_time
async def test_counts_are_written_down_each_minute_and_rows_taken_up_behind_them() -> None:
    store = Store()
    log = opened(store)
    note(log)
    assert store.rows == {}
    await asyncio.sleep(usage_log.FLUSH)
    assert (total(lines_of(Day(), store.rows.values())).requests, store.taken_up) == (1, [NOW])
    note(log, "bob")
    await asyncio.sleep(usage_log.FLUSH)
    assert [number for _, number in store.rows] == [1, 2]
    await log.close()


async def test_what_is_left_is_written_down_at_the_end() -> None:
    store = Store()
    log = opened(store)
    note(log)
    await log.close()
    assert (total((await store.read(0, NOW, 60)).items()).requests, store.closed) == (1, True)


@in_virtual_time
async def test_nothing_is_lost_while_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    store, clock = Store(), Moving()
    store.away = True
    log = opened(store, clock)
    with caplog.at_level(logging.INFO, "proxy.pipeline.usage_log"):
        for _ in range(10):
            note(log)
            clock.now += 60
            await asyncio.sleep(usage_log.FLUSH)
        store.away = False
        await asyncio.sleep(usage_log.FLUSH)
    assert total((await log.read(0, NOW)).items()).requests == 10
    assert sorted(number for _, number in store.rows) == list(range(1, 11))
    assert [record.message.split(":")[0] for record in caplog.records] == ["usage_store_down", "usage_store_down"]
    await log.close()


async def test_a_row_whose_answer_was_lost_is_sent_again_as_it_was() -> None:
    store = Store()
    store.loses_answer = True
    log = opened(store)
    note(log)
    await log.read(0, NOW)
    note(log)
    assert total((await log.read(0, NOW)).items()).requests == 2
    assert [number for _, number in store.rows] == [1, 2]
    await log.close()


async def test_beyond_the_bound_requests_are_lost_and_the_log_says_how_many(caplog: pytest.LogCaptureFixture) -> None:
    store = Store()
    store.away = True
    log = opened(store)
    for number in range(usage_log.MAX_LINES + 3):
        note(log, f"client-{number}")
    with caplog.at_level(logging.ERROR, "proxy.pipeline.usage_log"):
        await log.close()
    assert "usage_lost: the counts of 3 requests" in caplog.text


async def test_in_memory_older_minutes_become_hours() -> None:
    clock = Moving()
    log = opened(None, clock)
    for minute in range(usage_log.MAX_LINES + 5):
        clock.now = NOW + minute * 60
        note(log)
    lines = (await log.read(0, NOW)).items()
    assert total(lines).requests == usage_log.MAX_LINES + 5
    assert len(lines) < usage_log.MAX_LINES
    assert any(key.start % HOUR == 0 and counts.requests > 1 for key, counts in lines)
