"""The keys that sign ids: the two newest enabled versions of a secret."""

import pytest

from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.signing_keys import SECRET, VaultSigningKeys
from proxy.errors import ConfigurationError
from proxy.openai_api.object_owners import Owner, SigningKey
from tests.fakes.key_vault import FakeKeyVault


async def marks(vault: KeyVault) -> tuple[str, ...]:
    return Owner("alice", await VaultSigningKeys(vault).read()).marks


def marks_of(*secrets: str) -> tuple[str, ...]:
    return Owner("alice", [SigningKey(secret) for secret in secrets]).marks


async def test_the_newest_version_signs_and_the_one_before_is_valid(vault: KeyVault, azure: FakeKeyVault) -> None:
    for number in range(3):
        azure.put(SECRET, str(number) * 32, age=300 - number)
    assert await marks(vault) == marks_of("2" * 32, "1" * 32)


async def test_a_disabled_version_signs_nothing(vault: KeyVault, azure: FakeKeyVault) -> None:
    for number in range(3):
        azure.put(SECRET, str(number) * 32, age=300 - number)
    azure.enable(SECRET, enabled=False)
    assert await marks(vault) == marks_of("1" * 32, "0" * 32)


async def test_a_vault_without_an_enabled_version_is_told(vault: KeyVault, azure: FakeKeyVault) -> None:
    azure.put(SECRET, "0" * 32)
    azure.enable(SECRET, enabled=False)
    with pytest.raises(ConfigurationError, match="no enabled version") as caught:
        await marks(vault)
    assert caught.value.reason == "key_vault_secret_missing"


async def test_a_short_key_is_told(vault: KeyVault, azure: FakeKeyVault) -> None:
    azure.put(SECRET, "canary" * 5)
    with pytest.raises(ConfigurationError, match="too short") as caught:
        await marks(vault)
    assert (caught.value.reason, "canary" in caught.value.message) == ("id_signing_key_weak", False)
