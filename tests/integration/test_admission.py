"""What is in flight is counted: one request too many is refused before its body is read, and nobody is forgotten."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import pytest
import pytest_asyncio

from tests.integration.conftest import CLIENT_KEY
from tests.load.azure import Azure
from tests.load.worker import KEY, Worker, chat, environ_for, probed_app, running_worker
from tests.tools.functions_host.raw import Connection, Reply

CHAT = "/v1/chat/completions"
MOST = 8
MEGABYTE = 1024 * 1024
OTHER_KEY = "sk-another-0123456789abcdef"
SETTINGS = {
    "MAX_IN_FLIGHT": str(MOST),
    "UPSTREAM_CONNECTIONS": "1",
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "1",
    "CLIENT_KEYS": f"tester={CLIENT_KEY},another={OTHER_KEY}",
}
SLOW_BODIES = {
    "of JSON": (CHAT, "content-type: application/json", b'{"model":'),
    "of a form": ("/v1/audio/transcriptions", "content-type: multipart/form-data; boundary=b", b"--b\r\n"),
}
MARKS = itertools.count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def azure() -> AsyncIterator[Azure]:
    async with Azure().serving() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def worker(azure: Azure, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worker]:
    app = probed_app(tmp_path_factory.mktemp("narrow"))
    async with running_worker(app, environ_for(azure) | SETTINGS) as running:
        yield running


async def ask(worker: Worker, model: str, *, stream: bool = False, path: str = CHAT) -> Reply:
    """Ask once, on a connection of its own."""
    async with worker.connected() as connection:
        await worker.post(connection, path, chat(model, next(MARKS), stream=stream))
        return await connection.reply()


async def ask_to_any_end(worker: Worker, model: str, *, stream: bool) -> int:
    """Ask once, whether the answer breaks off or not; return its status."""
    async with worker.connected() as connection:
        await worker.post(connection, CHAT, chat(model, next(MARKS), stream=stream))
        head = await connection.head()
        with suppress(asyncio.IncompleteReadError, ConnectionResetError):
            await connection.body(head)
        return head.status


async def hold(worker: Worker, stack: AsyncExitStack) -> Connection:
    """Begin a stream that goes on until the stack is left."""
    connection = await stack.enter_async_context(worker.connected())
    await worker.post(connection, CHAT, chat("first", next(MARKS), stream=True))
    assert (await connection.head()).status == 200
    return connection


async def is_full_at_most(worker: Worker) -> bool:
    """Tell whether as many requests as may be are let in together, and not one more."""
    before = await worker.look()
    async with AsyncExitStack() as stack:
        for _ in range(MOST):
            await hold(worker, stack)
        refused = await ask(worker, "whole")
    await worker.comes_to_rest(before, lines=MOST + 1)
    return refused.status == 503


def is_shed(reply: Reply) -> bool:
    return (reply.status, reply.one("retry-after"), reply.json()["error"]["code"]) == (503, "1", "overloaded")


async def test_every_request_that_is_let_in_has_a_connection_to_azure(worker: Worker, azure: Azure) -> None:
    assert await is_full_at_most(worker)


@pytest.mark.parametrize("framing", [f"content-length: {50 * MEGABYTE}", "transfer-encoding: chunked"])
@pytest.mark.parametrize(
    ("path", "kind"), [(CHAT, "application/json"), ("/v1/audio/transcriptions", "multipart/form-data; boundary=b")]
)
async def test_one_too_many_is_refused_before_its_body_is_here(
    worker: Worker, azure: Azure, framing: str, path: str, kind: str
) -> None:
    before, memory = await worker.look(), worker.memory()
    async with AsyncExitStack() as stack:
        for _ in range(MOST):
            await hold(worker, stack)
        arrivals = len(azure.arrivals)
        connection = await stack.enter_async_context(worker.connected())
        await worker.send(connection, "POST", path, f"content-type: {kind}", framing)
        assert is_shed(await connection.reply())
        # What comes all the same is nobody's: it is neither kept nor sent on.
        for _ in range(30):
            if "chunked" in framing:
                await connection.send_chunk(b" " * MEGABYTE)
            else:
                connection.writer.write(b" " * MEGABYTE)
                await connection.writer.drain()
        assert (await worker.look()).held.slots == MOST
        assert worker.memory() - memory < 15 * MEGABYTE
        assert len(azure.arrivals) == arrivals
    await worker.comes_to_rest(before, lines=MOST + 1)


@pytest.mark.parametrize("framing", ["content-length: 1000", "transfer-encoding: chunked"])
@pytest.mark.parametrize("kind", SLOW_BODIES)
async def test_slow_uploads_of_one_key_leave_room_for_another_key(worker: Worker, kind: str, framing: str) -> None:
    path, content_type, beginning = SLOW_BODIES[kind]
    beginning = beginning if "length" in framing else b"%x\r\n%s\r\n" % (len(beginning), beginning)
    before = await worker.look()
    async with AsyncExitStack() as stack:
        for number in range(MOST // 2):
            slow = await stack.enter_async_context(worker.connected())
            await worker.send(slow, "POST", path, content_type, framing, body=beginning)
            await worker.holds(number + 1)
        one_more = await stack.enter_async_context(worker.connected())
        await worker.send(one_more, "POST", path, content_type, framing, body=beginning)
        assert is_shed(await one_more.reply())
        for _ in range(MOST):
            other = await stack.enter_async_context(worker.connected())
            body = chat("whole", next(MARKS), stream=False)
            await worker.post(other, CHAT, body, key=f"authorization: Bearer {OTHER_KEY}")
            assert (await other.reply()).status == 200
    await worker.comes_to_rest(before, lines=MOST // 2 + 1 + MOST)


ENDS = {
    "an answer": ("whole", False),
    "a refusal": ("refused", False),
    "an unknown model": ("nobody", False),
    "a break before the answer": ("broken", False),
    "a timeout": ("silent", False),
    "a stream that breaks": ("broken", True),
    "a stream that is refused": ("refused", True),
    "an answer in the place of a stream": ("whole", True),
}


@pytest.mark.parametrize(("model", "stream"), ENDS.values(), ids=ENDS.keys())
async def test_a_request_leaves_however_it_ends(worker: Worker, *, model: str, stream: bool) -> None:
    before = await worker.look()
    for _ in range(2):
        statuses = await asyncio.gather(*(ask_to_any_end(worker, model, stream=stream) for _ in range(MOST)))
        assert 503 not in statuses
        await worker.comes_to_rest(before, lines=MOST)
        before = await worker.look()


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        pytest.param("GET", "/nowhere", (KEY,), id="an unknown path"),
        pytest.param("GET", "/v1/models", (), id="no key"),
        pytest.param("HEAD", "/v1/models", (KEY,), id="a head"),
        pytest.param("OPTIONS", CHAT, ("origin: http://a", "access-control-request-method: POST"), id="a preflight"),
        pytest.param("POST", CHAT, (KEY, "content-length: 999999999"), id="a body that is too large"),
        pytest.param("POST", CHAT, (KEY, "content-length: 5", "content-encoding: br"), id="a compressed body"),
    ],
)
async def test_a_request_that_never_reaches_azure_leaves(
    worker: Worker, azure: Azure, method: str, path: str, headers: tuple[str, ...]
) -> None:
    before, arrivals = await worker.look(), len(azure.arrivals)
    for _ in range(2 * MOST):
        async with worker.connected() as connection:
            await connection.send(method, path, worker.invoke(method, path), *headers)
            assert (await connection.head()).status != 503
    await worker.comes_to_rest(before, lines=2 * MOST)
    assert len(azure.arrivals) == arrivals


async def test_a_stream_counts_until_its_last_byte(worker: Worker, azure: Azure) -> None:
    before = await worker.look()
    async with worker.connected() as connection:
        mark = next(MARKS)
        await worker.post(connection, CHAT, chat("ending", mark, stream=True))
        arrival = await azure.arrived(mark)
        await connection.head()
        assert (await worker.look()).held.slots == 1
        arrival.go.set()
        while await connection.chunk():
            pass
        await worker.comes_to_rest(before, lines=1)


async def test_a_second_leg_of_a_running_invocation_is_refused_and_azure_is_asked_once(
    worker: Worker, azure: Azure
) -> None:
    """As .NET sends a request again whose connection broke before the headers of the answer."""
    before = await worker.look()
    mark = next(MARKS)
    leg, body = worker.invoke("POST", CHAT), chat("wholelater", mark, stream=False)
    headers = (KEY, leg, "content-type: application/json", f"content-length: {len(body)}")
    async with worker.connected() as first, worker.connected() as second:
        await first.send("POST", CHAT, *headers, body=body)
        arrival = await azure.arrived(mark)
        for _ in range(3):
            await second.send("POST", CHAT, *headers, body=body)
            refused = await second.reply()
            assert (refused.status, refused.one("retry-after")) == (503, "1")
        arrival.go.set()
        assert (await first.reply()).status == 200
    assert arrival.calls == 1
    await worker.comes_to_rest(before, lines=1)


async def test_a_second_leg_of_a_running_stream_is_refused_and_the_stream_goes_on(worker: Worker, azure: Azure) -> None:
    before = await worker.look()
    mark = next(MARKS)
    leg, body = worker.invoke("POST", CHAT), chat("ending", mark, stream=True)
    headers = (KEY, leg, "content-type: application/json", f"content-length: {len(body)}")
    async with worker.connected() as first, worker.connected() as second:
        await first.send("POST", CHAT, *headers, body=body)
        arrival = await azure.arrived(mark)
        assert (await first.head()).status == 200
        await second.send("POST", CHAT, *headers, body=body)
        assert (await second.reply()).status == 503
        arrival.go.set()
        chunks = [chunk async for chunk in _chunks(first)]
        assert chunks[-1].endswith(b"data: [DONE]\n\n")
    assert arrival.calls == 1
    await worker.comes_to_rest(before, lines=1)


async def test_a_second_leg_behind_the_end_of_the_first_is_refused_too(worker: Worker, azure: Azure) -> None:
    """The break that makes the host send again has ended the first leg."""
    before = await worker.look()
    mark = next(MARKS)
    leg, body = worker.invoke("POST", CHAT), chat("silent", mark, stream=False)
    headers = (KEY, leg, "content-type: application/json", f"content-length: {len(body)}")
    async with worker.connected() as first, worker.connected() as second:
        await first.send("POST", CHAT, *headers, body=body)
        arrival = await azure.arrived(mark)
        first.leave("reset")
        await worker.comes_to_rest(before, lines=1)
        await second.send("POST", CHAT, *headers, body=body)
        assert (await second.reply()).status == 503
    assert arrival.calls == 1
    await worker.comes_to_rest(before, lines=1)


async def _chunks(connection: Connection) -> AsyncIterator[bytes]:
    while chunk := await connection.chunk():
        yield chunk
