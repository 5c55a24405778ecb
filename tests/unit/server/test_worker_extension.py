"""How the extension serves inside the worker's process."""

import asyncio
import logging
import signal
import sys
from types import ModuleType, SimpleNamespace

import aiohttp
import pytest

from proxy.server.worker_extension import INVOCATION_ID, SEEN, Protocol, Request, Response, Server, WebApp, WebServer
from proxy.values import Receive, Scope, Send
from tests.fakes.uvicorn_server import serving, serving_web_app

SECOND_LEG = 503


def extension() -> WebServer:
    return WebServer("127.0.0.1", 0, WebApp())


async def answer_path(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["path"].encode()})


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
    assert config.http is Protocol


async def test_requests_are_served() -> None:
    async with (
        serving(answer_path) as port,
        aiohttp.ClientSession() as http,
        http.get(f"http://127.0.0.1:{port}/path") as answer,
    ):
        assert await answer.text() == "/path"
        assert "server" not in answer.headers


async def test_the_function_returns_before_its_request_is_answered() -> None:
    web_app, order = WebApp(), list[str]()

    @web_app.route
    async def function(request: Request) -> Response:
        order.append(f"function {request.headers[INVOCATION_ID]}")
        return Response(application)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        order.append("application")
        await answer_path(scope, receive, send)

    async with (
        serving_web_app(web_app) as port,
        aiohttp.ClientSession(headers={INVOCATION_ID: "7"}) as http,
        http.get(f"http://127.0.0.1:{port}/path") as answer,
    ):
        assert await answer.text() == "/path"
    assert order == ["function 7", "application"]


async def test_a_second_leg_of_an_invocation_is_refused_at_once_while_the_first_runs_and_after_it() -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()
    handled: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        handled.append(scope["path"])
        arrived.set()
        await may_answer.wait()
        await answer_path(scope, receive, send)

    async with serving(application) as port, aiohttp.ClientSession(headers={INVOCATION_ID: "1"}) as http:
        url = f"http://127.0.0.1:{port}/path"
        first = asyncio.create_task(http.post(url).__aenter__())
        await arrived.wait()
        async with http.post(url) as second:
            assert (second.status, second.headers["retry-after"]) == (SECOND_LEG, "1")
        may_answer.set()
        assert await (await first).text() == "/path"
        async with http.post(url) as later:
            assert later.status == SECOND_LEG
        async with http.post(url, headers={INVOCATION_ID: "2"}) as other:
            assert other.status == 200
    assert len(handled) == 2


class Legs:
    """Calls a web app directly, with one invocation after the other."""

    def __init__(self, web_app: WebApp) -> None:
        self._web_app = web_app

    async def status(self, invocation: str | None, kind: str = "http") -> int:
        statuses: list[int] = []

        async def receive() -> dict[str, object]:
            raise AssertionError

        async def send(message: dict[str, object]) -> None:
            if message["type"] == "http.response.start":
                statuses.append(int(str(message["status"])))

        headers = [] if invocation is None else [(INVOCATION_ID.encode(), invocation.encode())]
        await self._web_app({"type": kind, "path": "/", "headers": headers}, receive, send)  # type: ignore[arg-type]
        return statuses[0] if statuses else 0


def answering() -> WebApp:
    web_app = WebApp()

    @web_app.route
    async def function(_request: Request) -> Response:
        return Response(answer_path)

    return web_app


async def test_requests_without_an_invocation_are_all_first_legs() -> None:
    legs = Legs(answering())
    assert [await legs.status(None), await legs.status(None), await legs.status("")] == [200, 200, 200]


async def test_invocations_are_known_for_a_while_and_not_for_ever() -> None:
    legs = Legs(answering())
    for number in range(SEEN + 1):
        await legs.status(str(number))
    assert [await legs.status(str(SEEN)), await legs.status("1"), await legs.status("0")] == [503, 503, 200]


async def test_what_is_no_request_is_not_answered() -> None:
    assert await Legs(answering()).status("1", kind="lifespan") == 0
    assert await Legs(WebApp()).status("1") == 0


@pytest.mark.parametrize("name", ["azure_functions_worker.http_v2", "azure_functions_runtime.http_v2"])
async def test_the_worker_s_coordinator_keeps_nothing_of_an_invocation(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    kept = {"1": object(), "2": object()}
    module = ModuleType(name)
    module.http_coordinator = SimpleNamespace(_context_references=kept)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    await Legs(answering()).status("1")
    assert list(kept) == ["2"]


async def test_a_request_that_no_invocation_claims_is_refused() -> None:
    web_app = WebApp(claim=0.01)

    async def never(request: Request) -> Response:
        await asyncio.Event().wait()
        return Response(answer_path)

    web_app.route(never)
    assert await Legs(web_app).status("1") == 400


@pytest.mark.parametrize("name", ["azure_functions_worker.http_v2", "azure_functions_runtime.http_v2"])
async def test_an_invocation_whose_request_never_comes_ends(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def never(_invocation: str) -> object:
        return await asyncio.Event().wait()

    module = ModuleType(name)
    coordinator = SimpleNamespace(_context_references={}, get_http_request_async=never)
    module.http_coordinator = coordinator  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    WebApp(claim=0.01)
    with pytest.raises(TimeoutError):
        await coordinator.get_http_request_async("1")


def test_a_worker_without_such_a_wait_is_one_line_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = ModuleType("azure_functions_runtime.http_v2")
    module.http_coordinator = SimpleNamespace()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(logging.getLogger("proxy"), "propagate", True)
    WebApp()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
