"""The doctor on broken set-ups: each gives exactly its finding, with the command that mends it, and tells no secret."""

import inspect
import logging
from collections.abc import AsyncIterator

import aiohttp.connector
import msgspec
import pytest
import pytest_asyncio
import trustme

from proxy.diagnosis.findings import Event, Finding, Progress, State, Summary, encode
from proxy.diagnosis.table import FINDINGS, Severity
from proxy.pipeline.doctor.budgets import TABLE
from proxy.pipeline.doctor.run import LONGEST_RUN, examine
from tests.integration.broken_clients import BROKEN_CLIENTS, SOUND_CLIENTS
from tests.integration.broken_servers import BROKEN_SERVERS, SOUND_SERVER
from tests.integration.broken_setups import (
    AZURE_KEY,
    BROKEN,
    CANARY,
    CLIENT_KEY,
    Break,
    Broken,
    OneAnswer,
    World,
    sound_world,
)
from tests.processes import REPOSITORY

# Seconds after which Azure's load balancer ends what is silent.
PLATFORM_PATIENCE = 230.0


@pytest.fixture(scope="session")
def ca() -> trustme.CA:
    return trustme.CA()


@pytest_asyncio.fixture(loop_scope="session")
async def world(ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    async with sound_world(ca) as sound:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", sound.vault.client_context())
        yield sound


async def run(world: World, monkeypatch: pytest.MonkeyPatch, longest: float = LONGEST_RUN) -> list[Event]:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):  # where the SDK looks
        if name in world.environ:
            monkeypatch.setenv(name, world.environ[name])
        else:
            monkeypatch.delenv(name, raising=False)

    def read(path: str) -> bytes:
        return msgspec.json.encode(world.prices) if path == TABLE else REPOSITORY.joinpath(path).read_bytes()

    events = examine(world.environ, read, calls=world.calls, now=world.now, longest=longest)
    return [event async for event in events]


async def spoil(world: World, change: Break) -> None:
    done = change(world)
    if inspect.isawaitable(done):
        await done


def findings(events: list[Event]) -> list[Finding]:
    return [event for event in events if isinstance(event, Finding)]


def summary_of(events: list[Event]) -> Summary:
    (last,) = [event for event in events if isinstance(event, Summary)]
    assert events[-1] is last
    return last


async def test_a_sound_set_up_has_no_findings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    events = await run(world, monkeypatch)
    assert findings(events) == []
    assert summary_of(events) == Summary(faults=0, warnings=0, exit_code=0)
    states = {event.state for event in events if isinstance(event, Progress)}
    assert states == {State.RUNNING, State.OK, State.SKIPPED}
    skipped = [event.check for event in events if isinstance(event, Progress) and event.state is State.SKIPPED]
    assert skipped == ["tenant", "ledger", "usage"]
    assert not any(call.method == "POST" for call in world.simulator.requests)


async def test_with_calls_each_deployment_is_called_for_one_token_and_says_its_quota(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.calls = True
    events = await run(world, monkeypatch)
    assert findings(events) == []
    (call,) = [call for call in world.simulator.requests if call.method == "POST"]
    assert b'"max_completion_tokens":1' in call.body
    details = [event.detail for event in events if isinstance(event, Progress)]
    assert any("999 of 1000 requests left" in detail for detail in details)


async def test_the_emulator_of_tables_is_read_without_an_identity(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = b'{"odata.error": {"code": "ResourceNotFound", "message": {"lang": "en", "value": "There is none."}}}'
    server = await world.extra.enter_async_context(OneAnswer(404, missing))
    store = f"http://127.0.0.1:{server.port}/devstoreaccount1"
    world.environ = {
        "AZURE_OPENAI_ENDPOINT": world.simulator.url,
        "AZURE_OPENAI_API_KEY": AZURE_KEY,
        "CLIENT_KEYS": f"alice={CLIENT_KEY}",
        "LIMITS_STORE": store,
        "USAGE_STORE": store,
    }
    events = await run(world, monkeypatch)
    assert findings(events) == []
    read = {event.check for event in events if isinstance(event, Progress) and "can be read" in event.detail}
    assert read == {"ledger", "usage"}


async def test_a_run_that_takes_too_long_ends_as_it_is_and_is_no_success(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.identity.open.clear()
    events = await run(world, monkeypatch, longest=0.1)
    assert findings(events) == []
    assert summary_of(events) == Summary(faults=0, warnings=0, exit_code=2, is_complete=False)
    assert LONGEST_RUN < PLATFORM_PATIENCE


@pytest.mark.parametrize("change", [*SOUND_CLIENTS.values(), SOUND_SERVER], ids=[*SOUND_CLIENTS, "a server"])
async def test_another_sound_set_up_has_no_findings(
    world: World, change: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    await spoil(world, change)
    assert findings(await run(world, monkeypatch)) == []


@pytest.mark.parametrize("broken", [*BROKEN, *BROKEN_CLIENTS, *BROKEN_SERVERS], ids=lambda broken: broken.name)
async def test_a_broken_set_up_gives_exactly_its_finding_and_cure_and_no_secret(
    world: World, broken: Broken, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    await spoil(world, broken.spoil)
    events = await run(world, monkeypatch)
    found = findings(events)
    assert tuple(one.code for one in found) == broken.codes, found
    assert any(broken.cure in one.cure for one in found), [one.cure for one in found]
    is_fault = any(FINDINGS[code].severity is Severity.FAULT for code in broken.codes)
    assert summary_of(events).exit_code == (2 if is_fault else 1)
    assert CANARY not in b"".join(map(encode, events)).decode()
    assert CANARY not in repr(events)
    assert CANARY not in caplog.text
