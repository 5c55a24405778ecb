"""Client keys of the settings and of the vault, together, while the vault changes and breaks."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.config.key_format import digest_of
from proxy.values import Client, ClientKey
from tests.fakes.clock import Clock
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault

FIXED = (ClientKey(client=Client(name="fixed"), digest=digest_of("canary-fixed")),)

Lookup = dict[str, str]


def digests(keys: Mapping[str, str]) -> Lookup:
    return {name: digest_of(key) for name, key in keys.items()}


class Assembler:
    """Build a lookup by name, and count how often."""

    def __init__(self) -> None:
        self.built = 0

    def __call__(self, keys: tuple[ClientKey, ...]) -> Lookup:
        self.built += 1
        return {key.client.name: key.digest for key in reversed(keys)}


def troubles(keys: ClientKeys[Lookup]) -> set[str | None]:
    missing = keys.missing()
    return {keys.problem, missing.reason if missing else None}


@pytest.fixture
def assembler() -> Assembler:
    return Assembler()


@pytest.fixture
async def keys(vault_keys: VaultClientKeys, clock: Clock, assembler: Assembler) -> AsyncIterator[ClientKeys[Lookup]]:
    keys = ClientKeys(FIXED, vault_keys.read, assembler, sleep=clock.sleep)
    yield keys
    await keys.close()


async def test_without_a_vault_there_are_the_fixed_keys(assembler: Assembler) -> None:
    keys = ClientKeys(FIXED, None, assembler)
    keys.start()
    assert await keys.current() == digests({"fixed": "canary-fixed"})
    assert (keys.missing(), keys.problem, assembler.built) == (None, None, 1)
    await keys.close()


async def test_fixed_keys_and_keys_of_the_vault_are_united(
    keys: ClientKeys[Lookup], azure: FakeKeyVault, assembler: Assembler
) -> None:
    azure.put("client-alice", "canary-a")
    callers = await asyncio.gather(*(keys.current() for _ in range(50)))
    assert callers == [digests({"fixed": "canary-fixed", "alice": "canary-a"})] * 50
    assert (azure.calls, assembler.built) == (["list", "get client-alice", "versions client-alice"], 2)
    assert troubles(keys) == {None}


async def test_an_empty_vault_is_no_failure(keys: ClientKeys[Lookup]) -> None:
    assert await keys.current() == digests({"fixed": "canary-fixed"})
    assert keys.missing() is None


async def test_a_change_takes_effect_within_a_minute(
    keys: ClientKeys[Lookup], azure: FakeKeyVault, clock: Clock, assembler: Assembler
) -> None:
    azure.put("client-alice", "canary-1", age=1000)
    azure.put("client-bob", "canary-b", age=1000)
    await keys.current()
    assert 36 <= await clock.asleep() <= 54
    await clock.next_round()
    await keys.current()
    assert assembler.built == 2  # nothing changed, nothing is built
    azure.put("client-alice", "canary-2")
    azure.remove("client-bob")
    azure.put("client-carol", "canary-c")
    await clock.next_round()
    assert await keys.current() == digests({"fixed": "canary-fixed", "alice": "canary-2", "carol": "canary-c"})
    assert assembler.built == 3


async def test_a_vault_that_fails_at_the_start_leaves_the_fixed_keys_and_comes_back(
    keys: ClientKeys[Lookup], azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put("client-alice", "canary-a")
    azure.fault = Fault(status=403)
    assert await keys.current() == digests({"fixed": "canary-fixed"})
    assert troubles(keys) == {"key_vault_forbidden"}
    azure.fault = None
    await clock.next_round()
    assert await keys.current() == digests({"fixed": "canary-fixed", "alice": "canary-a"})
    assert troubles(keys) == {None}


@pytest.mark.parametrize("fault", [Fault(status=403), Fault(status=429), Fault(status=500)])
async def test_a_vault_that_fails_later_leaves_all_keys(
    keys: ClientKeys[Lookup], azure: FakeKeyVault, clock: Clock, fault: Fault
) -> None:
    azure.put("client-alice", "canary-a")
    await keys.current()
    azure.fault = fault
    for _ in range(3):
        await clock.next_round()
        assert await keys.current() == digests({"fixed": "canary-fixed", "alice": "canary-a"})
    assert keys.missing() is None


async def test_the_dates_reach_whoever_looks_a_key_up(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put("client-alice", "canary-a", nbf=1_000_000_000, exp=1_100_000_000, age=1000)
    keys = ClientKeys((), vault_keys.read, lambda found: found, sleep=clock.sleep)
    assert [key.client for key in await keys.current()] == [
        Client(name="alice", not_before=1_000_000_000.0, expires=1_100_000_000.0)
    ]
    await keys.close()


async def test_a_new_date_alone_is_a_change(vault_keys: VaultClientKeys, azure: FakeKeyVault, clock: Clock) -> None:
    azure.put("client-alice", "canary-a", exp=1_100_000_000, age=1000)
    keys = ClientKeys((), vault_keys.read, lambda all_: [one.client.expires for one in all_], sleep=clock.sleep)
    assert await keys.current() == [1_100_000_000.0]
    azure.put("client-alice", "canary-a", exp=4_000_000_000, age=500)
    await clock.next_round()
    assert await keys.current() == [4_000_000_000.0]
    await keys.close()


async def test_no_client_is_refused_while_keys_are_added_under_load(
    keys: ClientKeys[Lookup], azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put("client-alice", "canary-a", age=1000)
    for number in range(5):
        azure.put(f"client-{number}", "canary")
        await keys.current()
        await clock.asleep()
        azure.open.clear()
        clock.advance(60)
        await azure.waiting.wait()
        azure.waiting.clear()
        lookups = await asyncio.gather(*(keys.current() for _ in range(50)))
        assert all(lookup["alice"] == digest_of("canary-a") for lookup in lookups)
        azure.open.set()
