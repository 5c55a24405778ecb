"""What the host does to a response, and to one that fails."""

import asyncio
import gzip

import pytest

from tests.processes import HostProcess
from tests.tools.functions_host.raw import connected, exchange, get

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_each_chunk_leaves_as_it_is_yielded(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("GET", "/stream/steps")
        assert (await connection.head()).one("content-type") == "text/event-stream; charset=utf-8"
        assert await connection.chunk() == b"first"
        await get(host, "/signal/steps")
        assert [await connection.chunk(), await connection.chunk()] == [b"second", b""]


async def test_a_hundred_streams_run_side_by_side(host: HostProcess) -> None:
    replies = await asyncio.gather(*(get(host, "/burst/20") for _ in range(100)))
    assert {reply.body for reply in replies} == {b"".join(b"data: %d\n\n" % number for number in range(20))}


async def test_headers_and_body_pass_unchanged_but_for_connection(host: HostProcess) -> None:
    reply = await get(host, "/rich")
    assert reply.status == 203
    assert reply.all("set-cookie") == ["a=1", "b=2"]
    assert reply.one("content-encoding") == "gzip"
    assert reply.one("content-type") == "text/x-rich; charset=utf-8"
    assert reply.one("access-control-allow-origin") == "https://app.example"
    assert reply.one("connection") is None
    assert gzip.decompress(reply.body) == b"rich"
    assert "mine" in reply.all("server")
    assert "Kestrel" not in reply.all("server")
    assert "Mon, 01 Jan 2001 00:00:00 GMT" in reply.all("date")


async def test_a_head_is_answered_with_the_headers_while_the_next_request_waits_for_its_body(host: HostProcess) -> None:
    async with connected(host) as first, connected(host) as next_one:
        await first.send("HEAD", "/stream/unread")
        assert (await first.head()).status == 200
        await next_one.send("POST", "/unrelated", "Transfer-Encoding: chunked", "Expect: 100-continue")
        assert (await next_one.head()).status == 100  # the host has given it the connection behind the HEAD
        await next_one.send_chunk(b"")
        await get(host, "/signal/unread")
        assert (await next_one.reply()).status == 200
    order = (await get(host, "/order")).json()
    assert order.index("unread produced") < order.index("echo /unrelated")


@pytest.mark.parametrize("target", ["/fail", "/nothing"])
async def test_an_exception_before_the_headers_and_none_are_a_500_of_21_bytes(host: HostProcess, target: str) -> None:
    reply = await get(host, target)
    assert (reply.status, len(reply.body)) == (500, 21)
    assert (reply.one("content-type") or "").startswith("text/plain")


async def test_a_failed_handler_is_named_on_standard_error(host: HostProcess) -> None:
    await get(host, "/fail")
    await host.wait_for_output("Executed 'Functions.catch_all' (Failed): Traceback")


async def test_an_exception_before_the_first_chunk_is_an_empty_500(host: HostProcess) -> None:
    assert (await get(host, "/hollow")).is_empty(500)


async def test_an_exception_after_chunks_is_a_reset_without_a_final_chunk(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("GET", "/torn/apart")
        await connection.head()
        assert await connection.chunk() == b"first"
        await get(host, "/signal/apart")
        assert await connection.is_reset()


@pytest.mark.parametrize("how", ["close", "reset", "half close"])
async def test_a_client_that_leaves_mid_stream_cancels_the_generator(host: HostProcess, how: str) -> None:
    name = how.replace(" ", "-")
    async with connected(host) as connection:
        await connection.send("GET", f"/stream/{name}")
        await connection.head()
        assert await connection.chunk() == b"first"
        connection.leave(how)
        assert (await get(host, f"/await/{name}%20cancelled")).status == 200


async def test_a_client_that_leaves_before_the_headers_is_noticed_but_cancels_nothing(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("GET", "/patient/soul")
        await get(host, "/await/soul%20reached")
    await get(host, "/await/soul%20noticed")
    await get(host, "/signal/soul")
    await get(host, "/await/soul%20returned")
    order = (await get(host, "/order")).json()
    assert "soul returned" in order
    assert "soul cancelled" not in order


async def test_a_preflight_reaches_the_app_where_the_plan_is_not_flex(host: HostProcess) -> None:
    reply = await exchange(host, "OPTIONS", "/x", "Origin: https://a.example", "Access-Control-Request-Method: POST")
    assert reply.json()["method"] == "OPTIONS"
