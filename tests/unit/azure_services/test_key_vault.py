"""Key Vault as the real SDK sees it, over TLS on the loopback."""

import asyncio
import os
import sys

import pytest

from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.errors import ConfigurationError
from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault

NAME = "azure-openai-key"
SETTING = "AZURE_OPENAI_KEY_SECRET"


async def read(vault: KeyVault) -> str:
    return (await vault.read(NAME, setting=SETTING)).reveal()


async def failure_of_read(vault: KeyVault) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        await vault.read(NAME, setting=SETTING)
    return caught.value


async def test_a_secret_is_read_after_the_challenge(vault: KeyVault, azure: FakeKeyVault) -> None:
    azure.put(NAME, "canary-old")
    azure.put(NAME, "canary")
    assert await read(vault) == "canary"
    assert (azure.challenges, azure.calls) == (1, [f"get {NAME}"])


async def test_one_connection_and_one_token_serve_all_reads(
    vault: KeyVault, azure: FakeKeyVault, endpoint: FakeIdentity
) -> None:
    azure.put(NAME, "canary")
    await asyncio.gather(*(read(vault) for _ in range(20)))
    assert len(endpoint.calls) == 1
    assert azure.calls == [f"get {NAME}"] * 20


@pytest.mark.parametrize(
    ("fault", "reason", "cure"),
    [
        (Fault(status=401), "key_vault_forbidden", "Key Vault Secrets User"),
        (Fault(status=403), "key_vault_forbidden", "Key Vault Secrets User"),
        (Fault(status=404), "key_vault_secret_missing", SETTING),
        (Fault(status=429), "key_vault_throttled", "tries again by itself"),
        (Fault(status=500), "key_vault_unreachable", "KEY_VAULT_URL"),
        (Fault(status=503), "key_vault_unreachable", "KEY_VAULT_URL"),
        (Fault(body="<html>no JSON"), "key_vault_unreachable", "KEY_VAULT_URL"),
    ],
)
async def test_an_azure_failure_names_its_cure_and_is_not_tried_again(
    vault: KeyVault, azure: FakeKeyVault, fault: Fault, reason: str, cure: str
) -> None:
    azure.put(NAME, "canary")
    azure.fault = fault
    failure = await failure_of_read(vault)
    assert failure.reason == reason
    assert cure in failure.message
    assert not any(word in failure.message for word in (NAME, "127.0.0.1", "canary"))
    assert azure.calls == [f"get {NAME}"]


@pytest.mark.parametrize(("said", "carried"), [("7", "7"), ("Wed, 21 Oct 2065 07:28:00 GMT", None), (None, None)])
async def test_the_time_to_wait_is_carried(
    vault: KeyVault, azure: FakeKeyVault, said: str | None, carried: str | None
) -> None:
    azure.fault = Fault(status=429, retry_after=said)
    assert (await failure_of_read(vault)).headers.get("retry-after") == carried
    assert len(azure.calls) == 1  # The SDK did not wait and ask again.


async def test_a_closed_port_is_unreachable_at_once_and_the_next_read_recovers(
    vault: KeyVault, azure: FakeKeyVault
) -> None:
    azure.put(NAME, "canary")
    await azure.down()
    assert (await failure_of_read(vault)).reason == "key_vault_unreachable"
    await azure.up()
    assert await read(vault) == "canary"


async def test_a_host_that_is_no_vault_gets_no_token(azure: FakeKeyVault, identity: Identity) -> None:
    stranger = KeyVault(azure.url.replace("127.0.0.1", "localhost"), identity)
    assert (await failure_of_read(stranger)).reason == "key_vault_unreachable"
    assert azure.calls == []
    await stranger.close()


async def test_no_identity_is_told_from_no_vault(vault: KeyVault, azure: FakeKeyVault, endpoint: FakeIdentity) -> None:
    azure.put(NAME, "canary")
    endpoint.fault = Fault(status=400)
    assert (await failure_of_read(vault)).reason == "identity_unavailable"
    await endpoint.down()
    assert (await failure_of_read(vault)).reason == "identity_unavailable"
    assert azure.calls == []


@pytest.mark.parametrize("value", ["", " \n ", "two\nlines", "bell\x07", "k\u00e9y", "x" * 25_001])
async def test_a_value_that_cannot_be_a_header_is_refused_without_showing_it(
    vault: KeyVault, azure: FakeKeyVault, value: str
) -> None:
    azure.put(NAME, value)
    failure = await failure_of_read(vault)
    assert failure.reason == "key_vault_secret_unusable"
    assert SETTING in failure.message
    assert not value.strip() or value not in failure.message


async def test_whitespace_around_a_value_is_cut(vault: KeyVault, azure: FakeKeyVault) -> None:
    azure.put(NAME, " canary\r\n")
    assert await read(vault) == "canary"


PROGRAM = """
import asyncio, os
from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault

async def main():
    identity = Identity(client_id=None, managed="IDENTITY_ENDPOINT" in os.environ)
    vault = KeyVault(os.environ["KEY_VAULT_URL"], identity)
    print((await vault.read("azure-openai-key", setting="")).reveal())
    await vault.close()
    await identity.close()

asyncio.run(main())
"""


async def test_a_process_with_the_fakes_environment_needs_no_switch(endpoint: FakeIdentity) -> None:
    async with FakeKeyVault() as azure:
        azure.put(NAME, "canary")
        environ = os.environ | endpoint.environ() | azure.environ()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, env=environ, stdout=asyncio.subprocess.PIPE
        )
        assert (await process.communicate())[0] == b"canary\n"
