"""What is known of a resource's deployments, over the real Azure Resource Manager client and azure-identity."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from proxy.azure_services.deployments import PENDING, Discovery
from proxy.azure_services.identity import EntraToken, Identity
from proxy.azure_services.resource_manager import CURES, ResourceManager, token_scope
from tests.fakes.clock import Clock
from tests.fakes.identity import FakeIdentity
from tests.fakes.resource_manager import RESOURCE_ID, SUBSCRIPTION, FakeResourceManager, deployment
from tests.fakes.server import Fault


@pytest.fixture
async def discovery(identity: Identity, azure_manager: FakeResourceManager, clock: Clock) -> AsyncIterator[Discovery]:
    token = EntraToken(identity, token_scope(azure_manager.url), sleep=Clock().sleep)
    manager = ResourceManager(azure_manager.url, token, clock=clock)
    discovery = Discovery("main", partial(manager.deployments, RESOURCE_ID), sleep=clock.sleep)
    yield discovery
    await discovery.close()
    await manager.close()
    await token.close()


def known(discovery: Discovery) -> list[str] | None:
    deployed = discovery.current()
    return None if deployed is None else [one.name for one in deployed]


def test_the_page_for_users_names_every_reason() -> None:
    page = (Path(__file__).parents[3] / "docs" / "resources.md").read_text("utf-8")
    assert re.findall(r"^\| `(discovery_\w+)` \|", page, re.MULTILINE) == [PENDING, *CURES]


async def test_before_it_starts_nothing_is_known_and_nothing_sent(
    discovery: Discovery, azure_manager: FakeResourceManager
) -> None:
    assert known(discovery) is None
    assert discovery.problem == "discovery_pending"
    assert azure_manager.calls == []


async def test_no_request_waits_for_the_first_list(discovery: Discovery, azure_manager: FakeResourceManager) -> None:
    azure_manager.open.clear()
    discovery.start()
    await azure_manager.waiting.wait()
    assert known(discovery) is None
    assert discovery.problem == "discovery_pending"


async def test_a_slow_identity_is_no_other_problem_than_a_slow_list(
    discovery: Discovery, endpoint: FakeIdentity
) -> None:
    endpoint.open.clear()
    discovery.start()
    await endpoint.waiting.wait()
    assert discovery.problem == "discovery_pending"


async def test_the_list_follows_the_resource_every_five_minutes_or_so(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    azure_manager.items = [deployment("stays"), deployment("goes")]
    discovery.start()
    discovery.start()
    assert 240 <= await clock.asleep() <= 360
    assert (known(discovery), discovery.problem) == (["stays", "goes"], None)
    azure_manager.items = [deployment("stays"), deployment("comes")]
    assert 240 <= await clock.next_round() <= 360
    assert known(discovery) == ["stays", "comes"]
    azure_manager.items = []
    await clock.next_round()
    assert known(discovery) == []
    assert len(azure_manager.calls) == 3


async def test_while_a_new_list_is_read_the_old_one_is_there(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    azure_manager.items = [deployment("old")]
    discovery.start()
    clock.advance(await clock.asleep())
    azure_manager.open.clear()
    await azure_manager.waiting.wait()
    assert known(discovery) == ["old"]


@pytest.mark.parametrize(
    "fault", [Fault(status=403), Fault(status=404), Fault(status=429), Fault(status=500), Fault(body="<html>")]
)
async def test_the_last_good_list_stays_while_reading_fails(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock, fault: Fault
) -> None:
    azure_manager.items = [deployment("a")]
    discovery.start()
    await clock.asleep()
    azure_manager.fault = fault
    assert await clock.next_round() <= 30
    assert (known(discovery), discovery.problem) == (["a"], None)
    azure_manager.items, azure_manager.fault = [deployment("b")], None
    await clock.next_round()
    assert known(discovery) == ["b"]


async def test_a_closed_port_keeps_the_list_too(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    azure_manager.items = [deployment("a")]
    discovery.start()
    await clock.asleep()
    await azure_manager.down()
    await clock.next_round()
    assert known(discovery) == ["a"]


async def test_a_wrong_role_is_a_problem_until_it_is_given(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    azure_manager.fault = Fault(status=403)
    discovery.start()
    assert await clock.asleep() <= 30
    assert (known(discovery), discovery.problem) == (None, "discovery_forbidden")
    azure_manager.fault = None
    await clock.next_round()
    assert (known(discovery), discovery.problem) == ([], None)


async def test_azures_own_wait_is_kept(discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock) -> None:
    azure_manager.fault = Fault(status=429, retry_after="40")
    discovery.start()
    assert 40 <= await clock.asleep() <= 41
    assert discovery.problem == "discovery_throttled"


async def test_a_missing_identity_is_told_as_such(
    discovery: Discovery, endpoint: FakeIdentity, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    endpoint.fault = Fault(status=400)
    discovery.start()
    await clock.asleep()
    assert discovery.problem == "identity_unavailable"
    assert azure_manager.calls == []


async def test_the_log_names_resource_and_cure_once_and_no_id(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    azure_manager.fault = Fault(status=403)
    with caplog.at_level(logging.DEBUG):
        discovery.start()
        await clock.asleep()
        await clock.next_round()
        azure_manager.fault = Fault(status=404)
        await clock.next_round()
    told = [record.getMessage() for record in caplog.records if record.name == "proxy.azure_services.deployments"]
    assert len(told) == 2
    assert told[0].startswith("deployments of main: Azure Resource Manager does not let the proxy list deployments.")
    assert told[1].startswith("deployments of main: Azure Resource Manager knows no such resource.")
    assert SUBSCRIPTION not in caplog.text
    assert "fake-token" not in caplog.text


async def test_closing_stops_reading_and_keeps_the_list(
    discovery: Discovery, azure_manager: FakeResourceManager, clock: Clock
) -> None:
    azure_manager.items = [deployment("a")]
    discovery.start()
    await clock.asleep()
    await discovery.close()
    clock.advance(1000)
    await asyncio.sleep(0)
    assert (known(discovery), len(azure_manager.calls)) == (["a"], 1)
