"""Clients with tokens of Microsoft Entra ID: a test issuer over a real connection, with real keys and signatures."""

import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.azure_services.entra_clients import EntraClients
from proxy.azure_services.tenant_keys import TenantKeys
from proxy.config.entra import EntraAccess
from proxy.errors import ConfigurationError, Unauthenticated
from proxy.values import Client, Limits
from tests.fakes.clock import Clock
from tests.fakes.entra import APPLICATION, AUDIENCE, GROUP, TOO_SHORT, USER, FakeEntra
from tests.processes import REPOSITORY
from tests.unit.azure_services.test_tenant_keys import settings_of

OTHER = "99999999-9999-9999-9999-999999999999"
LIMITS = EntraAccess(
    roles={"Chat.User": Limits(rpm=60)}, groups={GROUP: Limits(models=("gpt-5*",))}, admits_others=False
)


@pytest.fixture
async def entra() -> AsyncIterator[FakeEntra]:
    async with FakeEntra() as fake:
        yield fake


@pytest.fixture
async def clients(entra: FakeEntra, clock: Clock) -> AsyncIterator[EntraClients]:
    keys = TenantKeys(settings_of(entra), sleep=clock.sleep, clock=clock)
    yield EntraClients(settings_of(entra), keys)
    await keys.close()


async def reason(clients: EntraClients, token: str) -> str | None:
    with pytest.raises(Unauthenticated) as caught:
        await clients.identify(token)
    assert token not in caught.value.message
    return caught.value.reason


async def test_a_user_is_known_by_the_object_id(clients: EntraClients, entra: FakeEntra) -> None:
    assert await clients.identify(entra.token(oid=USER.upper())) == Client(name=USER)
    assert await clients.identify(entra.old_token()) == Client(name=USER)
    assert await clients.identify(entra.old_token(aud=APPLICATION)) == Client(name=USER)
    assert await clients.identify(entra.token(aud=AUDIENCE)) == Client(name=USER)


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"])
async def test_every_signature_with_a_key_of_rsa_is_verified(
    clients: EntraClients, entra: FakeEntra, algorithm: str
) -> None:
    assert await clients.identify(entra.token(algorithm=algorithm)) == Client(name=USER)


WRONG: dict[str, tuple[Callable[[FakeEntra], str], str]] = {
    "another tenant": (lambda entra: entra.token(tid=OTHER, iss=f"{entra.url}/{OTHER}/v2.0"), "token_tenant"),
    "another tenant's issuer": (lambda entra: entra.token(iss=f"{entra.url}/{OTHER}/v2.0"), "token_tenant"),
    "another audience": (lambda entra: entra.token(aud=OTHER), "token_audience"),
    "azure openai": (lambda entra: entra.old_token(aud="https://cognitiveservices.azure.com"), "token_audience"),
    "expired": (lambda entra: entra.token(exp=int(time.time()) - 120), "token_expired"),
    "not yet valid": (lambda entra: entra.token(nbf=int(time.time()) + 120), "token_early"),
    "no expiry": (lambda entra: entra.token(exp=None), "token_malformed"),
    "an id token": (lambda entra: entra.token(azp=None), "token_not_access"),
    "no object id": (lambda entra: entra.token(oid=None), "token_unnamed"),
    "an application without a role": (lambda entra: entra.token(scp=None), "token_not_access"),
    "the algorithm none": (lambda entra: entra.unsigned(), "token_algorithm"),
    "the public key as a secret": (lambda entra: entra.confused(), "token_algorithm"),
    "another key by the name of a good one": (lambda entra: entra.token(key=7, kid="key-1"), "token_signature"),
    "an unknown key": (lambda entra: entra.token(key=7), "token_signature"),
    "a changed claim": (lambda entra: changed(entra.token(), entra.token(oid=OTHER)), "token_signature"),
    "a signature that is none": (lambda entra: entra.token().rpartition(".")[0] + ".###", "token_malformed"),
    "no signature": (lambda entra: entra.token().rpartition(".")[0] + ".", "token_signature"),
}


def changed(token: str, other: str) -> str:
    """Return a token with the claims of another one."""
    head, _, signature = token.split(".")
    return ".".join([head, other.split(".")[1], signature])


@pytest.mark.parametrize("name", WRONG)
async def test_a_token_that_is_wrong_is_refused(clients: EntraClients, entra: FakeEntra, name: str) -> None:
    make, expected = WRONG[name]
    assert await reason(clients, make(entra)) == expected


async def test_nobody_is_asked_for_the_key_of_a_token_that_is_not_for_this_proxy(
    clients: EntraClients, entra: FakeEntra
) -> None:
    await reason(clients, entra.token(aud=OTHER))
    await reason(clients, entra.unsigned())
    assert entra.calls == []


async def test_a_rotated_key_opens_at_once_and_the_withdrawn_one_for_an_hour_at_most(
    clients: EntraClients, entra: FakeEntra
) -> None:
    assert await clients.identify(entra.token(key=1))
    entra.signing = [2, 3]
    assert await clients.identify(entra.token(key=2))
    assert await clients.identify(entra.token(key=3))
    assert await reason(clients, entra.token(key=1)) == "token_signature"


@pytest.mark.filterwarnings("ignore:The RSA key is 1024 bits long")  # PyJWT, where the test signs
async def test_a_short_key_verifies_nothing(clients: EntraClients, entra: FakeEntra) -> None:
    entra.signing = [1, TOO_SHORT]
    assert await reason(clients, entra.token(key=TOO_SHORT)) == "token_signature"
    assert await clients.identify(entra.token(key=1))


@pytest.mark.parametrize("changed", [{"n": ""}, {"n": "#"}, {"e": ""}, {"n": "AQAB"}])
async def test_a_published_key_that_is_none_verifies_nothing(
    clients: EntraClients, entra: FakeEntra, changed: dict[str, str]
) -> None:
    entra.changed = changed
    assert await reason(clients, entra.token()) == "token_signature"


async def test_good_tokens_open_while_the_issuer_is_down_if_its_keys_are_known(
    clients: EntraClients, entra: FakeEntra
) -> None:
    assert await clients.identify(entra.token())
    await entra.down()
    assert await clients.identify(entra.token())
    assert await reason(clients, entra.token(key=2)) == "token_signature"


async def test_without_any_key_of_the_issuer_a_token_is_not_judged(clients: EntraClients, entra: FakeEntra) -> None:
    token = entra.token()
    await entra.down()
    with pytest.raises(ConfigurationError) as caught:
        await clients.identify(token)
    assert caught.value.reason == "entra_keys_unreachable"


@pytest.mark.parametrize(
    ("claims", "limits"),
    [
        ({"roles": ["Chat.User"]}, Limits(rpm=60)),
        ({"roles": ["Chat.User"], "scp": None}, Limits(rpm=60)),  # an application
        ({"groups": [GROUP]}, Limits(models=("gpt-5*",))),
        ({}, "token_no_access"),
        ({"_claim_names": {"groups": "src1"}, "_claim_sources": {"src1": {"endpoint": "x"}}}, "token_overage"),
        ({"hasgroups": True}, "token_overage"),
    ],
)
async def test_roles_and_groups_have_the_limits_of_the_setting(
    entra: FakeEntra, clock: Clock, claims: dict[str, Any], limits: Limits | str
) -> None:
    settings = replace(settings_of(entra), access=LIMITS)
    keys = TenantKeys(settings, sleep=clock.sleep, clock=clock)
    clients = EntraClients(settings, keys)
    if isinstance(limits, str):
        assert await reason(clients, entra.token(**claims)) == limits
    else:
        assert await clients.identify(entra.token(**claims)) == Client(name=USER, limits=limits)
    await keys.close()


def test_pyjwt_is_not_imported_before_the_first_token() -> None:
    slow = "{'jwt', 'cryptography', 'aiohttp'}"
    script = f"import sys, proxy.pipeline.entra_authentication; print(sorted({slow} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
