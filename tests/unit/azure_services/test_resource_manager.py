"""Azure Resource Manager over real HTTP, with the real azure-identity."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from proxy.azure_services.identity import EntraToken, Identity
from proxy.azure_services.resource_manager import LONGEST_PAGE, MAX_PAGES, ResourceManager, token_scope
from proxy.errors import ConfigurationError
from tests.fakes.clock import Clock
from tests.fakes.identity import FakeIdentity
from tests.fakes.resource_manager import RESOURCE_ID, SUBSCRIPTION, FakeResourceManager, deployment
from tests.fakes.server import Fault


@pytest.fixture
async def token(identity: Identity, azure_manager: FakeResourceManager) -> AsyncIterator[EntraToken]:
    token = EntraToken(identity, token_scope(azure_manager.url), sleep=Clock().sleep)
    yield token
    await token.close()


@pytest.fixture
async def manager(
    azure_manager: FakeResourceManager, token: EntraToken, clock: Clock
) -> AsyncIterator[ResourceManager]:
    manager = ResourceManager(azure_manager.url, token, clock=clock)
    yield manager
    await manager.close()


async def names(manager: ResourceManager) -> list[str]:
    return [one.name for one in await manager.deployments(RESOURCE_ID)]


async def fails(manager: ResourceManager, resource_id: str = RESOURCE_ID) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        await manager.deployments(resource_id)
    assert SUBSCRIPTION not in caught.value.message
    return caught.value


def test_the_scope_is_the_address_s() -> None:
    assert token_scope("https://management.azure.com") == "https://management.azure.com/.default"


async def test_the_list_is_read_with_the_identitys_token_for_this_cloud(
    manager: ResourceManager, azure_manager: FakeResourceManager, endpoint: FakeIdentity
) -> None:
    azure_manager.items = [deployment("a"), deployment("b")]
    assert await names(manager) == ["a", "b"]
    assert endpoint.calls == [azure_manager.url]
    assert azure_manager.tokens == ["fake-token-1"]
    assert azure_manager.calls == [f"{RESOURCE_ID}/deployments?api-version=2025-09-01"]


async def test_an_empty_list_is_a_list(manager: ResourceManager) -> None:
    assert await names(manager) == []


async def test_the_names_of_a_resource_group_need_no_encoding(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    odd = RESOURCE_ID.replace("rg-1", "rg_(1).x")
    assert (await fails(manager, odd)).reason == "discovery_resource_missing"
    assert azure_manager.calls == [f"{odd}/deployments?api-version=2025-09-01"]


async def test_every_page_is_read_by_its_link_as_it_is(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    azure_manager.page_size = 2
    azure_manager.items = [deployment(name) for name in "abcde"]
    assert await names(manager) == list("abcde")
    assert [call.partition("&")[2] for call in azure_manager.calls] == ["", "%24skipToken=2", "%24skipToken=4"]


async def test_a_deployment_that_moves_to_a_later_page_comes_once(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    azure_manager.page_size = 2
    azure_manager.items = [deployment(name) for name in "abbc"]
    assert await names(manager) == list("abc")


@pytest.mark.parametrize(
    "link",
    [
        "http://127.0.0.1:{other}/x",
        "http://localhost:{port}/x",
        "https://127.0.0.1:{port}/x",
        "http://user@127.0.0.1:{port}/x",
        "http://127.0.0.1:{port}@localhost:{other}/x",
        "//127.0.0.1:{port}/x",
        "/x",
        "x",
        "http://127.0.0.1:x/",
        "http://[::1",
        "ftp://127.0.0.1:{port}/",
    ],
)
async def test_a_link_to_elsewhere_is_not_followed(
    manager: ResourceManager, azure_manager: FakeResourceManager, link: str
) -> None:
    async with FakeResourceManager() as other:
        azure_manager.links = {100: link.format(port=azure_manager.port, other=other.port)}
        assert (await fails(manager)).reason == "discovery_unusable"
        assert (len(azure_manager.calls), other.calls) == (1, [])


async def test_a_redirection_is_not_followed(manager: ResourceManager, azure_manager: FakeResourceManager) -> None:
    async with FakeResourceManager() as other:
        azure_manager.moved = f"{other.url}{RESOURCE_ID}/deployments?api-version=2025-09-01"
        assert (await fails(manager)).reason == "discovery_unreachable"
        assert (len(azure_manager.calls), other.calls) == (1, [])


async def test_a_list_without_an_end_is_given_up(manager: ResourceManager, azure_manager: FakeResourceManager) -> None:
    azure_manager.links = {100: f"{azure_manager.url}{RESOURCE_ID}/deployments?api-version=2025-09-01"}
    assert (await fails(manager)).reason == "discovery_unusable"
    assert len(azure_manager.calls) == MAX_PAGES


@pytest.mark.parametrize(
    ("fault", "reason", "cure"),
    [
        (Fault(status=403), "discovery_forbidden", "Cognitive Services OpenAI User"),
        (Fault(status=401), "discovery_forbidden", "Reader"),
        (Fault(status=404), "discovery_resource_missing", "AZURE_OPENAI_RESOURCE_ID"),
        (Fault(status=429), "discovery_throttled", "by itself"),
        *((Fault(status=status), "discovery_unreachable", "AZURE_RESOURCE_MANAGER_URL") for status in (
            302, 400, 500, 503,
        )),
        *((Fault(body=body), "discovery_unusable", "AZURE_RESOURCE_MANAGER_URL") for body in (
            "", "<html>", "[]", "{}", '{"value": [7]}', '{"value": [' + "[" * 50_000,
        )),
        (Fault(body=json.dumps({"value": [], "padding": " " * LONGEST_PAGE})), "discovery_unusable", "not one of"),
    ],
)  # fmt: skip
async def test_each_failure_has_its_reason_and_cure_and_is_over_when_it_is_solved(
    manager: ResourceManager, azure_manager: FakeResourceManager, fault: Fault, reason: str, cure: str
) -> None:
    azure_manager.items, azure_manager.fault = [deployment("a")], fault
    failure = await fails(manager)
    assert (failure.reason, failure.headers) == (reason, {})
    assert cure in failure.message
    azure_manager.fault = None
    assert await names(manager) == ["a"]


async def test_a_page_of_almost_the_largest_size_is_read(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    body = json.dumps({"value": [], "padding": ""})
    azure_manager.fault = Fault(body=body.replace('""', f'"{" " * (LONGEST_PAGE - len(body))}"'))
    assert await names(manager) == []


async def test_nothing_that_answers_is_unreachable(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    await azure_manager.down()
    assert (await fails(manager)).reason == "discovery_unreachable"
    await azure_manager.up()
    assert await names(manager) == []


async def test_a_list_that_takes_too_long_is_given_up(azure_manager: FakeResourceManager, token: EntraToken) -> None:
    azure_manager.open.clear()
    manager = ResourceManager(azure_manager.url, token, patience=0.05)
    assert (await fails(manager)).reason == "discovery_unreachable"
    await manager.close()


async def test_a_refused_token_is_replaced_once(
    manager: ResourceManager, azure_manager: FakeResourceManager, endpoint: FakeIdentity
) -> None:
    azure_manager.refused = {"fake-token-1"}
    assert await names(manager) == []
    azure_manager.refused.add("fake-token-2")
    assert (await fails(manager)).reason == "discovery_forbidden"
    assert len(endpoint.calls) == 2  # not again within 30 s
    assert azure_manager.tokens == ["fake-token-1", *["fake-token-2"] * 3]


async def test_without_an_identity_the_failure_is_the_identitys(
    manager: ResourceManager, azure_manager: FakeResourceManager, endpoint: FakeIdentity
) -> None:
    endpoint.fault = Fault(status=400)
    assert (await fails(manager)).reason == "identity_unavailable"
    assert azure_manager.calls == []


@pytest.mark.parametrize(("asked", "kept"), [("90", 90), ("999999", 3600), ("9" * 400, 3600)])
async def test_when_throttled_nothing_is_sent_for_as_long_as_azure_asks(
    manager: ResourceManager, azure_manager: FakeResourceManager, clock: Clock, asked: str, kept: int
) -> None:
    azure_manager.fault = Fault(status=429, retry_after=asked)
    assert (await fails(manager)).headers == {"retry-after": asked}
    azure_manager.fault = None
    clock.advance(kept - 0.5)
    failure = await fails(manager)
    assert (failure.reason, failure.headers) == ("discovery_throttled", {"retry-after": "1"})
    assert len(azure_manager.calls) == 1
    clock.advance(0.5)
    assert await names(manager) == []


async def test_reads_at_the_same_time_do_not_disturb_each_other(
    manager: ResourceManager, azure_manager: FakeResourceManager
) -> None:
    azure_manager.items = [deployment("a")]
    assert await asyncio.gather(*(names(manager) for _ in range(8))) == [["a"]] * 8
