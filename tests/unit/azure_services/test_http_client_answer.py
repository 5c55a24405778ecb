"""An answer of Azure while it comes: its end, and what breaks it off."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.azure_services.http_client import READ_AHEAD, HttpClient, UpstreamAnswer
from proxy.errors import ShuttingDown, UpstreamError
from tests.fakes.raw_azure import (
    BEGUN,
    END,
    HELLO,
    KEY,
    MEGABYTE,
    TIMEOUTS,
    Sendings,
    answered,
    begun,
    post,
    serving,
    whole,
)


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    client = HttpClient(TIMEOUTS, 8)
    yield client
    await client.close()


async def torn(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    writer.write(BEGUN)
    await writer.drain()
    writer.close()


async def long(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)


async def test_the_status_and_the_headers_come_with_lower_case_names(client: HttpClient) -> None:
    async def speaking(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(HELLO.replace(b"200 OK", b"429 Slow").replace(b"\r\n\r\n", b"\r\nRetry-AFTER: 7\r\n\r\n"))

    async with answered(client, speaking) as (_, answer):
        assert (answer.status, answer.sending.status, answer.headers["retry-after"]) == (429, 429, "7")


async def test_the_bytes_come_as_they_are_sent(client: HttpClient) -> None:
    release = asyncio.Event()

    async def slowly(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await release.wait()
        writer.write(b"2\r\nbc\r\n" + END)

    async with answered(client, slowly) as (_, answer):
        assert await answer.read() == b"a"
        release.set()
        assert await answer.read() == b"bc"
        assert await answer.read() == b""


async def test_a_break_is_one_of_the_breaks_for_who_reads_and_an_error_for_who_reads_all(client: HttpClient) -> None:
    async with answered(client, torn) as (_, answer):
        assert await answer.read() == b"a"
        with pytest.raises(answer.breaks):
            await answer.read()
    async with answered(client, torn) as (_, answer):
        with pytest.raises(UpstreamError, match="broke"):
            await answer.read_whole(MEGABYTE)
        assert answer.sending.received == 1


@pytest.mark.parametrize("odd", [b"<html>Bad gateway</html>", b"zz\r\nab\r\n", b"1\r\nab\r\n", b"\x00", b"-1\r\na\r\n"])
@pytest.mark.parametrize("closes", [True, False], ids=["closed", "held open"])
async def test_bytes_that_are_no_chunk_are_a_break_at_once(client: HttpClient, odd: bytes, closes: bool) -> None:
    release = asyncio.Event()

    async def odd_after_one(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await release.wait()
        writer.write(odd)
        if closes:
            writer.close()

    async with answered(client, odd_after_one) as (_, answer):
        assert await answer.read() == b"a"
        release.set()
        with pytest.raises(answer.breaks):
            await _read_all(answer)


async def _read_all(answer: UpstreamAnswer) -> None:
    while await answer.read():
        pass


async def test_bytes_behind_a_whole_answer_take_nothing_from_it(client: HttpClient) -> None:
    release = asyncio.Event()

    async def more(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await release.wait()
        writer.write(END + b"<html>")

    async with answered(client, more) as (_, answer):
        assert await answer.read() == b"a"
        release.set()
        assert await answer.read() == b""


async def test_an_abort_is_an_error_for_who_waits_and_for_who_reads_on(client: HttpClient) -> None:
    async with answered(client, begun) as (_, answer):
        assert await answer.read() == b"a"
        waiting = asyncio.ensure_future(answer.read())
        await asyncio.sleep(0)
        answer.abort(ShuttingDown())
        with pytest.raises(ShuttingDown):
            await waiting
        with pytest.raises(ShuttingDown):
            await answer.read_whole(MEGABYTE)
        await answer.finish()


async def test_what_comes_behind_the_last_event_leaves_the_connection_free(client: HttpClient) -> None:
    async def tail(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await writer.drain()
        await may_end.wait()
        writer.write(b"1\r\nb\r\n" + END)

    async with serving(tail) as server:
        for _ in range(2):
            may_end = asyncio.Event()
            answer = await client.send(post(server), KEY, Sendings().begin)
            assert await answer.read() == b"a"
            may_end.set()
            await answer.finish()
            answer.close()
        assert server.connections == 1


async def test_an_answer_that_was_read_to_its_end_is_finished_already(client: HttpClient) -> None:
    async with serving(whole) as server:
        for _ in range(2):
            answer = await client.send(post(server), KEY, Sendings().begin)
            assert await answer.read_whole(5) == b"hello"
            await answer.finish()
            answer.close()
        assert server.connections == 1


@pytest.mark.parametrize("answers", [begun, torn], ids=["silent", "torn"])
async def test_a_body_that_does_not_end_is_not_waited_for(client: HttpClient, answers: object) -> None:
    async with answered(client, begun if answers is begun else torn) as (server, answer):
        assert await answer.read() == b"a"
        await answer.finish()
        await server.closed.wait()


async def test_who_closes_before_the_end_closes_the_connection(client: HttpClient) -> None:
    async with answered(client, begun) as (server, answer):
        assert await answer.read() == b"a"
        answer.close()
        await server.closed.wait()
        assert len(client) == 0


async def test_azure_is_not_read_faster_than_the_client_reads(client: HttpClient) -> None:
    """What the system keeps counts too, on both sides: tcp(7)."""
    sent = 0
    held = asyncio.Event()

    async def flood(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        while sent < 100 * MEGABYTE:
            writer.write(b"x" * READ_AHEAD)
            sent += READ_AHEAD
            try:
                async with asyncio.timeout(0.2):
                    await writer.drain()
            except TimeoutError:
                break
        held.set()

    async with answered(client, flood) as (_, answer):
        assert await answer.read()
        await held.wait()
        assert sent < 20 * MEGABYTE


async def test_an_answer_of_exactly_the_limit_is_read_whole_and_a_longer_one_is_an_error(client: HttpClient) -> None:
    async with answered(client, whole) as (_, answer):
        assert await answer.read_whole(5) == b"hello"
        assert (answer.sending.received, answer.sending.first_byte is not None) == (5, True)
    async with answered(client, whole) as (_, answer):
        with pytest.raises(UpstreamError, match="too large"):
            await answer.read_whole(4)


async def test_the_beginning_of_a_long_answer_can_be_read(client: HttpClient) -> None:
    async with answered(client, long) as (server, answer):
        assert await answer.read_beginning(1000) == b"x" * 1000
        answer.close()
        await server.closed.wait()


async def test_the_beginning_of_a_short_answer_is_all_of_it(client: HttpClient) -> None:
    async with answered(client, whole) as (_, answer):
        assert await answer.read_beginning(1000) == b"hello"


async def test_what_was_read_is_counted_also_when_nobody_waits_for_more(client: HttpClient) -> None:
    async with answered(client, begun) as (_, answer):
        reading = asyncio.create_task(answer.read_whole(MEGABYTE))
        await asyncio.wait({reading}, timeout=0.05)
        reading.cancel()
        await asyncio.wait({reading})
        assert answer.sending.received == 1
