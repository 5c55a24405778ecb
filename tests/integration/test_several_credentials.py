"""Each resource opens with a key of its own; one that nobody can open is passed over."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio

from tests.fakes.identity import FakeIdentity
from tests.fakes.key_vault import FakeKeyVault
from tests.fakes.server import Fault
from tests.integration.conftest import CLIENT_KEY
from tests.integration.several import SAME_NAMES, App, entry, environ_of, told
from tests.integration.test_http import CHAT, chat
from tests.processes import REPOSITORY, running_host
from tools.azure_openai_simulator import Simulator

Came = tuple[int, tuple[str | None, str | None]]


@pytest_asyncio.fixture(loop_scope="session")
async def identity() -> AsyncIterator[FakeIdentity]:
    async with FakeIdentity() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def vault() -> AsyncIterator[FakeKeyVault]:
    async with FakeKeyVault() as running:
        running.put("key-of-one", "azure-key-1")
        running.put("key-of-two", "azure-key-2")
        running.put("client-tester", CLIENT_KEY)
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def resources() -> AsyncIterator[tuple[Simulator, Simulator]]:
    async with Simulator(keys=["azure-key-1"]).serving() as one, Simulator(keys=["azure-key-2"]).serving() as two:
        yield one, two


def entries(resources: tuple[Simulator, ...]) -> list[dict[str, object]]:
    """Return entries without any key: the second resource has other names for two models, and stands behind."""
    first, second = ({**entry(name, one.url)} for name, one in zip(("one", "two"), resources, strict=True))
    del first["api_key"], second["api_key"]
    odd = {"error-500": "gpt-4o", "gpt-4o": "gpt-4o"}
    return [
        first | {"models": SAME_NAMES | {"error-500": "error-500"}},
        second | {"models": odd, "priority": 1},
    ]


async def ask(http: aiohttp.ClientSession, model: str) -> Came:
    async with http.post(CHAT, data=chat(model)) as answer:
        return answer.status, told(answer.headers)


async def health(http: aiohttp.ClientSession) -> int:
    async with http.get("/health") as answer:
        return answer.status


async def until_healthy(http: aiohttp.ClientSession) -> None:
    while await health(http) != 200:
        pass


async def test_each_resource_gets_the_key_that_its_entry_names(
    resources: tuple[Simulator, Simulator], vault: FakeKeyVault, identity: FakeIdentity
) -> None:
    one, two = entries(resources)
    listed = [one | {"key_secret": "key-of-one"}, two | {"key_secret": "key-of-two"}]
    environ = environ_of(listed) | vault.environ() | identity.environ()
    del environ["CLIENT_KEYS"]
    async with running_host(REPOSITORY, environ) as app, App(app=app, resources=resources).http() as http:
        await until_healthy(http)
        assert await ask(http, "gpt-4o") == (200, ("0", "1"))
        assert await ask(http, "error-500") == (200, ("1", "2"))
        assert "azure-key-" not in app.output()


@pytest.mark.parametrize("missing", ["key-of-one", "key-of-two"])
async def test_a_resource_whose_key_is_missing_is_passed_over_and_the_others_serve(
    resources: tuple[Simulator, Simulator], vault: FakeKeyVault, identity: FakeIdentity, missing: str
) -> None:
    vault.remove(missing)
    one, two = entries(resources)
    listed = [one | {"key_secret": "key-of-one"}, two | {"key_secret": "key-of-two"}]
    environ = environ_of(listed) | vault.environ() | identity.environ()
    del environ["CLIENT_KEYS"]
    serving = ("1", "2") if missing == "key-of-one" else ("0", "1")
    async with running_host(REPOSITORY, environ) as app, App(app=app, resources=resources).http() as http:
        await until_healthy(http)
        assert await ask(http, "gpt-4o") == (200, serving)


async def test_a_resource_with_a_key_stands_in_for_one_that_needs_an_identity_which_fails(
    resources: tuple[Simulator, Simulator], identity: FakeIdentity
) -> None:
    identity.fault = Fault(status=500)
    one, two = entries(resources)
    environ = environ_of([one, two | {"api_key": "azure-key-2"}]) | identity.environ()
    async with running_host(REPOSITORY, environ) as app, App(app=app, resources=resources).http() as http:
        assert await ask(http, "gpt-4o") == (200, ("1", "2"))
        assert await health(http) == 200


async def test_resources_with_an_identity_and_with_a_key_stand_side_by_side(
    resources: tuple[Simulator, Simulator], identity: FakeIdentity
) -> None:
    resources[0].credentials.accepts_token = identity.tokens.__contains__
    one, two = entries(resources)
    environ = environ_of([one, two | {"api_key": "azure-key-2"}]) | identity.environ()
    async with running_host(REPOSITORY, environ) as app, App(app=app, resources=resources).http() as http:
        assert await ask(http, "gpt-4o") == (200, ("0", "1"))
        assert await ask(http, "error-500") == (200, ("1", "2"))
        revoked = set(identity.tokens)
        resources[0].credentials.accepts_token = lambda token: token in identity.tokens and token not in revoked
        assert await ask(http, "gpt-4o") == (200, ("0", "2"))  # Once with each token.
