"""The platform's CORS on Flex Consumption."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.processes import HostProcess, running_host
from tests.tools.functions_host.conftest import APPS
from tests.tools.functions_host.raw import exchange, get

pytestmark = pytest.mark.asyncio(loop_scope="module")
LISTED = "https://listed.example"
PREFLIGHT = ("Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization,content-type")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def flex() -> AsyncIterator[HostProcess]:
    async with running_host(APPS / "echo", {"CORS_ALLOWED_ORIGINS": f'["{LISTED}"]'}, "--flex") as running:
        yield running


async def test_a_preflight_is_answered_by_the_platform_from_its_own_setting(flex: HostProcess) -> None:
    reply = await exchange(flex, "OPTIONS", "/x", f"Origin: {LISTED}", *PREFLIGHT)
    assert (reply.status, reply.body) == (204, b"")
    assert reply.one("access-control-allow-origin") == LISTED
    assert reply.one("access-control-allow-methods") == "POST"
    assert reply.one("access-control-allow-headers") == "authorization,content-type"


async def test_a_preflight_of_an_unlisted_origin_gets_a_204_that_allows_nothing(flex: HostProcess) -> None:
    reply = await exchange(flex, "OPTIONS", "/x", "Origin: https://other.example", *PREFLIGHT)
    assert reply.status == 204
    assert not [name for name, _ in reply.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("headers", [(), (f"Origin: {LISTED}",), PREFLIGHT])
async def test_an_options_that_is_no_preflight_reaches_the_app(flex: HostProcess, headers: tuple[str, ...]) -> None:
    assert (await exchange(flex, "OPTIONS", "/x", *headers)).json()["method"] == "OPTIONS"


async def test_the_platforms_value_replaces_the_apps_for_a_listed_origin(flex: HostProcess) -> None:
    assert (await get(flex, "/rich", f"Origin: {LISTED}")).all("access-control-allow-origin") == [LISTED]


async def test_the_apps_value_passes_for_any_other(flex: HostProcess) -> None:
    reply = await get(flex, "/rich", "Origin: https://other.example")
    assert reply.all("access-control-allow-origin") == ["https://app.example"]
