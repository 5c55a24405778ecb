"""Calls to Azure through an HTTP proxy, which leads them to a server of this machine."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator

import aiohttp.connector
import pytest
from aiohttp import web

from proxy.azure_services.http_client import HttpClient
from proxy.config.http_proxy import HttpProxies
from proxy.config.settings import Settings
from proxy.config.timeouts import Timeouts
from proxy.errors import UpstreamError
from proxy.values import UpstreamRequest
from tests.fakes.http_proxy import ANY_ADDRESS, FakeHttpProxy
from tests.fakes.raw_azure import KEY, Sendings
from tests.fakes.server import Server

TIMEOUTS = Timeouts(connect=1.0, first_byte=5.0, idle=1.0, total=5.0)
NAME = "https://name.openai.azure.com"
LOGIN = "us er:p@ss:w%rd"
ENCODED_LOGIN = "us%20er:p%40ss%3Aw%25rd"


class Azure(Server):
    """Answers with the Host that it was called by."""

    async def _answer(self, request: web.Request) -> web.Response:
        assert "Proxy-Authorization" not in request.headers
        return web.Response(text=f"{request.host} {request.headers['api-key']}")


@pytest.fixture
async def azure() -> AsyncIterator[Azure]:
    async with Azure() as server:
        yield server


@pytest.fixture
async def proxy(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeHttpProxy]:
    async with FakeHttpProxy(azure.port) as fake:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", fake.client_context())
        yield fake


def proxies(**environ: str) -> HttpProxies:
    return Settings.from_environ({"AZURE_OPENAI_ENDPOINT": NAME, **environ}).http_proxies


async def fetch(way: HttpProxies, *urls: str) -> list[str]:
    client = HttpClient(TIMEOUTS, 8, way)
    try:
        return [await _text(client, url) for url in urls]
    finally:
        await client.close()


async def _text(client: HttpClient, url: str) -> str:
    request = UpstreamRequest(method="POST", url=f"{url}/openai/v1/x", headers={}, body=b"{}")
    answer = await client.send(request, KEY, Sendings().begin)
    try:
        return (await answer.read_whole(1000)).decode()
    finally:
        answer.close()


async def test_a_call_goes_through_the_proxy_and_its_tunnel_is_used_again(proxy: FakeHttpProxy) -> None:
    answers = await fetch(proxies(HTTPS_PROXY=proxy.url), NAME, NAME)
    assert answers == ["name.openai.azure.com secret"] * 2
    assert proxy.tunnels == ["name.openai.azure.com:443"]


async def test_each_host_has_a_tunnel_of_its_own(proxy: FakeHttpProxy) -> None:
    names = [NAME, "https://other.openai.azure.us", "https://a.services.ai.azure.com:8443", NAME]
    answers = await fetch(proxies(HTTPS_PROXY=proxy.url), *names)
    assert [answer.split(" ")[0] for answer in answers] == [name.removeprefix("https://") for name in names]
    assert proxy.tunnels == [
        "name.openai.azure.com:443", "other.openai.azure.us:443", "a.services.ai.azure.com:8443",
    ]  # fmt: skip


async def test_the_credentials_of_the_proxy_go_to_the_proxy_alone(
    azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeHttpProxy(azure.port, login=LOGIN) as proxy:
        monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", proxy.client_context())
        address = f"http://{ENCODED_LOGIN}@127.0.0.1:{proxy.port}"
        assert await fetch(proxies(HTTPS_PROXY=address), NAME) == ["name.openai.azure.com secret"]
        assert (len(proxy.tunnels), proxy.refused) == (1, 0)


@pytest.mark.parametrize("login", ["", "someone:else@"])
async def test_a_proxy_that_refuses_is_an_error_without_its_address(azure: Azure, login: str) -> None:
    async with FakeHttpProxy(azure.port, login=LOGIN) as proxy:
        with pytest.raises(UpstreamError, match="HTTP proxy on the way") as caught:
            await fetch(proxies(HTTPS_PROXY=f"http://{login}127.0.0.1:{proxy.port}"), NAME)
        assert (proxy.refused, proxy.tunnels) == (1, [])
    assert "127.0.0.1" not in caught.value.message
    assert caught.value.__suppress_context__


async def test_a_proxy_that_is_not_there_is_an_error(proxy: FakeHttpProxy) -> None:
    address = proxy.url
    await proxy.__aexit__()
    with pytest.raises(UpstreamError, match="HTTP proxy on the way"):
        await fetch(proxies(HTTPS_PROXY=address), NAME)


async def test_what_stands_behind_the_proxy_must_have_the_hosts_certificate(proxy: FakeHttpProxy) -> None:
    with pytest.raises(UpstreamError):
        await fetch(proxies(HTTPS_PROXY=proxy.url), "https://name.example.com")
    assert proxy.tunnels == ["name.example.com:443"]


async def test_no_proxy_leads_directly_to_the_host(proxy: FakeHttpProxy) -> None:
    here = f"https://{ANY_ADDRESS}:{proxy.tls_port}"
    assert await fetch(proxies(HTTPS_PROXY=proxy.url), here) == [f"{ANY_ADDRESS}:{proxy.tls_port} secret"]
    assert len(proxy.tunnels) == 1
    assert await fetch(proxies(HTTPS_PROXY=proxy.url, NO_PROXY=ANY_ADDRESS), here)
    assert len(proxy.tunnels) == 1


async def test_this_machine_is_called_directly(proxy: FakeHttpProxy, azure: Azure) -> None:
    here = f"http://127.0.0.1:{azure.port}"
    assert await fetch(proxies(HTTP_PROXY=proxy.url, ALL_PROXY=proxy.url), here) == [f"127.0.0.1:{azure.port} secret"]
    assert proxy.tunnels == []


async def test_the_environment_of_the_process_is_not_asked(
    proxy: FakeHttpProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert await fetch(proxies(HTTPS_PROXY=proxy.url), NAME)
    monkeypatch.setenv("HTTPS_PROXY", proxy.url)
    assert await fetch(proxies(), f"https://{ANY_ADDRESS}:{proxy.tls_port}")
    assert len(proxy.tunnels) == 1


PROGRAM = """
import asyncio, os
from proxy.azure_services.http_client import HttpClient
from proxy.azure_services.sending import Sending
from proxy.values import UpstreamRequest
from proxy.config.settings import Settings

async def main():
    settings = Settings.from_environ(os.environ)
    client = HttpClient(settings.timeouts, 8, settings.http_proxies)
    request = UpstreamRequest(method="GET", url=settings.resources[0].endpoint + "/openai/v1/x", headers={}, body=b"")
    answer = await client.send(request, ("api-key", "secret"), lambda: Sending(lambda _: None))
    print((await answer.read_whole(1000)).decode())
    answer.close()
    await client.close()

asyncio.run(main())
"""


async def test_a_process_with_the_fakes_environment_needs_no_switch(proxy: FakeHttpProxy) -> None:
    environ = os.environ | proxy.environ() | {"AZURE_OPENAI_ENDPOINT": NAME}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, env=environ, stdout=asyncio.subprocess.PIPE
    )
    assert (await process.communicate())[0] == b"name.openai.azure.com secret\n"
