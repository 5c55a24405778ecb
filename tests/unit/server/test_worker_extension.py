"""How the extension serves inside the worker's process."""

import asyncio
import signal

import aiohttp
from proxy.http_extension import Server, WebApp, WebServer
from starlette.requests import Request
from starlette.responses import Response


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


async def test_a_second_leg_of_an_invocation_is_refused_at_once_while_the_first_runs_and_after_it() -> None:
    web_app = WebApp()
    arrived, may_answer = asyncio.Event(), asyncio.Event()
    handled: list[str] = []

    @web_app.route
    async def handler(request: Request) -> Response:
        handled.append(request.url.path)
        arrived.set()
        await may_answer.wait()
        return Response("first")

    server = Server(WebServer("127.0.0.1", 0, web_app).config())
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.wait({serving}, timeout=0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/path"
    async with aiohttp.ClientSession(headers={"x-ms-invocation-id": "1"}) as http:
        first = asyncio.create_task(http.post(url).__aenter__())
        await arrived.wait()
        async with http.post(url) as second:
            assert (second.status, second.headers["retry-after"]) == (503, "1")
        may_answer.set()
        assert await (await first).text() == "first"
        async with http.post(url) as later:
            assert later.status == 503
        async with http.post(url, headers={"x-ms-invocation-id": "2"}) as other:
            assert other.status == 200
    assert len(handled) == 2
    server.should_exit = True
    await serving


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
