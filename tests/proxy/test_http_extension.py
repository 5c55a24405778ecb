"""How the extension serves inside the worker's process."""

import asyncio
import signal

import aiohttp
from starlette.requests import Request
from starlette.responses import Response

from proxy.http_extension import Server, WebApp, WebServer


def extension() -> WebServer:
    web_app = WebApp()

    @web_app.route
    async def handler(request: Request) -> Response:
        return Response(request.url.path)

    return WebServer("127.0.0.1", 0, web_app)


def test_the_signals_of_the_process_stay_with_the_worker() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Server(extension().config()).capture_signals():
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_idle_connections_outlive_the_host_s_and_streams_do_not_outlive_the_end() -> None:
    config = extension().config()
    assert config.timeout_keep_alive > 60
    assert config.timeout_graceful_shutdown is not None
    assert config.timeout_graceful_shutdown <= 10


def test_nothing_is_logged_or_added_for_a_request() -> None:
    config = extension().config()
    assert not config.access_log
    assert not config.server_header
    assert not config.date_header
    assert config.http == "httptools"


async def test_requests_are_served() -> None:
    server = Server(extension().config())
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({serving}, timeout=0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/path") as answer:
        assert await answer.text() == "/path"
        assert "server" not in answer.headers
    server.should_exit = True
    await serving
