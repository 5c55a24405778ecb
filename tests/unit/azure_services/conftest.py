"""The fakes, and an app's own objects over them."""

from collections.abc import AsyncIterator

import aiohttp.connector
import pytest

from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.vault_client_keys import VaultClientKeys
from tests.fakes.clock import Clock
from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.resource_manager import FakeResourceManager


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeIdentity]:
    """The managed identity's endpoint, in this process's environment."""
    async with FakeIdentity() as fake:
        for name, value in fake.environ().items():
            monkeypatch.setenv(name, value)
        yield fake


@pytest.fixture
async def azure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeKeyVault]:
    """The vault on Azure's side, trusted by aiohttp for this test."""
    async with FakeKeyVault(page_size=2) as fake:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", fake.client_context())
        yield fake


@pytest.fixture
async def azure_manager() -> AsyncIterator[FakeResourceManager]:
    """Azure Resource Manager."""
    async with FakeResourceManager() as fake:
        yield fake


@pytest.fixture
async def identity(endpoint: FakeIdentity) -> AsyncIterator[Identity]:
    identity = Identity(client_id=None, managed=True)
    yield identity
    await identity.close()


@pytest.fixture
async def vault(azure: FakeKeyVault, identity: Identity) -> AsyncIterator[KeyVault]:
    vault = KeyVault(azure.url, identity)
    yield vault
    await vault.close()


@pytest.fixture
def vault_keys(vault: KeyVault) -> VaultClientKeys:
    return VaultClientKeys(vault)


@pytest.fixture
def clock() -> Clock:
    return Clock()
