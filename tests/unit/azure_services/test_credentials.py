"""The credential for Azure OpenAI, over the real SDKs, while keys rotate and things break."""

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import pytest

from proxy.azure_services.credentials import BearerToken, FixedKey, NoCredential, UpstreamCredential, VaultKey
from proxy.azure_services.identity import EntraToken, Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.errors import ConfigurationError
from proxy.values import Secret
from tests.fakes.clock import Clock
from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault

NAME = "azure-openai-key"


@pytest.fixture
async def vault_key(vault: KeyVault, clock: Clock) -> AsyncIterator[VaultKey]:
    key = VaultKey(partial(vault.read, NAME, setting="AZURE_OPENAI_KEY_SECRET"), sleep=clock.sleep)
    yield key
    await key.close()


@pytest.fixture
async def bearer(identity: Identity, clock: Clock) -> AsyncIterator[BearerToken]:
    token = EntraToken(identity, "https://cognitiveservices.azure.com/.default", sleep=clock.sleep)
    bearer = BearerToken(token)
    yield bearer
    await bearer.close()


class AzureOpenAI:
    """Accept some headers; what becomes of a 401 is decided in `call`."""

    def __init__(self, *accepted: str) -> None:
        self.accepted = set(accepted)
        self.refusals = 0

    async def call(self, credential: UpstreamCredential) -> bool:
        header = await credential.header()
        if header[1] in self.accepted:
            return True
        self.refusals += 1
        return await credential.renew(header) and (await credential.header())[1] in self.accepted


async def fails(credential: UpstreamCredential) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await credential.header()
    assert credential.problem == caught.value.reason
    return caught.value.reason


async def test_a_server_that_asks_for_no_key_gets_none() -> None:
    credential: UpstreamCredential = NoCredential()
    credential.start()
    assert (credential.problem, await credential.header()) == (None, ("", ""))
    assert not await credential.renew(await credential.header())
    await credential.close()


async def test_a_fixed_key_is_what_it_is() -> None:
    credential: UpstreamCredential = FixedKey(Secret("canary"))
    credential.start()
    assert await credential.header() == ("api-key", "canary")
    assert not await credential.renew(("api-key", "canary"))
    assert credential.problem is None
    await credential.close()


async def test_a_key_of_the_vault_is_read_once_for_all_requests(vault_key: VaultKey, azure: FakeKeyVault) -> None:
    azure.put(NAME, "canary")
    headers = await asyncio.gather(*(vault_key.header() for _ in range(100)))
    assert set(headers) == {("api-key", "canary")}
    assert azure.calls == [f"get {NAME}"]


async def test_it_is_read_again_after_about_half_an_hour(
    vault_key: VaultKey, azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put(NAME, "canary-1")
    vault_key.start()
    assert 24 * 60 <= await clock.asleep() <= 36 * 60
    azure.put(NAME, "canary-2")
    await clock.next_round()
    assert await vault_key.header() == ("api-key", "canary-2")


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=403), "key_vault_forbidden"),
        (Fault(status=404), "key_vault_secret_missing"),
        (Fault(status=500), "key_vault_unreachable"),
    ],
)
async def test_a_failure_at_the_start_is_told_and_solved_without_a_restart(
    vault_key: VaultKey, azure: FakeKeyVault, clock: Clock, fault: Fault, reason: str
) -> None:
    azure.put(NAME, "canary")
    azure.fault = fault
    assert {await fails(vault_key) for _ in range(5)} == {reason}
    assert len(azure.calls) == 1
    azure.fault = None
    assert await clock.asleep() <= 30
    await clock.next_round()
    assert await vault_key.header() == ("api-key", "canary")
    assert vault_key.problem is None


async def test_throttling_is_waited_out(vault_key: VaultKey, azure: FakeKeyVault, clock: Clock) -> None:
    azure.put(NAME, "canary")
    azure.fault = Fault(status=429, retry_after="12")
    assert await fails(vault_key) == "key_vault_throttled"
    assert 12 <= await clock.asleep() <= 13
    azure.fault = None
    await clock.next_round()
    assert await vault_key.header() == ("api-key", "canary")
    assert len(azure.calls) == 2


async def test_a_vault_that_is_down_at_the_start_comes_back(
    vault_key: VaultKey, azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put(NAME, "canary")
    await azure.down()
    assert await fails(vault_key) == "key_vault_unreachable"
    await azure.up()
    await clock.next_round()
    assert await vault_key.header() == ("api-key", "canary")


async def test_a_vault_that_goes_down_later_is_not_noticed(
    vault_key: VaultKey, azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put(NAME, "canary")
    await vault_key.header()
    await clock.asleep()
    await azure.down()
    for _ in range(5):
        await clock.next_round()
        assert await vault_key.header() == ("api-key", "canary")
    assert vault_key.problem is None


async def test_a_key_that_becomes_empty_leaves_the_old_one(
    vault_key: VaultKey, azure: FakeKeyVault, clock: Clock
) -> None:
    azure.put(NAME, "canary")
    await vault_key.header()
    azure.put(NAME, " ")
    await clock.next_round()
    assert await vault_key.header() == ("api-key", "canary")


async def test_no_request_fails_while_the_key_rotates(vault_key: VaultKey, azure: FakeKeyVault) -> None:
    azure.put(NAME, "canary-1")
    upstream = AzureOpenAI("canary-1")
    assert await upstream.call(vault_key)
    azure.put(NAME, "canary-2")
    upstream.accepted = {"canary-2"}  # the old key dies before the proxy has read the new one
    assert all(await asyncio.gather(*(upstream.call(vault_key) for _ in range(200))))
    assert azure.calls == [f"get {NAME}"] * 2
    before = upstream.refusals
    assert await upstream.call(vault_key)
    assert upstream.refusals == before


async def test_a_key_that_azure_refuses_for_good_costs_one_read_in_half_a_minute(
    vault_key: VaultKey, azure: FakeKeyVault
) -> None:
    azure.put(NAME, "canary")
    upstream = AzureOpenAI()
    for _ in range(20):
        assert not await upstream.call(vault_key)
    assert azure.calls == [f"get {NAME}"] * 2


async def test_no_request_fails_when_a_token_is_revoked(bearer: BearerToken, endpoint: FakeIdentity) -> None:
    upstream = AzureOpenAI("Bearer fake-token-1")
    bearer.start()
    assert await upstream.call(bearer)
    assert await bearer.header() == ("Authorization", "Bearer fake-token-1")
    upstream.accepted = {"Bearer fake-token-2"}
    assert all(await asyncio.gather(*(upstream.call(bearer) for _ in range(200))))
    assert len(endpoint.calls) == 2


async def test_a_token_that_azure_gives_again_is_not_new(bearer: BearerToken, endpoint: FakeIdentity) -> None:
    endpoint.fixed = "canary"
    assert not await bearer.renew(await bearer.header())
    assert len(endpoint.calls) == 2


async def test_a_missing_identity_is_told_and_solved_without_a_restart(
    bearer: BearerToken, endpoint: FakeIdentity, clock: Clock
) -> None:
    endpoint.fault = Fault(status=400)
    assert await fails(bearer) == "identity_unavailable"
    endpoint.fault = None
    await clock.next_round()
    assert await bearer.header() == ("Authorization", "Bearer fake-token-1")
