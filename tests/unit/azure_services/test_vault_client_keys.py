"""The client keys of a vault, from the first list to the last change."""

import logging
from collections.abc import Mapping

import pytest

from proxy.azure_services.vault_client_keys import VaultClientKeys
from proxy.config.key_format import digest_of
from proxy.errors import ConfigurationError
from proxy.values import Client, ClientKey
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault

NAME = "azure-openai-key"


async def keys(vault_keys: VaultClientKeys) -> dict[str, str]:
    """Return the digest of each name's current key; an earlier one that works too comes behind it."""
    return {key.client.name: key.digest for key in reversed(await vault_keys.read())}


def digests(found: Mapping[str, str]) -> dict[str, str]:
    return {name: digest_of(key) for name, key in found.items()}


async def test_secrets_named_client_are_client_keys_on_all_pages(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    for name in ("client-alice", "client-bob", "Client-Carol", "client-", NAME):
        azure.put(name, f"canary-{name}", age=1000)
    assert await keys(vault_keys) == digests(
        {
            "alice": "canary-client-alice",
            "bob": "canary-client-bob",
            "Carol": "canary-Client-Carol",
        }
    )
    assert azure.calls.count("list") == 3


async def test_dates_are_handed_on_and_a_disabled_key_is_left_out(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-early", "canary", nbf=4_000_000_000)
    azure.put("client-late", "canary", exp=1_000_000_000)
    azure.put("client-off", "canary")
    azure.enable("client-off", enabled=False)
    assert await vault_keys.read() == (
        ClientKey(client=Client(name="early", not_before=4_000_000_000.0), digest=digest_of("canary"), weak=True),
        ClientKey(client=Client(name="late", expires=1_000_000_000.0), digest=digest_of("canary"), weak=True),
    )


async def test_a_value_is_read_again_only_when_it_changed(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", "canary-1", age=1000)
    azure.put("client-bob", "canary-b", age=1000)
    await keys(vault_keys)
    assert azure.calls.count("get client-alice") == 1
    await keys(vault_keys)
    assert azure.calls.count("get client-alice") == 1
    azure.put("client-alice", "canary-2", age=500)
    assert await keys(vault_keys) == digests({"alice": "canary-2", "bob": "canary-b"})
    azure.calls.clear()
    await keys(vault_keys)
    assert [call for call in azure.calls if call.startswith("get")] == []


async def test_two_changes_within_one_second_are_both_seen(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", "canary-1", age=10)
    assert await keys(vault_keys) == digests({"alice": "canary-1"})
    azure.put("client-alice", "canary-2", age=10)
    assert await keys(vault_keys) == digests({"alice": "canary-2"})


async def test_new_removed_and_disabled_keys_take_effect(vault_keys: VaultClientKeys, azure: FakeKeyVault) -> None:
    azure.put("client-alice", "canary-a", age=1000)
    azure.put("client-bob", "canary-b", age=1000)
    await keys(vault_keys)
    azure.remove("client-alice")
    azure.enable("client-bob", enabled=False)
    azure.put("client-carol", "canary-c")
    assert await keys(vault_keys) == digests({"carol": "canary-c"})
    azure.enable("client-bob", enabled=True)
    assert await keys(vault_keys) == digests({"bob": "canary-b", "carol": "canary-c"})


async def test_one_bad_key_is_left_out_and_logged_once_without_its_name(
    vault_keys: VaultClientKeys, azure: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("client-alice", "canary"), ("client-empty", ""), ("client-gone", "canary")):
        azure.put(name, value)
    azure.faults["client-gone"] = Fault(status=404)
    with caplog.at_level(logging.INFO, "proxy.edge"):
        assert await keys(vault_keys) == digests({"alice": "canary"})
        assert await keys(vault_keys) == digests({"alice": "canary"})
    assert [record.getMessage() for record in caplog.records if record.name.startswith("proxy.")] == [
        "client keys left out: 1 key_vault_secret_missing, 1 key_vault_secret_unusable"
    ]


async def test_list_without_get_is_a_failure_and_not_an_empty_house(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", "canary")
    azure.faults["client-alice"] = Fault(status=403)
    with pytest.raises(ConfigurationError) as caught:
        await keys(vault_keys)
    assert caught.value.reason == "key_vault_forbidden"


async def test_throttling_ends_the_reading_and_what_was_read_is_not_read_again(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    for number in range(40):
        azure.put(f"client-{number:02}", "canary", age=1000)
    for number in range(8, 40):
        azure.faults[f"client-{number:02}"] = Fault(status=429, retry_after="3")
    with pytest.raises(ConfigurationError) as caught:
        await keys(vault_keys)
    assert caught.value.headers["retry-after"] == "3"
    assert sum(call.startswith("get") for call in azure.calls) < 30
    azure.faults.clear()
    assert len(await keys(vault_keys)) == 40
    assert azure.calls.count("get client-00") == 1
    assert azure.most_in_flight <= 8


async def test_secrets_named_admin_are_keys_of_operators_without_limits(
    vault_keys: VaultClientKeys, azure: FakeKeyVault
) -> None:
    azure.put("client-alice", "canary-alice", age=1000)
    azure.put("Admin-Eve", "canary-eve", tags={"rmp": "60"}, exp=4_000_000_000, age=1000)
    azure.put("admin-", "canary", age=1000)
    found = {key.client.name: key for key in await vault_keys.read()}
    assert {name: key.is_admin for name, key in found.items()} == {"alice": False, "Eve": True}
    assert found["Eve"].client.expires == 4_000_000_000
    assert not found["Eve"].locked
    assert "versions Admin-Eve" not in azure.calls
