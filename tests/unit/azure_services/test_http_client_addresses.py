"""Guarded calls go only to addresses that the rules allow, whatever a name leads to."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp.connector
import pytest
from msgspec import structs

from proxy.azure_services.http_client import HttpClient
from proxy.config.address_rules import AddressRules
from proxy.config.settings import Settings
from proxy.errors import Unreachable, UpstreamError
from proxy.values import UpstreamRequest
from tests.fakes.http_proxy import FakeHttpProxy
from tests.fakes.raw_azure import KEY, TIMEOUTS, RawAzure, Sendings, fetch, post, serving, whole

PUBLIC, INSIDE = AddressRules(), AddressRules(loopback=True, private=True)
METADATA = "169.254.169.254"


@asynccontextmanager
async def client_with(rules: AddressRules) -> AsyncIterator[HttpClient]:
    client = HttpClient(TIMEOUTS, 8, rules=rules)
    try:
        yield client
    finally:
        await client.close()


def port_of(server: RawAzure) -> int:
    return urlsplit(server.url).port or 0


def guarded(server: RawAzure, host: str = "127.0.0.1") -> UpstreamRequest:
    return structs.replace(post(server), url=f"http://{host}:{port_of(server)}/v1/x", guarded=True)


async def refused(client: HttpClient, request: UpstreamRequest) -> str:
    sendings = Sendings()
    with pytest.raises(Unreachable, match="none that the proxy may connect to") as caught:
        await fetch(client, request, sendings)
    assert caught.value.__suppress_context__
    assert len(sendings.begun) == 1
    return caught.value.message


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001", "0x7f.1", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_what_leads_to_this_machine_is_refused_before_anything_is_sent(host: str) -> None:
    async with serving(whole) as server, client_with(PUBLIC) as client:
        assert host not in await refused(client, guarded(server, host))
        assert server.connections == 0


@pytest.mark.parametrize("host", ["2130706433", "127.1", "0177.0.0.1", "0"])
async def test_a_number_that_is_no_address_leads_nowhere_at_all(host: str) -> None:
    async with serving(whole) as server, client_with(INSIDE) as client:
        with pytest.raises(UpstreamError):
            await fetch(client, guarded(server, host))
        assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0x7f000001"])
async def test_in_local_development_this_machine_is_called(host: str) -> None:
    async with serving(whole) as server, client_with(AddressRules(loopback=True)) as client:
        assert await fetch(client, guarded(server, host)) == b"hello"


async def test_a_resource_of_azure_may_have_any_address() -> None:
    async with serving(whole) as server, client_with(PUBLIC) as client:
        assert await fetch(client, post(server)) == b"hello"
        # Its connection is idle now, and none for what is guarded.
        await refused(client, guarded(server))
        assert server.connections == 1


async def test_what_gives_tokens_is_never_called() -> None:
    async with serving(whole) as server:
        rules = AddressRules(loopback=True, tokens=(("localhost", port_of(server)),))
        async with client_with(rules) as client:
            await refused(client, guarded(server))
            assert server.connections == 0


Answer = Callable[..., Any]


@pytest.fixture
def lookups(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Answer each look at a name with the next list of addresses, the last one again and again."""
    answers: list[list[str]] = []
    asked = socket.getaddrinfo

    def answer(host: str, port: int, *arguments: Any, **named: Any) -> Any:
        if host != "rebind.example":
            return asked(host, port, *arguments, **named)
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port))
            for one in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return answers


async def test_of_several_addresses_of_a_name_only_those_that_are_allowed_are_called(lookups: list[list[str]]) -> None:
    lookups.append([METADATA, "168.63.129.16", "127.0.0.1", "10.255.255.1"])
    async with serving(whole) as server, client_with(AddressRules(loopback=True)) as client:
        assert await fetch(client, guarded(server, "rebind.example")) == b"hello"
        assert server.connections == 1


@pytest.mark.parametrize("addresses", [[METADATA], [METADATA, "fe80::1"], ["0.0.0.0", "10.0.0.1"], ["8.8.8.8"]])
async def test_a_name_that_leads_nowhere_else_is_refused(lookups: list[list[str]], addresses: list[str]) -> None:
    lookups.append(addresses)
    async with serving(whole) as server, client_with(AddressRules(loopback=True)) as client:
        await refused(client, guarded(server, "rebind.example"))


async def test_the_address_that_was_checked_is_the_one_that_is_called(lookups: list[list[str]]) -> None:
    lookups += [["127.0.0.1"], [METADATA]]
    async with serving(whole) as server, client_with(INSIDE) as client:
        assert await fetch(client, guarded(server, "rebind.example")) == b"hello"
        assert len(lookups) == 1


async def test_a_name_is_checked_anew_with_every_connection(lookups: list[list[str]]) -> None:
    lookups += [["127.0.0.1"], [METADATA]]
    async with serving(whole) as server:
        for allowed in (True, False):
            async with client_with(INSIDE) as client:
                request = guarded(server, "rebind.example")
                if allowed:
                    assert await fetch(client, request) == b"hello"
                else:
                    await refused(client, request)
        assert server.connections == 1


async def test_a_server_that_is_down_is_not_called_a_wrong_address() -> None:
    async with serving(whole) as server:
        request = guarded(server)
    async with client_with(INSIDE) as client:
        with pytest.raises(Unreachable, match="could not be reached"):
            await fetch(client, request)


async def test_through_an_http_proxy_the_name_is_the_proxy_s(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(whole) as server, FakeHttpProxy(port_of(server)) as proxy:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", proxy.client_context())
        environ = {"AZURE_OPENAI_ENDPOINT": "https://a.openai.azure.com", "HTTPS_PROXY": proxy.url}
        client = HttpClient(TIMEOUTS, 8, Settings.from_environ(environ).http_proxies, PUBLIC)
        request = structs.replace(guarded(server), url="https://x.services.ai.azure.com/v1/x")
        assert await fetch(client, request) == b"hello"
        assert proxy.tunnels == ["x.services.ai.azure.com:443"]
        await client.close()


async def test_a_server_that_needs_no_key_gets_none() -> None:
    async with serving(whole) as server, client_with(INSIDE) as client:
        answer = await client.send(guarded(server), ("", ""), Sendings().begin)
        assert await answer.read_whole(9) == b"hello"
        answer.close()
        await fetch(client, guarded(server))
    without, with_key = (head.lower() for head in server.heads)
    assert KEY[0].encode() not in without
    assert b"authorization" not in without
    assert b"\r\n: " not in without
    assert KEY[0].encode() in with_key
