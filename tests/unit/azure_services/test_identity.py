"""The process's identity, through azure-identity and the real protocol of its endpoint."""

import asyncio
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.azure_services.identity import EntraToken, Identity, credential
from proxy.errors import ConfigurationError
from tests.fakes.clock import Clock
from tests.fakes.identity import FakeIdentity
from tests.fakes.server import Fault

SCOPE = "https://cognitiveservices.azure.com/.default"


class Now:
    """The wall clock, moved by `ahead` seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def token(identity: Identity, clock: Clock, now: Now) -> AsyncIterator[EntraToken]:
    token = EntraToken(identity, SCOPE, now=now, sleep=clock.sleep)
    yield token
    await token.close()


async def get(token: EntraToken) -> str:
    secret = await token.get()
    assert token.problem is None
    return secret.reveal()


async def fails(token: EntraToken) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        await token.get()
    assert token.problem == caught.value.reason
    return caught.value


async def test_where_azure_gives_an_identity_it_is_used_and_else_the_cli(endpoint: FakeIdentity) -> None:
    managed = credential(client_id=None, managed=True)
    assert type(managed).__name__ == "ManagedIdentityCredential"
    await managed.close()
    assert type(credential(client_id=None, managed=False)).__name__ == "AzureCliCredential"


async def test_the_user_assigned_identity_is_named(endpoint: FakeIdentity) -> None:
    endpoint.client_id = "11111111-1111-1111-1111-111111111111"
    identity = Identity(client_id=endpoint.client_id, managed=True)
    assert (await identity.get_token_info(SCOPE)).token == "fake-token-1"
    await identity.close()


async def test_without_the_cli_the_failure_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    identity = Identity(client_id=None, managed=False)
    with pytest.raises(ConfigurationError, match="az login") as caught:
        await identity.get_token_info(SCOPE)
    assert caught.value.reason == "identity_unavailable"
    await identity.close()


async def test_callers_at_the_same_time_share_one_call(token: EntraToken, endpoint: FakeIdentity) -> None:
    assert set(await asyncio.gather(*(get(token) for _ in range(100)))) == {"fake-token-1"}
    assert endpoint.calls == ["https://cognitiveservices.azure.com"]


async def test_the_sdk_is_asked_by_one_caller_at_a_time(identity: Identity, endpoint: FakeIdentity) -> None:
    await asyncio.gather(*(identity.get_token_info(SCOPE) for _ in range(10)))
    assert len(endpoint.calls) == 1


@pytest.mark.parametrize("lifetime", [3600.0, 86_400.0])
async def test_the_token_is_renewed_at_half_its_life(
    token: EntraToken, endpoint: FakeIdentity, clock: Clock, lifetime: float
) -> None:
    endpoint.lifetime = lifetime
    assert await get(token) == "fake-token-1"
    assert 0.8 * lifetime / 2 - 2 <= await clock.asleep() <= 1.2 * lifetime / 2 + 2
    await clock.next_round()
    assert await get(token) == "fake-token-2"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=400),
        Fault(status=404),
        Fault(status=410),
        Fault(status=429),
        Fault(status=500),
        Fault(body="<html>"),
        Fault(body=""),
        Fault(body="[]"),
        Fault(body='"text"'),
        Fault(body="7"),
        Fault(body='{"access_token": "canary"}'),
        Fault(body='{"access_token": "canary", "expires_on": "4000000000"}'),
        Fault(body='{"access_token": "canary", "expires_on": "soon", "resource": "r"}'),
        Fault(body='{"access_token": "canary", "expires_on": null, "resource": "r"}'),
        Fault(body='{"access_token": "canary", "expires_on": "1", "resource": "r"}'),
    ],
)
async def test_a_failing_endpoint_is_one_call_one_reason_and_recovers(
    token: EntraToken,
    endpoint: FakeIdentity,
    clock: Clock,
    fault: Fault,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint.fault = fault
    assert {(await fails(token)).reason for _ in range(3)} == {"identity_unavailable"}
    assert len(endpoint.calls) == 1
    endpoint.fault = None
    await clock.next_round()
    assert await get(token) == "fake-token-1"
    assert token.problem is None
    assert "canary" not in caplog.text


async def test_the_time_to_wait_is_carried(token: EntraToken, endpoint: FakeIdentity, clock: Clock) -> None:
    endpoint.fault = Fault(status=429, retry_after="9")
    assert (await fails(token)).headers["retry-after"] == "9"
    assert 9 <= await clock.asleep() <= 10


async def test_a_closed_endpoint_is_unavailable_and_recovers(
    token: EntraToken, endpoint: FakeIdentity, clock: Clock
) -> None:
    await endpoint.down()
    assert (await fails(token)).reason == "identity_unavailable"
    await endpoint.up()
    await clock.next_round()
    assert await get(token) == "fake-token-1"


@pytest.mark.parametrize("lifetime", [-600.0, 0.0, 5.0, 59.0])
async def test_a_token_about_to_expire_is_no_token(token: EntraToken, endpoint: FakeIdentity, lifetime: float) -> None:
    endpoint.lifetime = lifetime
    assert (await fails(token)).reason == "identity_unavailable"


async def test_the_old_token_serves_until_a_minute_before_its_end(
    token: EntraToken, endpoint: FakeIdentity, clock: Clock, now: Now
) -> None:
    await get(token)
    endpoint.fault = Fault(status=500)
    now.ahead = endpoint.lifetime - 70
    await clock.next_round()
    assert await get(token) == "fake-token-1"
    now.ahead = endpoint.lifetime - 59
    assert (await fails(token)).reason == "identity_unavailable"
    calls = len(endpoint.calls)
    await fails(token)
    assert len(endpoint.calls) == calls  # no call for each request
    endpoint.fault, endpoint.lifetime = None, 2 * endpoint.lifetime
    await clock.next_round()
    assert await get(token) == "fake-token-2"


async def test_after_a_long_sleep_of_the_machine_the_first_caller_waits_for_a_new_token(
    token: EntraToken, endpoint: FakeIdentity, now: Now
) -> None:
    await get(token)
    now.ahead, endpoint.lifetime = endpoint.lifetime, 2 * endpoint.lifetime
    assert set(await asyncio.gather(*(get(token) for _ in range(50)))) == {"fake-token-2"}


async def test_a_refused_token_is_fetched_anew_past_the_sdks_cache_once(
    token: EntraToken, endpoint: FakeIdentity
) -> None:
    old = await token.get()
    new = await asyncio.gather(*(token.renew(old) for _ in range(50)))
    assert {secret.reveal() for secret in new} == {"fake-token-2"}
    assert len(endpoint.calls) == 2
    assert (await token.renew(new[0])).reveal() == "fake-token-2"  # not again within 30 s
    assert len(endpoint.calls) == 2


async def test_a_slow_endpoint_is_waited_for_by_all_and_the_loop_stays_free(
    token: EntraToken, endpoint: FakeIdentity
) -> None:
    endpoint.open.clear()
    callers = [asyncio.create_task(get(token)) for _ in range(50)]
    await endpoint.waiting.wait()
    # The endpoint is in the same loop: had a caller held it up, nothing would have reached it.
    assert not any(caller.done() for caller in callers)
    endpoint.open.set()
    assert set(await asyncio.gather(*callers)) == {"fake-token-1"}
    assert len(endpoint.calls) == 1


async def test_our_log_lines_show_no_token_and_no_id(
    token: EntraToken, endpoint: FakeIdentity, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "proxy"):
        await get(token)
        endpoint.fault = Fault(status=500)
        await clock.next_round()
    assert [record.getMessage() for record in caplog.records if record.name.startswith("proxy.")] == [
        "identity_unavailable: the old value stays in use"
    ]


def test_the_sdks_are_not_imported_before_they_are_used() -> None:
    program = (
        "import sys, proxy.azure_services.credentials, proxy.azure_services.client_keys; "
        "import proxy.azure_services.key_vault; "
        "print([name for name in sys.modules if name.split('.')[0] in ('azure', 'msal', 'aiohttp')])"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
