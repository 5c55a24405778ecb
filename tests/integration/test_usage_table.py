"""The table of usage on Azure's own SDK and Azurite: rows of instances, the rows of days, and what is read of them."""

import time
from collections.abc import AsyncIterator, Iterable

import pytest
import pytest_asyncio

from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import StoreUnavailable
from proxy.azure_services.usage_table import LAG, UsageTable
from proxy.usage.counts import DAY, HOUR, MINUTE, Counts, Key, Line, Lines
from proxy.usage.rows import Inserted, pack
from tests.integration.azurite import running_azurite
from tests.processes import free_port

NOBODY = Identity(client_id=None, managed=False)
# A time in the middle of a day.
NOON = 1_790_000_000 - 1_790_000_000 % DAY + DAY // 2


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def endpoint() -> AsyncIterator[str]:
    async with running_azurite() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def table(endpoint: str) -> AsyncIterator[UsageTable]:
    opened = UsageTable(endpoint, NOBODY, 400)
    yield opened
    await opened._delete_where("PartitionKey ge '0'")
    await opened.close()


def row(instance: str, number: int, start: int, clients: int = 1) -> Inserted:
    """Return a row with a request of 10 tokens of each client."""
    lines = [(Key(start, f"client-{n}", "gpt-5", "completions"), Counts(requests=1, input=10)) for n in range(clients)]
    return Inserted(instance=instance, number=number, start=start, lines=pack(lines))


def sums(lines: Iterable[Line]) -> Counts:
    """Return the sums of everything."""
    total = Counts()
    for _, counts in lines:
        total.add(counts)
    return total


async def test_a_row_that_is_inserted_again_counts_once(table: UsageTable) -> None:
    for inserted in (row("a", 1, NOON), row("a", 1, NOON), row("b", 1, NOON), row("a", 2, NOON + MINUTE)):
        await table.insert(inserted)
    lines = await table.read(NOON, NOON + HOUR, MINUTE)
    assert sums(lines.items()) == Counts(requests=3, input=30)
    assert await table.read(NOON + DAY, NOON + 2 * DAY, MINUTE) == {}


async def test_the_row_of_a_day_takes_up_older_rows_each_once(table: UsageTable) -> None:
    for number in range(1, 131):
        await table.insert(row("a", number, NOON - number % 60 * MINUTE))
    await table.insert(row("b", 1, NOON + HOUR))
    await table.take_up(NOON + LAG + MINUTE)
    assert set(await table._names("RowKey lt '1'")) == {"2026-09-21"}
    assert len((await table._names("RowKey lt '1'"))["2026-09-21"]) == 1
    late = row("a", 131, NOON)
    for inserted in (row("a", 7, NOON - 7 * MINUTE), late):  # the first is a repeated request that comes late
        await table.insert(inserted)
    lines = (await table.read(NOON, NOON + 1, MINUTE)).items()
    assert sums(lines) == Counts(requests=132, input=1320)
    assert {key.start % HOUR for key, counts in lines if counts.requests > 1} == {0}


async def test_two_instances_that_take_up_at_once_count_nothing_twice(table: UsageTable, endpoint: str) -> None:
    other = UsageTable(endpoint, NOBODY, 400)
    for number in range(1, 11):
        await table.insert(row("a", number, NOON))
    day = "2026-09-21"
    first, second = [(await one._find(f"PartitionKey eq '{day}'"))[day] for one in (table, other)]
    await table._take_up(day, first, NOON + 1)
    await other._take_up(day, second, NOON + 1)
    assert sums((await table.read(NOON, NOON + 1, DAY)).items()) == Counts(requests=10, input=100)
    await other.close()


async def test_rows_that_are_too_old_are_deleted(table: UsageTable) -> None:
    await table.insert(row("a", 1, NOON - 401 * DAY))
    await table.insert(row("a", 1, NOON - 399 * DAY))
    await table.take_up(NOON)
    assert sums((await table.read(NOON - 500 * DAY, NOON, DAY)).items()) == Counts(requests=1, input=10)


async def test_a_row_of_another_version_is_named_in_the_log_and_stays(
    table: UsageTable, caplog: pytest.LogCaptureFixture
) -> None:
    await table.insert(row("a", 1, NOON))
    await table.insert(Inserted(instance="b", number=1, start=NOON, lines=b"[]"))
    for doing in (table.read(NOON, NOON + 1, DAY), table.take_up(NOON + LAG + MINUTE)):
        with pytest.raises(StoreUnavailable):
            await doing
        assert "usage_unreadable" in caplog.text
        caplog.clear()
    assert len((await table._names("RowKey lt '1'"))["2026-09-21"]) == 2


async def test_a_table_that_is_away_says_so() -> None:
    table = UsageTable(f"http://127.0.0.1:{free_port()}/devstoreaccount1", NOBODY, 400)
    for doing in (table.insert(row("a", 1, NOON)), table.read(NOON, NOON + 1, DAY), table.take_up(NOON)):
        with pytest.raises(StoreUnavailable):
            await doing
    await table.close()


async def fill_month(table: UsageTable, instances: int, clients: int, days: int, minutes: int) -> Lines:
    """Keep a month: days that were taken up, and rows of the last minutes of each instance."""
    begin = NOON - days * DAY
    for day in range(days):
        for hour in range(24):
            start = begin - begin % DAY + day * DAY + hour * HOUR
            lines = row("z", 1, start, clients).lines
            number = hour + 1
            await table.insert(Inserted(instance="z", number=number, start=start, lines=lines))
        await table.take_up(begin - begin % DAY + (day + 1) * DAY + LAG)
    for minute in range(minutes):
        for instance in range(instances):
            await table.insert(row(f"i{instance:03d}", minute + 1, NOON - (minutes - minute) * MINUTE, clients))
    return await table.read(begin - DAY, NOON + 1, DAY)


async def test_a_month_is_read_from_the_rows_of_its_days_and_of_the_last_hour(table: UsageTable) -> None:
    lines = await fill_month(table, instances=5, clients=3, days=2, minutes=4)
    assert sums(lines.items()).requests == 2 * 24 * 3 + 5 * 4 * 3


@pytest.mark.nightly
async def test_what_reading_a_month_takes(table: UsageTable) -> None:
    """Print the seconds for 50 instances and 30 clients."""
    lines = await fill_month(table, instances=50, clients=30, days=30, minutes=60)
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        await table.read(NOON - 31 * DAY, NOON + 1, DAY)
        took.append(time.perf_counter() - begin)
    print(f"{len(lines)} sums: {min(took):.2f} to {max(took):.2f} s")  # noqa: T201
