"""The models that another server lists, read over a real connection."""

import json
from collections.abc import AsyncIterator

import msgspec
import pytest
from aiohttp import web

from proxy.azure_services.credentials import FixedKey, NoCredential, UpstreamCredential, bearer_header
from proxy.azure_services.model_list import LONGEST_LIST, MOST_MODELS, list_models, parse_models
from proxy.azure_services.upstream import Upstream
from proxy.config.address_rules import AddressRules
from proxy.config.http_proxy import HttpProxies
from proxy.errors import ConfigurationError
from proxy.values import Deployed, Secret
from tests.fakes.raw_azure import TIMEOUTS
from tests.fakes.server import Fault, Server


class Lister(Server):
    """Lists `models`; `asked` has the path and the key of each call."""

    def __init__(self) -> None:
        super().__init__()
        self.models: object = {"object": "list", "data": [{"id": "a/b"}, {"id": "c:latest", "owned_by": "library"}]}
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked.append((request.path, request.headers.get("Authorization")))
        return await self._faulty(self.fault) or web.json_response(self.models)


@pytest.fixture
async def lister() -> AsyncIterator[Lister]:
    async with Lister() as running:
        yield running


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(TIMEOUTS, 4, HttpProxies(), AddressRules(loopback=True))
    yield upstream
    await upstream.close()


async def test_the_models_are_those_that_the_server_lists(lister: Lister, upstream: Upstream) -> None:
    key: UpstreamCredential = FixedKey(Secret("k"), bearer_header)
    assert await list_models(upstream, lister.url, key) == (
        Deployed(name="a/b", model="a/b"),
        Deployed(name="c:latest", model="c"),
    )
    await list_models(upstream, lister.url, NoCredential())
    assert lister.asked == [("/v1/models", "Bearer k"), ("/v1/models", None)]
    assert len(upstream) == 0


async def reason(upstream: Upstream, url: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        await list_models(upstream, url, NoCredential())
    assert "127.0.0.1" not in caught.value.message
    return caught.value.reason


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (401, None, "discovery_forbidden"),
        (403, "", "discovery_forbidden"),
        (404, "404 page not found", "discovery_unusable"),
        (307, "", "discovery_unusable"),
        (429, None, "discovery_unreachable"),
        (500, "", "discovery_unreachable"),
        (200, '{"error":"Unexpected endpoint or method. (GET /v1/models)"}', "discovery_unusable"),
        (200, "[" * 100_000, "discovery_unusable"),
        (200, " " * (LONGEST_LIST + 1), "discovery_unreachable"),
    ],
)
async def test_a_server_that_lists_nothing_says_why(
    lister: Lister, upstream: Upstream, status: int, body: str | None, expected: str
) -> None:
    lister.fault = Fault(status=status, body=body)
    assert await reason(upstream, lister.url) == expected


async def test_a_server_at_a_wrong_address_or_none_lists_nothing(lister: Lister) -> None:
    upstream = Upstream(TIMEOUTS, 4, HttpProxies(), AddressRules())
    assert await reason(upstream, lister.url) == "discovery_unreachable"
    assert lister.asked == []
    await upstream.close()


def test_a_list_may_be_empty_or_long_or_have_odd_names() -> None:
    assert parse_models(b'{"object":"list","data":null}') == parse_models(b'{"data":[]}') == ()
    long = {"data": [{"id": str(number)} for number in range(MOST_MODELS + 1)]}
    assert len(parse_models(json.dumps(long).encode())) == MOST_MODELS
    odd = {"data": [{"id": name} for name in ("", "a b", "a\n", "-a", "é", "x" * 257, "good")]}
    assert [one.name for one in parse_models(json.dumps(odd).encode())] == ["good"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"data":[{"name":"a"}]}', b'{"data":{}}', b"\xff"])
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
        parse_models(body)
