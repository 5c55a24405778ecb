"""The life of one request in the handler's task: how it ends, what the client reads and what the log says."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from proxy.errors import InvalidRequest, UpstreamError
from proxy.openai_api.router import Route
from proxy.pipeline.authentication import Authenticator, Principal
from proxy.pipeline.call import Calls
from proxy.pipeline.exchange import Exchange, Reason
from proxy.pipeline.front_page import FrontPage
from proxy.pipeline.handler import Handler
from proxy.pipeline.local import LocalOperations
from proxy.pipeline.operator import Operator
from proxy.pipeline.resources import Resources
from proxy.pipeline.usage_answers import UsageAnswers
from proxy.pipeline.usage_log import UsageLog
from proxy.server.access_log import AccessLogEntry
from proxy.server.concurrency import Concurrency, Slot
from proxy.server.connection import EXTENSION, ClientDisconnected, Connection
from proxy.server.deadline import Limit
from proxy.server.response_writer import STALL, ResponseWriter
from proxy.values import ClientAuth, Message, Request, Response
from tests.fakes.virtual_time import in_virtual_time, reach, time_now

Answer = Callable[[Exchange], Awaitable[Response]]


@dataclass(kw_only=True)
class Work:
    """What is done for each call in place of asking Azure."""

    answer_with: Answer

    async def answer(
        self,
        exchange: Exchange,
        slot: Slot,
        writer: ResponseWriter,
        request: Request,
        route: Route,
        resources: Resources,
    ) -> Response:
        return await self.answer_with(exchange)


class Everybody:
    """Knows every client by the same name."""

    async def authenticate(self, headers: Mapping[str, str]) -> Principal:
        return Principal(client="alice", resources=cast("Resources", SimpleNamespace()))


@dataclass
class Server:
    """One request to a handler, what the client got of it, and the lines of the log."""

    answer: Answer
    takes: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[Message] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    closed: int = 0

    def __post_init__(self) -> None:
        self.takes.set()
        self.connection = Connection(self._close)
        self.concurrency = Concurrency(1, 1_000_000)
        self._handler = Handler(
            concurrency=self.concurrency,
            authenticator=cast("Authenticator", Everybody()),
            calls=cast("Calls", Work(answer_with=self.answer)),
            local=LocalOperations(created=0),
            usage=UsageAnswers(UsageLog("", None, None), time_now),
            front_page=FrontPage(client_auth=ClientAuth.KEYS),
            operator=cast("Operator", SimpleNamespace()),
            allowed_origins=frozenset(),
            forward_unknown=False,
            store_objects=True,
            born=-10_000,
            clock=time_now,
            log=self.lines.append,
        )

    async def serve(self) -> None:
        scope = {
            "method": "POST",
            "path": "/v1/chat/completions",
            "query_string": b"",
            "headers": [(b"x-ms-invocation-id", b"invocation-1")],
            "extensions": {EXTENSION: self.connection},
        }
        await self._handler.handle(scope, self._receive, self._send)

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def chunks(self) -> list[bytes]:
        return [message["body"] for message in self.sent[1:]]

    @property
    def error(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(b"".join(self.chunks))["error"]
        return found

    @property
    def line(self) -> dict[str, object]:
        (line,) = self.lines
        found: dict[str, object] = json.loads(line)
        return found

    def _close(self) -> None:
        self.closed += 1

    async def _receive(self) -> Message:
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        await self.takes.wait()
        self.sent.append(message)


def headers(server: Server) -> dict[bytes, bytes]:
    return dict(server.sent[0]["headers"])


async def never(_exchange: Exchange) -> Response:
    await asyncio.Event().wait()
    raise AssertionError


def assert_not_cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


def streaming(body: AsyncGenerator[bytes, None]) -> Response:
    return Response(status=200, headers={}, body=body)


@in_virtual_time
async def test_an_answer_has_its_line_and_gives_its_slot_back() -> None:
    async def answer(_exchange: Exchange) -> Response:
        await reach(2)
        return Response(status=200, headers={}, body=b"{}")

    server = Server(answer)
    await server.serve()
    assert (server.status, server.chunks, headers(server)[b"x-request-id"]) == (200, [b"{}"], b"invocation-1")
    line = server.line
    assert (line["client"], line["status"], line["outcome"], line["duration_ms"]) == ("alice", 200, "completed", 2000)
    assert (len(server.concurrency), server.closed) == (0, 0)


@in_virtual_time
async def test_a_client_that_disconnects_before_the_head_ends_the_work_and_gets_nothing() -> None:
    server = Server(never)
    asyncio.get_running_loop().call_at(3, server.connection.lost)
    await server.serve()
    assert server.sent == []
    assert (server.line["status"], server.line["outcome"], server.line["duration_ms"]) == (499, "client_left", 3000)
    assert len(server.concurrency) == 0
    assert_not_cancelled()


@in_virtual_time
async def test_a_client_that_has_already_disconnected_ends_the_work_at_once() -> None:
    server = Server(never)
    server.connection.lost()
    await server.serve()
    assert (server.sent, server.line["status"], time_now()) == ([], 499, 0)
    assert_not_cancelled()


@in_virtual_time
async def test_a_client_that_disconnects_within_its_body_ends_the_work() -> None:
    async def answer(_exchange: Exchange) -> Response:
        raise ClientDisconnected

    server = Server(answer)
    await server.serve()
    assert (server.sent, server.line["status"], server.line["outcome"]) == ([], 499, "client_left")


@in_virtual_time
async def test_a_client_that_disconnects_within_its_body_and_is_lost_as_well_is_gone_once() -> None:
    async def answer(_exchange: Exchange) -> Response:
        server.connection.lost()
        raise ClientDisconnected

    server = Server(answer)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait({serving})
    assert (server.sent, server.line["outcome"]) == ([], "client_left")


@in_virtual_time
async def test_a_client_that_disconnects_in_the_middle_of_a_stream_ends_it() -> None:
    closed = asyncio.Event()

    async def body() -> AsyncGenerator[bytes, None]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            closed.set()

    async def answer(_exchange: Exchange) -> Response:
        return streaming(body())

    server = Server(answer)
    asyncio.get_running_loop().call_at(3, server.connection.lost)
    await server.serve()
    assert (server.chunks, closed.is_set()) == ([b"a"], True)
    assert (server.line["status"], server.line["outcome"]) == (200, "client_left")
    assert_not_cancelled()


@in_virtual_time
async def test_a_client_that_disconnects_behind_its_answer_changes_nothing() -> None:
    async def answer(_exchange: Exchange) -> Response:
        return Response(status=200, headers={}, body=b"{}")

    server = Server(answer)
    await server.serve()
    server.connection.lost()
    await reach(1)
    assert server.line["outcome"] == "completed"
    assert_not_cancelled()


@in_virtual_time
async def test_a_client_that_does_not_read_is_given_up_and_its_connection_closed() -> None:
    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        server.takes.clear()
        yield b"b"

    async def answer(_exchange: Exchange) -> Response:
        return streaming(body())

    server = Server(answer)
    await server.serve()
    assert STALL <= time_now() <= 2 * STALL
    assert (server.chunks, server.closed, server.line["outcome"]) == ([b"a"], 1, "client_left")
    assert_not_cancelled()


@in_virtual_time
async def test_a_request_without_an_answer_is_told_that_the_instance_ends() -> None:
    server = Server(never)
    serving = asyncio.create_task(server.serve())
    await reach(1)
    await server.concurrency.shut_down(5)
    await serving
    assert time_now() == 6
    assert (server.status, server.error["code"], headers(server)[b"retry-after"]) == (503, "proxy_shutting_down", b"1")
    assert (server.line["status"], server.line["outcome"], server.line["error"]) == (
        503,
        "error",
        "proxy_shutting_down",
    )
    assert not serving.cancelled()
    assert serving.cancelling() == 0


@in_virtual_time
async def test_a_stream_is_told_in_its_own_way_that_the_instance_ends() -> None:
    stopped = asyncio.Event()

    async def body() -> AsyncGenerator[bytes, None]:
        yield b"a"
        await stopped.wait()
        yield b"error"

    async def answer(exchange: Exchange) -> Response:
        exchange.on_stop(stopped.set)
        return streaming(body())

    server = Server(answer)
    serving = asyncio.create_task(server.serve())
    await reach(1)
    await server.concurrency.shut_down(5)
    await serving
    assert server.chunks == [b"a", b"error", b""]


@in_virtual_time
async def test_an_answer_that_is_not_taken_before_the_instance_ends_is_broken_off() -> None:
    async def answer(_exchange: Exchange) -> Response:
        server.takes.clear()
        return Response(status=200, headers={}, body=bytes(100_000))

    server = Server(answer)
    serving = asyncio.create_task(server.serve())
    await reach(1)
    await server.concurrency.shut_down(5)
    await serving
    assert (server.closed, len(server.concurrency), len(server.lines)) == (1, 0, 1)


@in_virtual_time
async def test_what_nobody_expected_is_an_error_with_a_request_id_and_a_line(caplog: pytest.LogCaptureFixture) -> None:
    async def answer(_exchange: Exchange) -> Response:
        raise ZeroDivisionError("a part of a body")

    logging.getLogger("proxy").addHandler(caplog.handler)
    server = Server(answer)
    await server.serve()
    logging.getLogger("proxy").removeHandler(caplog.handler)
    assert (server.status, headers(server)[b"x-request-id"], server.error["type"]) == (
        500, b"invocation-1", "server_error",
    )  # fmt: skip
    assert (server.line["request_id"], server.line["status"], server.line["outcome"]) == ("invocation-1", 500, "error")
    assert "unexpected ZeroDivisionError in answer" in caplog.text
    assert "part of a body" not in caplog.text + json.dumps(server.error)


@in_virtual_time
async def test_an_error_for_the_client_is_its_answer() -> None:
    async def answer(_exchange: Exchange) -> Response:
        raise InvalidRequest("No.", code="no")

    server = Server(answer)
    await server.serve()
    assert (server.status, server.error["message"]) == (400, "No.")
    assert (server.line["outcome"], server.line["error"]) == ("error", "no")


@pytest.mark.parametrize("failure", [UpstreamError("It broke."), ZeroDivisionError()])
def test_a_body_that_breaks_off_breaks_the_connection_off(failure: Exception) -> None:
    @in_virtual_time
    async def broken() -> None:
        async def body() -> AsyncGenerator[bytes, None]:
            yield b"a"
            raise failure

        async def answer(_exchange: Exchange) -> Response:
            return streaming(body())

        server = Server(answer)
        await server.serve()
        assert (server.chunks, server.closed, server.line["status"]) == ([b"a"], 1, 200)
        assert server.line["outcome"] == "failed"

    broken()


@in_virtual_time
async def test_a_cancellation_of_the_server_s_own_goes_on() -> None:
    server = Server(never)
    serving = asyncio.create_task(server.serve())
    await reach(1)
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert (server.sent, server.line["outcome"], len(server.concurrency)) == ([], "failed", 0)


def exchange_of(connection: Connection, lines: list[str]) -> Exchange:
    return Exchange(AccessLogEntry("1", time_now, lines.append), connection)


@in_virtual_time
async def test_what_was_begun_last_ends_first_and_the_line_is_written_behind_it() -> None:
    order: list[str] = []

    async def end_slowly() -> None:
        await asyncio.sleep(0)
        order.append("second")

    async with exchange_of(Connection(lambda: None), order) as exchange:
        exchange.stack.callback(order.append, "first")
        exchange.stack.push_async_callback(end_slowly)
        exchange.stack.callback(order.append, "third")
    assert order[:3] == ["third", "second", "first"]
    assert json.loads(order[3])["outcome"] == "failed"


@in_virtual_time
async def test_everything_ends_when_the_work_fails() -> None:
    order: list[str] = []

    async def work() -> None:
        async with exchange_of(Connection(lambda: None), order) as exchange:
            exchange.stack.callback(order.append, "first")
            exchange.deadline.set(Limit.ATTEMPT, 1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await work()
    assert order[0] == "first"
    await reach(5)
    assert_not_cancelled()


@pytest.mark.parametrize(
    ("ends", "reason"),
    [
        (("stalled", "stop"), Reason.STALLED),
        (("stop", "stalled"), Reason.SHUTDOWN),
    ],
)
def test_the_first_reason_counts(ends: tuple[str, str], reason: Reason) -> None:
    @in_virtual_time
    async def end() -> None:
        lines: list[str] = []

        async def work() -> None:
            async with exchange_of(Connection(lambda: None), lines) as exchange:
                exchanges.append(exchange)
                await asyncio.Event().wait()

        exchanges: list[Exchange] = []
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        for name in ends:
            getattr(exchanges[0], name)()
        assert task.cancelling() == 1
        await asyncio.wait({task})
        assert exchanges[0].reason is reason
        assert len(lines) == 1

    end()
