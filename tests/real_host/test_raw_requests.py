"""One list of raw requests gets the same answers from Microsoft's hosts and from the host of this repository."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.processes import REPOSITORY, running_host
from tests.real_host.hosts import FLEX, FUNC, KINDS, Kind, make_folder, running_real_host
from tests.real_host.raw import Seen, exchange
from tests.real_host.requests import BODY_LIMIT, LOST, PREFLIGHTS, REQUESTS

APP = REPOSITORY / "tests" / "apps" / "raw"
ORIGINS = '["https://app.example"]'
PARSER = "aiohttp's parser refuses it before this host sees it; no client of the proxy sends it"
NO_KEYS = "Core Tools has nothing that could check a key of the host, and fails where the host answers 401"
# What stays different between the host of this repository and all of Microsoft's, and why.
DIFFERENT: Mapping[str, str] = {
    "GET x": PARSER,
    "BREW /x": PARSER,
    "get /x": PARSER,
    "a length and chunked": PARSER,
    "a wrong chunk size": PARSER,
    "a chunk extension and a trailer": "aiohttp's parser takes a trailer for a header of the next request",
    "HTTP/1.2": PARSER,
    "HTTP/3.0": PARSER,
    "the preface of HTTP/2": PARSER,
    "bare line feeds": PARSER,
}
# What stays different from Core Tools only: a 500 in place of the 401.
DIFFERENT_ON_FUNC: Mapping[str, str] = dict.fromkeys(
    (
        "GET /admin/host/status",
        "GET /admin/functions/x",
        "GET /admin/functions",
        "GET /ADMIN/functions",
        "GET /runtime/webhooks/x",
        "GET /runtime/webhooks/x/y",
        "POST /runtime/webhooks/x",
    ),
    NO_KEYS,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One of Microsoft's hosts and the host of this repository, set up alike."""

    kind: Kind
    real: str
    own: str

    def is_different(self, name: str) -> bool:
        return name in DIFFERENT or (self.kind is FUNC and name in DIFFERENT_ON_FUNC)


@pytest_asyncio.fixture(scope="module", loop_scope="session", params=KINDS, ids=lambda kind: kind.name)
async def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Pair]:
    kind: Kind = request.param
    environ = {"FUNCTIONS_REQUEST_BODY_SIZE_LIMIT": str(BODY_LIMIT), "CORS_ALLOWED_ORIGINS": ORIGINS}
    folder = make_folder(tmp_path_factory.mktemp("raw") / "app", kind, APP)
    arguments = ("--lose-requests", *(("--flex",) if kind is FLEX else ()))
    async with AsyncExitStack() as stack:
        real = await stack.enter_async_context(running_real_host(kind, folder, environ))
        own = await stack.enter_async_context(running_host(Path(folder), environ, *arguments))
        yield Pair(kind=kind, real=real.url, own=own.url)


@pytest.mark.parametrize("name", REQUESTS)
async def test_a_raw_request_gets_the_same_answer_from_both(pair: Pair, name: str) -> None:
    real, own = await _both(pair, REQUESTS[name])
    assert real.ended
    assert own.ended
    assert (own != real) if pair.is_different(name) else (own == real)


@pytest.mark.parametrize("name", PREFLIGHTS)
async def test_a_preflight_is_answered_by_the_platform_on_flex_and_by_the_app_elsewhere(pair: Pair, name: str) -> None:
    if pair.kind is FUNC:
        assert (await exchange(pair.real, PREFLIGHTS[name])).answers[
            0
        ].status == 204  # Host.CORS of local.settings.json
    else:
        real, own = await _both(pair, PREFLIGHTS[name])
        assert own == real


@pytest.mark.nightly
@pytest.mark.parametrize("name", LOST)
async def test_a_request_that_the_host_loses_ends_for_the_app_s_own_bound(pair: Pair, name: str) -> None:
    real, own = await _both(pair, LOST[name])
    assert real.answers[0].status == 500
    assert own == real


async def _both(pair: Pair, request: bytes) -> tuple[Seen, Seen]:
    return await asyncio.gather(exchange(pair.real, request), exchange(pair.own, request))
