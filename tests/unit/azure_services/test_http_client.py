"""Calls to Azure over real sockets, against a server that does with each connection what the test says."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from proxy.azure_services.http_client import KEEP_ALIVE, KEEP_ALIVE_ONCE, WHOLE_BODY, HttpClient
from proxy.config.timeouts import Timeouts
from proxy.errors import Overloaded, Unreachable, UpstreamError
from proxy.values import UpstreamRequest
from tests.fakes.raw_azure import HANG, HELLO, KEY, TIMEOUTS, Sendings, fetch, post, serving, whole


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(TIMEOUTS, 8)
    yield client
    await client.close()


@asynccontextmanager
async def deaf() -> AsyncIterator[str]:
    """Give the URL of a listener that takes no more connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting[-1].connect(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/path"
        for one in waiting:
            one.close()


async def reset(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def reset_second(_connection: int, request: int, writer: asyncio.StreamWriter) -> None:
    if request == 2:
        writer.transport.abort()
    else:
        writer.write(HELLO)


async def reset_all_but_first(_connection: int, request: int, writer: asyncio.StreamWriter) -> None:
    if request == 1:
        writer.write(HELLO)
    else:
        writer.transport.abort()


async def test_a_connection_is_used_again(client: HttpClient) -> None:
    async with serving(whole) as server:
        assert [await fetch(client, post(server)) for _ in range(3)] == [b"hello"] * 3
        assert server.connections == 1


async def test_the_connections_in_use_are_counted(client: HttpClient) -> None:
    assert len(client) == 0
    async with serving(whole) as server:
        answer = await client.send(post(server), KEY, Sendings().begin)
        in_use = len(client)
        await answer.read_whole(5)
        answer.close()
        assert (in_use, len(client)) in {(1, 0), (0, 0)}  # The answer may have been whole already.


async def test_a_request_goes_out_as_it_is_with_the_credential(client: HttpClient) -> None:
    async with serving(whole) as server:
        request = UpstreamRequest(
            method="GET", url=f"{server.url}/a%2fb%20?x=%2B", headers={"api-key": "a client's", "x-own": "1"}, body=b""
        )
        await fetch(client, request)
        head = server.heads[0]
        assert head.startswith(b"GET /path/a%2fb%20?x=%2B HTTP/1.1\r\n")
        names = sorted(line.partition(b":")[0].lower() for line in head.split(b"\r\n")[1:] if line)
        assert names == [b"api-key", b"host", b"x-own"]
        assert b"api-key: secret\r\n" in head


async def test_a_stale_pooled_connection_is_repeated_once_on_a_new_one(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset_second) as server:
        assert [await fetch(client, post(server, b"abc"), sendings) for _ in range(2)] == [b"hello"] * 2
        assert server.connections == 2
        assert server.bodies == [b"abc"] * 3
    assert [sending.outcome for sending in sendings.begun] == [None, "reset", None]
    assert [(sending.sent, sending.status) for sending in sendings.begun] == [(3, 200), (3, None), (3, 200)]
    assert sendings.reported == [sendings.begun[1]]


async def test_the_repetition_does_not_go_on_another_connection_that_was_idle_as_long(client: HttpClient) -> None:
    together = asyncio.Barrier(2)

    async def stale(connection: int, request: int, writer: asyncio.StreamWriter) -> None:
        if request <= 2:
            await together.wait()
        if request <= 2 or connection > 2:
            writer.write(HELLO)
        else:
            writer.transport.abort()

    sendings = Sendings()
    async with serving(stale) as server:
        await asyncio.gather(fetch(client, post(server)), fetch(client, post(server)))
        assert await fetch(client, post(server), sendings) == b"hello"
        assert (server.connections, len(server.bodies)) == (3, 4)
    assert [sending.outcome for sending in sendings.begun] == ["reset", None]


async def test_a_repetition_that_fails_as_well_is_an_error(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset_all_but_first) as server:
        await fetch(client, post(server))
        with pytest.raises(UpstreamError, match="broke"):
            await fetch(client, post(server), sendings)
        assert (server.connections, len(server.bodies)) == (2, 3)
    assert len(sendings.begun) == 2


async def test_a_new_connection_that_resets_is_not_repeated(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset) as server:
        with pytest.raises(UpstreamError):
            await fetch(client, post(server), sendings)
        assert len(server.bodies) == 1
    assert len(sendings.begun) == 1


async def test_what_may_not_be_done_twice_is_not_repeated(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset_second) as server:
        await fetch(client, post(server, repeatable=False))
        with pytest.raises(UpstreamError, match="broke"):
            await fetch(client, post(server, repeatable=False), sendings)
        assert (server.connections, len(server.bodies)) == (1, 2)
    assert [sending.outcome for sending in sendings.reported] == ["reset"]


async def pieces() -> AsyncIterator[bytes]:
    yield b"ab"
    yield b"c"


async def test_what_may_not_be_done_twice_gets_no_connection_that_may_have_been_idle_for_long(
    client: HttpClient,
) -> None:
    async with serving(whole) as server:
        for _ in range(2):
            await fetch(client, post(server))
        assert server.connections == 1
        for _ in range(2):
            await fetch(client, post(server, repeatable=False))
            await fetch(client, post(server, pieces()))
        assert server.connections == 2  # Those that were in use a moment ago are used again.
    assert (KEEP_ALIVE, KEEP_ALIVE_ONCE) == (60.0, 5.0)


async def test_a_body_that_comes_piece_by_piece_is_not_repeated(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset_second) as server:
        assert await fetch(client, post(server, pieces()), sendings) == b"hello"
        with pytest.raises(UpstreamError, match="broke"):
            await fetch(client, post(server, pieces()), sendings)
        assert server.bodies == [b"abc", b"abc"]
    assert [sending.sent for sending in sendings.begun] == [3, 3]


async def test_a_get_is_repeated_by_nobody_else(client: HttpClient) -> None:
    sendings = Sendings()
    async with serving(reset_all_but_first) as server:
        get = UpstreamRequest(method="GET", url=server.url, headers={}, body=b"")
        await fetch(client, get)
        with pytest.raises(UpstreamError, match="broke"):
            await fetch(client, get, sendings)
        assert len(server.bodies) == 1 + len(sendings.begun) == 3


async def test_an_answer_that_began_is_not_repeated(client: HttpClient) -> None:
    async def torn(_connection: int, request: int, writer: asyncio.StreamWriter) -> None:
        if request == 1:
            writer.write(HELLO)
            return
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")
        await writer.drain()
        writer.close()

    async with serving(torn) as server:
        assert await fetch(client, post(server)) == b"hello"
        with pytest.raises(UpstreamError):
            await fetch(client, post(server))
        assert len(server.bodies) == 2


@pytest.mark.parametrize("size", [WHOLE_BODY, WHOLE_BODY + 1, 12 * WHOLE_BODY])
async def test_a_large_body_arrives_whole(client: HttpClient, size: int) -> None:
    body = bytes(number % 251 for number in range(size))
    sendings = Sendings()
    async with serving(whole) as server:
        assert await fetch(client, post(server, body), sendings) == b"hello"
        assert server.bodies == [body]
        assert b"content-length: %d\r\n" % size in server.heads[0].lower()
    assert sendings.begun[0].sent == size


async def test_other_streams_go_on_while_a_large_body_is_sent(client: HttpClient) -> None:
    """Nobody reads the body, so that the sending of it waits for as long as it takes."""
    arrived, may_end = asyncio.Event(), asyncio.Event()

    async def unread(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        await may_end.wait()
        writer.transport.abort()

    listener = await asyncio.start_server(unread, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/path"
    large = UpstreamRequest(method="POST", url=url, headers={}, body=bytes(100 * WHOLE_BODY))
    sending = asyncio.create_task(client.send(large, KEY, Sendings().begin))
    await arrived.wait()
    async with serving(whole) as server:
        assert await fetch(client, post(server)) == b"hello"
    assert not sending.done()
    may_end.set()
    with pytest.raises(UpstreamError):
        await sending
    listener.close()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello", id="a length that is no number"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 0\r\n\r\n", id="compressed"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", id="a header without end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000, id="too large"),
    ],
)
async def test_an_answer_that_is_not_what_it_should_be_is_an_error(client: HttpClient, raw: bytes) -> None:
    async def odd(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    async with serving(odd) as server:
        with pytest.raises(UpstreamError):
            await fetch(client, post(server))
    assert len(client) == 0


async def test_an_answer_that_says_it_is_not_compressed_is_taken(client: HttpClient) -> None:
    async def plain(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO.replace(b"\r\n\r\n", b"\r\nContent-Encoding: Identity\r\n\r\n"))

    async with serving(plain) as server:
        assert await fetch(client, post(server)) == b"hello"


async def test_a_redirect_is_not_followed(client: HttpClient) -> None:
    async def elsewhere(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n")

    async with serving(elsewhere) as server:
        answer = await client.send(post(server), KEY, Sendings().begin)
        answer.close()
        assert answer.status == 302
        assert len(server.bodies) == 1


async def test_a_cookie_is_not_kept(client: HttpClient) -> None:
    async def baking(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))

    async with serving(baking) as server:
        server.url = server.url.replace("127.0.0.1", "localhost")  # whose cookies a jar would keep
        for _ in range(2):
            await fetch(client, post(server))
        assert not any(b"cookie" in head.lower() for head in server.heads)


async def test_a_call_that_is_given_up_closes_its_connection(client: HttpClient) -> None:
    asked = asyncio.Event()

    async def never(_connection: int, _request: int, _writer: asyncio.StreamWriter) -> None:
        asked.set()

    async with asyncio.timeout(HANG), serving(never) as server:
        call = asyncio.create_task(client.send(post(server), KEY, Sendings().begin))
        await asked.wait()
        call.cancel()
        await server.closed.wait()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert len(client) == 0


async def test_a_port_where_nobody_listens_is_unreachable(client: HttpClient) -> None:
    async with serving(whole) as server:
        pass
    with pytest.raises(Unreachable):
        await fetch(client, post(server))


async def test_a_full_pool_is_an_overload_of_this_instance() -> None:
    """It is nothing that another target would cure, and nothing was sent."""
    client = HttpClient(Timeouts(connect=0.05, first_byte=5.0, idle=5.0, total=5.0, pool=0.05), 1)
    asked = asyncio.Event()

    async def never(_connection: int, _request: int, _writer: asyncio.StreamWriter) -> None:
        asked.set()

    async with serving(never) as server:
        call = asyncio.create_task(client.send(post(server), KEY, Sendings().begin))
        await asked.wait()
        with pytest.raises(Overloaded) as caught:
            await client.send(post(server), KEY, Sendings().begin)
        assert (caught.value.status, caught.value.headers["retry-after"]) == (503, "1")
        assert len(server.bodies) == 1
        call.cancel()
        await asyncio.wait({call})
    await client.close()


async def test_a_connection_that_is_not_made_in_time_is_unreachable() -> None:
    """A listener whose backlog is full answers no SYN: listen(2)."""
    client = HttpClient(Timeouts(connect=0.05, first_byte=5.0, idle=5.0, total=5.0, pool=0.05), 8)
    async with deaf() as url:
        with pytest.raises(Unreachable):
            await client.send(UpstreamRequest(method="GET", url=url, headers={}, body=b""), KEY, Sendings().begin)
    await client.close()


async def test_a_closed_client_opens_anew(client: HttpClient) -> None:
    await client.close()
    async with serving(whole) as server:
        await fetch(client, post(server))
        await client.close()
        assert await fetch(client, post(server)) == b"hello"
        assert server.connections == 2
