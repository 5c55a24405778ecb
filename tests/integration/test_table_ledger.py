"""The ledger on Azure's own SDK and Azurite: instances share limits, and go on alone while the table is away."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from proxy.auth.ledger import Denied, Hold
from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import Key, RowChanged, StoreUnavailable
from proxy.azure_services.table_ledger import TableLedger
from proxy.azure_services.table_store import TableStore
from proxy.values import Limits
from tests.integration.azurite import running_azurite
from tests.integration.conftest import environ_for
from tests.processes import REPOSITORY, free_port, running_host
from tools.azure_openai_simulator import Simulator

LEASE = 660.0
NOBODY = Identity(client_id=None, managed=False)
CHAT = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def table() -> AsyncIterator[str]:
    async with running_azurite() as endpoint:
        yield endpoint


async def test_a_row_is_inserted_and_replaced_only_as_it_was_read(table: str) -> None:
    store, key = TableStore(table, NOBODY), Key("a/client #?\\%\u00e9", "rates")
    empty = await store.read(key)
    assert (empty.value, empty.version) == (None, None)
    assert abs(empty.date - time.time()) < 60
    first = await store.write(key, b"\x00one", None)
    with pytest.raises(RowChanged):
        await store.write(key, b"other", None)
    second = await store.write(key, b"two", first.version)
    with pytest.raises(RowChanged):
        await store.write(key, b"other", first.version)
    assert (await store.read(key)).version == second.version
    assert (await store.read(key)).value == b"two"
    with pytest.raises(StoreUnavailable):
        await store.write(key, bytes(65 * 1024), second.version)
    await store.close()


async def test_a_table_that_is_not_there_is_a_store_that_is_down() -> None:
    store = TableStore(f"http://127.0.0.1:{free_port()}/devstoreaccount1", NOBODY)
    for doing in (store.read(Key("a", "rates")), store.write(Key("a", "rates"), b"", None)):
        with pytest.raises(StoreUnavailable):
            await doing
    await store.close()


async def reserve_all(ledgers: list[TableLedger], name: str, limits: Limits, tokens: int, each: int) -> list[Any]:
    """Let every instance reserve so many calls at once."""
    asked = (one.reserve(name, limits, tokens) for one in ledgers for _ in range(each))
    return list(await asyncio.gather(*asked))


async def test_instances_that_ask_at_once_take_a_limit_together(table: str) -> None:
    ledgers = [TableLedger(table, NOBODY, LEASE) for _ in range(8)]
    outcomes = await reserve_all(ledgers, "rpm", Limits(rpm=6), 0, 3)
    assert sum(isinstance(one, Hold) for one in outcomes) in (6, 7)
    outcomes = await reserve_all(ledgers, "slots", Limits(concurrency=5), 0, 2)
    held = [one for one in outcomes if isinstance(one, Hold)]
    assert len(held) == 5
    outcomes = await reserve_all(ledgers, "tpm", Limits(tpm=4000), 1000, 2)
    assert sum(isinstance(one, Hold) for one in outcomes) == 4
    for one in ledgers:
        await one.close()


async def test_what_a_closed_instance_had_is_there_for_the_next(table: str) -> None:
    first = TableLedger(table, NOBODY, LEASE)
    holds = [await first.reserve("left", Limits(rpm=600, tpm=6000), 100) for _ in range(20)]
    for hold in holds:
        assert isinstance(hold, Hold)
        await first.settle(hold, 10)
    await first.close()
    second = TableLedger(table, NOBODY, LEASE)
    outcome = await second.reserve("left", Limits(rpm=600, tpm=6000), 5700)
    assert isinstance(outcome, Hold)
    assert isinstance(await second.reserve("left", Limits(rpm=600, tpm=6000), 5700), Denied)
    await second.close()


def environ(simulator: Simulator, store: str) -> Mapping[str, str]:
    limited = {"key": "sk-limited-0123456789abcdef", "rpm": 3}
    return environ_for(simulator) | {"CLIENT_KEYS": json.dumps({"limited": limited}), "LIMITS_STORE": store}


async def statuses(urls: list[str], times: int) -> list[int]:
    """Return the statuses of chats that are sent to each app in turn."""
    found = []
    async with aiohttp.ClientSession(headers={"authorization": "Bearer sk-limited-0123456789abcdef"}) as http:
        for number in range(times):
            async with http.post(f"{urls[number % len(urls)]}/v1/chat/completions", json=CHAT) as answer:
                await answer.read()
                found.append(answer.status)
    return found


async def test_two_apps_have_one_limit_and_an_app_without_its_table_goes_on_alone(
    simulator: Simulator, table: str
) -> None:
    away = f"http://127.0.0.1:{free_port()}/devstoreaccount1"
    async with (
        running_host(REPOSITORY, environ(simulator, table)) as one,
        running_host(REPOSITORY, environ(simulator, table)) as other,
        running_host(REPOSITORY, environ(simulator, away)) as alone,
    ):
        assert await statuses([one.url, other.url], 6) == [200, 200, 200, 429, 429, 429]
        assert await statuses([alone.url], 5) == [200, 200, 200, 429, 429]
        await alone.wait_for_output("limits_store_down")


@pytest.mark.nightly
async def test_what_one_operation_a_request_takes(table: str) -> None:
    """Print the 95th percentile of a call that asks the table, alone and with seven other instances."""
    for count in (1, 8):
        ledgers = [TableLedger(table, NOBODY, LEASE) for _ in range(count)]
        took: list[float] = []
        for number in range(300):
            begin = time.perf_counter()
            outcome = await ledgers[number % count].reserve(f"p95-{count}", Limits(concurrency=2 * count), 0)
            took.append(time.perf_counter() - begin)
            assert isinstance(outcome, Hold)
            await ledgers[number % count].release(outcome)
            await asyncio.sleep(random.uniform(0, 0.02))
        took.sort()
        print(f"{count} instances: p50 {took[150] * 1e3:.1f} ms, p95 {took[285] * 1e3:.1f} ms")  # noqa: T201
        for one in ledgers:
            await one.close()
