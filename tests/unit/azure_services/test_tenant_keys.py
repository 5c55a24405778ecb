"""The keys of a tenant, over a real connection: fetched, cached, rotated, and kept while Microsoft Entra ID is down."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.azure_services.tenant_keys import LONGEST_DOCUMENT, TenantKeys
from proxy.config.entra import EntraAccess, EntraSettings
from proxy.config.http_proxy import HttpProxies, HttpProxy
from proxy.errors import ConfigurationError
from tests.fakes.clock import Clock
from tests.fakes.entra import APPLICATION, AUDIENCE, FakeEntra
from tests.fakes.http_proxy import FakeHttpProxy
from tests.fakes.server import Fault


def settings_of(entra: FakeEntra) -> EntraSettings:
    return EntraSettings(
        authority=entra.url, tenant=entra.tenant, audiences=(AUDIENCE, APPLICATION), access=EntraAccess()
    )


@pytest.fixture
async def entra() -> AsyncIterator[FakeEntra]:
    async with FakeEntra() as fake:
        yield fake


@pytest.fixture
async def keys(entra: FakeEntra, clock: Clock) -> AsyncIterator[TenantKeys]:
    keys = TenantKeys(settings_of(entra), sleep=clock.sleep, clock=clock)
    yield keys
    await keys.close()


async def test_the_keys_are_fetched_once(keys: TenantKeys, entra: FakeEntra) -> None:
    entra.signing = [1, 2]
    for number in (1, 2, 1):
        key = await keys.find(f"key-{number}")
        assert key is not None
        assert key.kid == f"key-{number}"
    assert len(entra.calls) == 2
    assert keys.problem is None


async def test_requests_at_the_same_time_share_one_fetch(keys: TenantKeys, entra: FakeEntra) -> None:
    found = await asyncio.gather(*(keys.find("key-1") for _ in range(20)))
    assert None not in found
    assert len(entra.calls) == 2


async def test_a_key_that_was_added_is_found_at_once(keys: TenantKeys, entra: FakeEntra) -> None:
    assert await keys.find("key-1") is not None
    entra.signing = [2, 1]
    assert await keys.find("key-2") is not None


async def test_unknown_keys_cause_one_fetch_in_half_a_minute(keys: TenantKeys, entra: FakeEntra, clock: Clock) -> None:
    await keys.find("key-1")
    entra.calls.clear()
    for number in range(50):
        assert await keys.find(f"unknown-{number}") is None
    assert len(entra.calls) == 2
    clock.now += 31
    assert await keys.find("unknown") is None
    assert len(entra.calls) == 4


async def test_a_key_that_was_withdrawn_is_gone_after_an_hour(keys: TenantKeys, entra: FakeEntra, clock: Clock) -> None:
    await keys.find("key-1")
    entra.signing = [2]
    await clock.asleep()
    clock.advance(3600 * 1.2)
    await clock.asleep()
    assert await keys.find("key-1") is None


async def test_the_old_keys_work_while_microsoft_entra_id_is_down(
    keys: TenantKeys, entra: FakeEntra, clock: Clock
) -> None:
    await keys.find("key-1")
    await entra.down()
    for _ in range(3):
        await clock.asleep()
        clock.advance(3600 * 1.2)
        assert await keys.find("key-1") is not None
    assert await keys.find("key-2") is None
    assert keys.problem is None


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault(status=500), "entra_keys_unreachable"),
        (Fault(status=302), "entra_keys_unreachable"),
        (Fault(status=400), "entra_keys_unusable"),
        (Fault(body="<html>"), "entra_keys_unusable"),
        (Fault(body='{"keys": []}'), "entra_keys_unusable"),
        (Fault(body=f'"{"x" * LONGEST_DOCUMENT}"'), "entra_keys_unusable"),
    ],
)
async def test_without_keys_the_error_says_what_to_do(
    keys: TenantKeys, entra: FakeEntra, fault: Fault, reason: str
) -> None:
    entra.fault = fault
    with pytest.raises(ConfigurationError, match="CLIENT_ENTRA_TENANT") as caught:
        await keys.find("key-1")
    assert (caught.value.reason, caught.value.status, keys.problem) == (reason, 503, reason)


async def test_a_host_that_is_down_at_first_is_asked_again(keys: TenantKeys, entra: FakeEntra, clock: Clock) -> None:
    await entra.down()
    with pytest.raises(ConfigurationError):
        await keys.find("key-1")
    await entra.up()
    await clock.asleep()
    clock.advance(60)
    await clock.asleep()
    assert await keys.find("key-1") is not None


async def test_the_keys_of_another_issuer_or_host_are_not_taken(keys: TenantKeys, entra: FakeEntra) -> None:
    entra.keys_at = "https://elsewhere.example/keys"
    with pytest.raises(ConfigurationError) as caught:
        await keys.find("key-1")
    assert caught.value.reason == "entra_keys_unusable"
    assert len(entra.calls) == 1


async def test_the_keys_are_fetched_through_the_outbound_http_proxy(entra: FakeEntra, clock: Clock) -> None:
    settings = replace(settings_of(entra), authority="https://login.example")
    async with FakeHttpProxy(entra.port) as http_proxy:
        keys = TenantKeys(settings, proxies=HttpProxies(by_scheme={"https": HttpProxy(url=http_proxy.url)}))
        with pytest.raises(ConfigurationError):  # it has no certificate of this name
            await keys.find("key-1")
        await keys.close()
    assert http_proxy.tunnels[0] == "login.example:443"
