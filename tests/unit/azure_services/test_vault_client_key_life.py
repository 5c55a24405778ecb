"""The life of client keys in a vault: made, limited, rotated, expired, disabled; calls are counted, no clock waits."""

import asyncio
from datetime import UTC, datetime

import pytest

from proxy.auth.keys import KeyRing
from proxy.azure_services.client_keys import ClientKeys
from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.config.client_limits import LimitRules
from proxy.config.key_format import digest_of
from proxy.errors import Unauthenticated
from proxy.values import Limits
from tests.fakes.clock import Clock
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault

OLDEST = "canary-oldest-0123456789abc"
OLD, NEW = "canary-old-0123456789abcdef", "canary-new-0123456789abcdef"
NOW = 1_800_000_000.0
# What Key Vault answers in 10 s: https://learn.microsoft.com/azure/key-vault/general/service-limits
VAULT_LIMIT = 4000


def tool_tags(key: str, **limits: str) -> dict[str, str]:
    """Return the tags that `tools.keys` writes."""
    return {"sha256": digest_of(key), **limits}


def until(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


async def opens(keys: VaultClientKeys, key: str, now: float = NOW) -> bool:
    """Tell whether a key opens after the vault was listed."""
    return opened(KeyRing(await keys.read(), b"pepper"), key, now)


def opened(ring: KeyRing, key: str, now: float = NOW) -> bool:
    try:
        ring.identify({"api-key": key}, now)
    except Unauthenticated:
        return False
    return True


async def limits(keys: VaultClientKeys) -> dict[str, Limits | None]:
    return {key.client.name: key.client.limits for key in await keys.read() if not key.locked}


def problem_of(keys: ClientKeys[KeyRing]) -> str | None:
    return keys.problem


def warnings_of(keys: ClientKeys[int]) -> tuple[str, ...]:
    return keys.warnings


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.startswith("proxy.")]


async def test_a_list_is_enough_for_keys_of_the_tool(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", NEW, tags=tool_tags(NEW, rpm="60"))
    assert await opens(vault_keys, NEW)
    assert await limits(vault_keys) == {"alice": Limits(rpm=60)}
    assert azure.calls == ["list", "list"]


async def test_a_digest_that_is_none_lets_the_value_be_read(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", NEW, tags={"sha256": "canary"}, age=1000)
    assert await opens(vault_keys, NEW)
    assert "get client-alice" in azure.calls


async def test_changed_tags_are_changed_limits_without_a_read(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", NEW, tags=tool_tags(NEW, rpm="60"))
    await vault_keys.read()
    azure.tag("client-alice", tool_tags(NEW, models="gpt-5*", concurrency="2"))
    assert await limits(vault_keys) == {"alice": Limits(models=("gpt-5*",), concurrency=2)}
    assert azure.calls == ["list", "list"]


async def test_defaults_hold_for_keys_without_tags(vault: KeyVault, azure: FakeKeyVault) -> None:
    keys = VaultClientKeys(vault, LimitRules(defaults=Limits(rpm=5)))
    azure.put("client-alice", OLD, age=1000)
    azure.put("client-bob", NEW, tags={"rpm": "unlimited"}, age=1000)
    assert await limits(keys) == {"alice": Limits(rpm=5), "bob": None}


async def test_a_new_version_that_says_nothing_keeps_the_limits_of_the_version_before_and_the_log_says_so(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    azure.put("client-alice", OLD, tags={"rpm": "60"}, age=2000)
    azure.put("client-alice", NEW, age=1000)
    for _ in range(3):
        assert await limits(vault_keys) == {"alice": Limits(rpm=60)}
    assert "client key alice: the new version says nothing of limits and keeps those of the version before it" in (
        logged(caplog)
    )


async def test_a_new_version_that_was_made_by_hand_leaves_the_one_before_working_until_it_is_disabled(
    vault: KeyVault, azure: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    azure.now = lambda: NOW
    vault_keys = VaultClientKeys(vault, now=azure.now)
    azure.put("client-alice", OLDEST, age=3000)
    azure.put("client-alice", OLD, tags={"rpm": "60"}, exp=int(NOW + 3600), age=2000)
    azure.put("client-alice", NEW, age=1000)
    ring = KeyRing(await vault_keys.read(), b"pepper")
    assert [opened(ring, key) for key in (OLDEST, OLD, NEW)] == [False, True, True]
    assert [opened(ring, key, NOW + 3600) for key in (OLD, NEW)] == [False, True]
    assert {ring.identify({"api-key": key}, NOW).limits for key in (OLD, NEW)} == {Limits(rpm=60)}
    assert logged(caplog)[-1] == (
        "client key alice: the version before the current one works too, until it is disabled"
    )
    azure.calls.clear()
    assert len(await vault_keys.read()) == 2
    assert azure.calls == ["list", "versions client-alice"]  # the value of neither is read again
    azure.enable("client-alice", enabled=False, version=2)
    assert [await opens(vault_keys, key) for key in (OLDEST, OLD, NEW)] == [False, False, True]


async def test_the_overlap_of_versions_made_by_hand_may_have_an_end(vault: KeyVault, azure: FakeKeyVault) -> None:
    azure.put("client-alice", OLD, tags={"rpm": "60"}, age=2000)
    azure.put("client-alice", NEW, tags={"previous-until": until(NOW + 60)}, age=1000)
    ring = KeyRing(await VaultClientKeys(vault, now=lambda: NOW).read(), b"pepper")
    assert [opened(ring, key, NOW + 59) for key in (OLD, NEW)] == [True, True]
    assert [opened(ring, key, NOW + 60) for key in (OLD, NEW)] == [False, True]
    assert len(await VaultClientKeys(vault, now=lambda: NOW + 60).read()) == 1


async def test_a_key_of_the_tool_before_one_made_by_hand_is_known_without_its_value(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", OLD, tags=tool_tags(OLD, rpm="60"), age=2000)
    azure.put("client-alice", NEW, age=1000)
    assert (await opens(vault_keys, OLD), await opens(vault_keys, NEW)) == (True, True)
    assert azure.calls.count("get client-alice") == 1


async def test_a_key_made_by_hand_that_is_alone_is_listed_once(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", OLD, tags={"rpm": "60"}, age=2000)
    for _ in range(3):
        await vault_keys.read()
    assert sorted(azure.calls) == ["get client-alice", "list", "list", "list", "versions client-alice"]


async def test_an_earlier_value_that_cannot_be_a_key_hinders_nothing(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", "not\na key", age=2000)
    azure.put("client-alice", NEW, age=1000)
    assert await opens(vault_keys, NEW)


async def test_a_rotation_of_the_tool_without_an_overlap_ends_the_key_before(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", OLD, age=2000)
    azure.put("client-alice", NEW, tags=tool_tags(NEW), age=1000)
    assert (await opens(vault_keys, OLD), await opens(vault_keys, NEW)) == (False, True)


async def test_a_misspelt_limit_locks_the_key_and_the_log_says_why_once(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    azure.put("client-alice", NEW, tags=tool_tags(NEW, rmp="60"))
    azure.put("client-bob", OLD, tags=tool_tags(OLD, env="test"))
    for _ in range(2):
        assert not await opens(vault_keys, NEW)
        assert await opens(vault_keys, OLD)
    (line,) = logged(caplog)
    assert line.startswith("client key alice: is locked, because it has a tag `rmp`, which is no limit")
    azure.tag("client-alice", tool_tags(NEW, rpm="60"))
    assert await opens(vault_keys, NEW)


async def test_a_locked_version_locks_the_version_after_it_that_says_nothing(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", OLD, tags={"rpm": "many"}, age=2000)
    azure.put("client-alice", NEW, age=1000)
    assert not await opens(vault_keys, NEW)


async def test_both_keys_work_until_the_overlap_ends(vault: KeyVault, azure: FakeKeyVault) -> None:
    now = NOW
    keys = VaultClientKeys(vault, now=lambda: now)
    azure.put("client-alice", OLD, tags=tool_tags(OLD, rpm="60"), age=2000)
    previous = {"previous-sha256": digest_of(OLD), "previous-until": until(NOW + 3600)}
    azure.put("client-alice", NEW, tags=tool_tags(NEW, rpm="60", **previous), age=1000)
    ring = KeyRing(await keys.read(), b"pepper")
    assert [opened(ring, key, NOW + 3599) for key in (OLD, NEW)] == [True, True]
    assert [opened(ring, key, NOW + 3600) for key in (OLD, NEW)] == [False, True]
    assert {client.limits for client in [ring.identify({"api-key": key}, NOW) for key in (OLD, NEW)]} == {
        Limits(rpm=60)
    }
    azure.calls.clear()
    now = NOW + 3600
    assert len(await keys.read()) == 1
    assert azure.calls == ["list"]  # the overlap is over, and versions are listed no more


async def test_an_overlap_without_an_end_lasts_until_the_older_version_is_disabled(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", OLD, tags=tool_tags(OLD), age=2000)
    previous = {"previous-sha256": digest_of(OLD), "previous-until": "disabled"}
    azure.put("client-alice", NEW, tags=tool_tags(NEW, **previous), age=1000)
    assert (await opens(vault_keys, OLD), await opens(vault_keys, NEW)) == (True, True)
    azure.enable("client-alice", enabled=False, version=1)
    assert (await opens(vault_keys, OLD), await opens(vault_keys, NEW)) == (False, True)


async def test_disabling_the_current_version_ends_both(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", OLD, tags=tool_tags(OLD), age=2000)
    previous = {"previous-sha256": digest_of(OLD), "previous-until": "disabled"}
    azure.put("client-alice", NEW, tags=tool_tags(NEW, **previous), age=1000)
    azure.enable("client-alice", enabled=False)
    assert (await opens(vault_keys, OLD), await opens(vault_keys, NEW)) == (False, False)


async def test_a_vault_that_is_down_for_a_day_leaves_the_keys_whose_own_end_has_not_come(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    azure.put("client-alice", OLD, tags=tool_tags(OLD), exp=int(NOW + 3600))
    azure.put("client-bob", NEW, tags=tool_tags(NEW))
    keys = ClientKeys((), vault_keys.read, lambda found: KeyRing(found, b"pepper"), sleep=clock.sleep, clock=clock)
    assert len(await keys.current()) == 2
    began = clock.now
    azure.fault = Fault(status=500)
    while clock.now - began < 86_000:
        await clock.asleep()
        clock.advance(3600)
        ring = await keys.current()
        assert opened(ring, NEW, NOW + clock.now - began)
        assert opened(ring, OLD, NOW + clock.now - began) is (clock.now - began < 3600)
        assert problem_of(keys) is None
        if clock.now - began >= 82_800:
            break
    await clock.asleep()
    clock.advance(3600)
    assert len(await keys.current()) == 0
    assert problem_of(keys) == "client_keys_outdated"
    azure.fault = None
    await clock.asleep()
    clock.advance(60)
    await clock.asleep()
    assert len(await keys.current()) == 2
    assert problem_of(keys) is None
    assert any("h old; they work for 24.0 h in all" in line for line in logged(caplog))
    await keys.close()


async def test_a_locked_and_a_weak_key_are_warnings(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    azure.put("client-alice", "short", age=1000)
    azure.put("client-bob", NEW, tags=tool_tags(NEW, rmp="1"))
    keys = ClientKeys((), vault_keys.read, len)
    assert warnings_of(keys) == ()
    await keys.current()
    assert warnings_of(keys) == ("client_key_locked", "client_key_weak")
    assert "client keys of fewer than 24 characters, which can be guessed: 1" in logged(caplog)
    await keys.close()


async def test_no_lookup_waits_for_a_refresh(vault_keys: VaultClientKeys, azure: FakeKeyVault, clock: Clock) -> None:
    azure.put("client-alice", NEW, tags=tool_tags(NEW))
    keys = ClientKeys((), vault_keys.read, lambda found: KeyRing(found, b"pepper"), sleep=clock.sleep)
    await keys.current()
    await clock.asleep()
    azure.open.clear()
    clock.advance(60)
    await azure.waiting.wait()
    assert opened(await keys.current(), NEW)
    azure.open.set()
    await keys.close()


@pytest.mark.parametrize("instances", [50])
async def test_300_keys_on_50_cold_instances_stay_within_the_limit_of_the_vault(
    azure: FakeKeyVault, identity: Identity, instances: int
) -> None:
    azure.page_size = 25  # as Key Vault's
    for number in range(300):
        key = f"canary-{number:03}-0123456789abcdef"
        azure.put(f"client-{number:03}", key, tags=tool_tags(key, rpm="60"), age=1000)
    counted = []
    for _ in range(instances):
        vault = KeyVault(azure.url, identity)
        before = len(azure.calls) + azure.challenges
        assert len(await VaultClientKeys(vault).read()) == 300
        counted.append(len(azure.calls) + azure.challenges - before)
        await vault.close()
    assert max(counted) == 13  # twelve pages, and the challenge
    assert sum(counted) < VAULT_LIMIT


async def test_all_rotated_at_once_the_keys_still_stay_within_the_limit_of_the_vault(
    azure: FakeKeyVault, vault_keys: VaultClientKeys
) -> None:
    azure.page_size = 25
    for number in range(60):
        key, next_key = f"canary-{number:03}-0123456789abcdef", f"canary-{number:03}-fedcba9876543210"
        previous = {"previous-sha256": digest_of(key), "previous-until": "disabled"}
        azure.put(f"client-{number:03}", key, tags=tool_tags(key), age=1000)
        azure.put(f"client-{number:03}", next_key, tags=tool_tags(next_key, **previous), age=900)
    assert len(await asyncio.wait_for(vault_keys.read(), 60)) == 120
    assert len(azure.calls) * 50 < VAULT_LIMIT
    assert azure.most_in_flight <= 8
