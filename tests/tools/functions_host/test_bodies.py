"""What the host does to a request body."""

import asyncio
import hashlib

import pytest

from tests.processes import HostProcess
from tests.tools.functions_host.conftest import BODY_LIMIT
from tests.tools.functions_host.raw import connected, exchange, get

pytestmark = pytest.mark.asyncio(loop_scope="session")
CHUNKED = "Transfer-Encoding: chunked"
EXPECT = "Expect: 100-continue"


async def test_a_body_with_a_length_is_read_whole_before_the_worker_starts(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/upload/whole", "Content-Length: 10", EXPECT)
        assert (await connection.head()).status == 100
        connection.writer.write(b"12345")
        assert "whole reached" not in (await get(host, "/order")).json()
        connection.writer.write(b"67890")
        assert (await connection.reply()).json() == {"length": 10}
    assert "whole reached" in (await get(host, "/order")).json()


async def test_a_chunked_body_streams_to_the_app_as_it_comes(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/upload/streamed", CHUNKED)
        await connection.send_chunk(b"12345")
        await get(host, "/await/streamed%20piece")
        await connection.send_chunk(b"67890")
        await connection.send_chunk(b"")
        assert (await connection.reply()).json() == {"length": 10}


async def test_both_framings_and_every_byte_reach_the_worker(host: HostProcess) -> None:
    body = bytes(range(256)) * 2000
    whole = (await exchange(host, "POST", "/x", f"Content-Length: {len(body)}", body=body)).json()
    framed = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    streamed = (await exchange(host, "POST", "/x", CHUNKED, body=framed)).json()
    assert whole["sha256"] == streamed["sha256"] == hashlib.sha256(body).hexdigest()
    framing = {"content-length", "transfer-encoding"}
    assert [pair for pair in whole["headers"] if pair[0] in framing] == [["content-length", str(len(body))]]
    assert [pair for pair in streamed["headers"] if pair[0] in framing] == [["transfer-encoding", "chunked"]]


async def test_a_compressed_body_is_not_touched(host: HostProcess) -> None:
    seen = (await exchange(host, "POST", "/x", "Content-Encoding: gzip", "Content-Length: 4", body=b"gzip")).json()
    assert seen["sha256"] == hashlib.sha256(b"gzip").hexdigest()
    assert ["content-encoding", "gzip"] in seen["headers"]


async def test_a_post_without_body_and_length_arrives_with_length_zero(host: HostProcess) -> None:
    assert ["content-length", "0"] in (await exchange(host, "POST", "/x")).json()["headers"]


async def test_a_get_without_body_arrives_without_framing(host: HostProcess) -> None:
    names = {name for name, _ in (await get(host, "/x")).json()["headers"]}
    assert names.isdisjoint({"content-length", "transfer-encoding", "content-type"})


async def test_an_expectation_is_answered_by_the_host_and_still_forwarded(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/x", "Content-Length: 2", EXPECT)
        assert (await connection.head()).status == 100
        connection.writer.write(b"{}")
        assert ["expect", "100-continue"] in (await connection.reply()).json()["headers"]


@pytest.mark.parametrize(("framing", "body"), [("Content-Length: 2", b"{}"), (CHUNKED, b"2\r\n{}\r\n0\r\n\r\n")])
async def test_no_interim_answer_is_sent_when_the_body_comes_without_waiting(
    host: HostProcess, framing: str, body: bytes
) -> None:
    seen = (await exchange(host, "POST", "/x", framing, EXPECT, body=body)).json()
    assert seen["length"] == 2
    assert ["expect", "100-continue"] in seen["headers"]


async def test_a_length_over_the_limit_is_an_empty_500_at_once_and_the_end_of_the_connection(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/upload/over", f"Content-Length: {BODY_LIMIT + 1}", EXPECT)
        assert (await connection.reply()).is_empty(500)
        assert await connection.reader.read() == b""
    assert "over reached" not in (await get(host, "/order")).json()


async def test_a_body_of_exactly_the_limit_passes(host: HostProcess) -> None:
    body = bytes(BODY_LIMIT)
    assert (await exchange(host, "POST", "/x", f"Content-Length: {len(body)}", body=body)).json()["length"] == len(body)


async def test_chunks_over_the_limit_disconnect_the_app_and_are_an_empty_500(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/upload/flood", CHUNKED)
        await connection.send_chunk(bytes(BODY_LIMIT))
        await connection.send_chunk(b"x")
        reply = await connection.reply()
        assert reply.is_empty(500)
        assert reply.one("connection") == "close"
    assert (await get(host, "/await/flood%20cut")).status == 200


async def test_an_answer_before_the_end_of_the_upload_leaves_after_it(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/early/bird", CHUNKED)
        await connection.send_chunk(b"12345")
        await get(host, "/await/bird%20answered")
        reply = asyncio.create_task(connection.reply())
        await get(host, "/order")
        assert not reply.done()
        await connection.send_chunk(bytes(300_000))
        await get(host, "/order")
        assert not reply.done()
        await connection.send_chunk(b"")
        assert (await reply).body == b"early"
        assert (await reply).one("x-early") == "yes"


async def test_too_much_after_an_early_answer_is_still_an_empty_500(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/early/glutton", CHUNKED)
        await connection.send_chunk(b"12345")
        await get(host, "/await/glutton%20answered")
        await connection.send_chunk(bytes(BODY_LIMIT))
        assert (await connection.reply()).is_empty(500)


async def test_a_client_that_leaves_during_its_upload_disconnects_the_app(host: HostProcess) -> None:
    async with connected(host) as connection:
        await connection.send("POST", "/upload/quitter", CHUNKED)
        await connection.send_chunk(b"12345")
        await get(host, "/await/quitter%20piece")
    assert (await get(host, "/await/quitter%20cut")).status == 200
