"""The stand-ins, and an app's own objects over them."""

from collections.abc import AsyncIterator

import aiohttp.connector
import pytest

from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from tests.fakes.clock import Clock
from tests.fakes.identity import IdentityStandIn
from tests.fakes.key_vault import KeyVaultStandIn
from tests.fakes.resource_manager import ResourceManagerStandIn


@pytest.fixture
async def endpoint(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[IdentityStandIn]:
    """The managed identity's endpoint, in this process's environment."""
    async with IdentityStandIn() as standin:
        for name, value in standin.environ().items():
            monkeypatch.setenv(name, value)
        yield standin


@pytest.fixture
async def azure(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[KeyVaultStandIn]:
    """The vault on Azure's side, trusted by aiohttp for this test."""
    async with KeyVaultStandIn(page_size=2) as standin:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", standin.client_context())
        yield standin


@pytest.fixture
async def azure_manager() -> AsyncIterator[ResourceManagerStandIn]:
    """Azure Resource Manager."""
    async with ResourceManagerStandIn() as standin:
        yield standin


@pytest.fixture
async def identity(endpoint: IdentityStandIn) -> AsyncIterator[Identity]:
    identity = Identity(client_id=None, managed=True)
    yield identity
    await identity.close()


@pytest.fixture
async def vault(azure: KeyVaultStandIn, identity: Identity) -> AsyncIterator[KeyVault]:
    vault = KeyVault(azure.url, identity)
    yield vault
    await vault.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
