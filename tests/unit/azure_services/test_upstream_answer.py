"""An answer of Azure while it comes: silence, its end, and what breaks it off."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator

import pytest
from proxy.edge.upstream import READ_AHEAD, Upstream
from proxy.edge.upstream_answer import UpstreamAnswer

from proxy.errors import ShuttingDown, UpstreamError, UpstreamTimeout
from tests.unit.azure_services.test_upstream import (
    KEY,
    MEGABYTE,
    TIMEOUTS,
    Answers,
    Server,
    fetch,
    later,
    post,
    serving,
)

BEGUN = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n"
END = b"0\r\n\r\n"
SHORT = 0.05


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream(TIMEOUTS, 8)
    yield upstream
    await upstream.close()


@contextlib.asynccontextmanager
async def answered(
    upstream: Upstream, answers: Answers, seconds: float = 5.0
) -> AsyncIterator[tuple[Server, UpstreamAnswer]]:
    """Give an answer whose headers are here, and close it."""
    async with serving(answers) as server:
        answer = await upstream.send(post(server), KEY, later(seconds))
        try:
            yield server, answer
        finally:
            answer.close()


async def begun(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
    writer.write(BEGUN)


async def test_the_chunks_come_as_they_are_sent(upstream: Upstream) -> None:
    release = asyncio.Event()

    async def slowly(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await release.wait()
        writer.write(b"2\r\nbc\r\n" + END)

    async with answered(upstream, slowly) as (_, answer):
        chunks = answer.chunks()
        assert await anext(chunks) == b"a"
        release.set()
        assert [chunk async for chunk in chunks] == [b"bc"]


async def test_a_break_within_the_chunks_is_an_error(upstream: Upstream) -> None:
    async def torn(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN)
        await writer.drain()
        writer.close()

    async with answered(upstream, torn) as (_, answer):
        with pytest.raises(UpstreamError, match="broke"):
            await answer.read(MEGABYTE)


async def test_silence_may_be_allowed_while_it_lasts_and_forbidden_again(upstream: Upstream) -> None:
    async with answered(upstream, begun) as (_, answer):
        answer.allow_silence(math.inf)
        chunks = answer.chunks()
        assert await anext(chunks) == b"a"
        waiting = asyncio.ensure_future(anext(chunks))
        assert await asyncio.wait({waiting}, timeout=3 * TIMEOUTS.idle) == (set(), {waiting})
        answer.allow_silence(SHORT)
        with pytest.raises(UpstreamTimeout, match="stopped sending"):
            await waiting


async def test_the_time_in_which_the_client_reads_is_not_azure_s(upstream: Upstream) -> None:
    async with answered(upstream, begun) as (_, answer):
        answer.allow_silence(SHORT)
        chunks = answer.chunks()
        assert await anext(chunks) == b"a"
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 3 * SHORT)
        waiting = asyncio.ensure_future(anext(chunks))
        assert await asyncio.wait({waiting}, timeout=SHORT / 2) == (set(), {waiting})
        with pytest.raises(UpstreamTimeout):
            await waiting


async def test_an_abort_is_an_error_for_who_waits_and_for_who_reads_on(upstream: Upstream) -> None:
    async with answered(upstream, begun) as (_, answer):
        answer.allow_silence(math.inf)
        chunks = answer.chunks()
        assert await anext(chunks) == b"a"
        waiting = asyncio.ensure_future(anext(chunks))
        await asyncio.sleep(0)
        answer.abort(ShuttingDown())
        with pytest.raises(ShuttingDown):
            await waiting
        with pytest.raises(ShuttingDown):
            await answer.read(MEGABYTE)
        await answer.finish()


async def test_what_comes_behind_the_last_event_leaves_the_connection_free(upstream: Upstream) -> None:
    async def tail(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(BEGUN + END)

    async with serving(tail) as server:
        for _ in range(2):
            answer = await upstream.send(post(server), KEY, later())
            async for _ in answer.chunks():
                break
            await answer.finish()
            answer.close()
        assert server.connections == 1


async def test_a_body_that_does_not_end_is_not_waited_for(upstream: Upstream) -> None:
    async with answered(upstream, begun) as (server, answer):
        answer.allow_silence(math.inf)
        async for _ in answer.chunks():
            break
        async with asyncio.timeout(5):
            await answer.finish()
            await server.closed.wait()


async def test_who_closes_before_the_end_closes_the_connection(upstream: Upstream) -> None:
    async with answered(upstream, begun) as (server, answer):
        assert await anext(answer.chunks()) == b"a"
        answer.close()
        async with asyncio.timeout(1):
            await server.closed.wait()


async def test_azure_is_not_read_faster_than_the_client_reads(upstream: Upstream) -> None:
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

    async with answered(upstream, flood) as (_, answer):
        assert await anext(answer.chunks())
        await held.wait()
        assert sent < 20 * MEGABYTE


async def test_silence_within_an_answer_is_a_timeout(upstream: Upstream) -> None:
    async def silent(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe")

    async with serving(silent) as server:
        with pytest.raises(UpstreamTimeout):
            await fetch(upstream, post(server))


async def test_an_answer_that_goes_on_for_too_long_in_all_is_a_timeout(upstream: Upstream) -> None:
    async def endless(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nx")

    async with serving(endless) as server:
        answer = await upstream.send(post(server), KEY, later(0.05))
        with pytest.raises(UpstreamTimeout, match="too long in all"):
            await answer.read(MEGABYTE)
        await answer.finish()
        answer.close()


async def test_the_beginning_of_a_long_answer_can_be_read(upstream: Upstream) -> None:
    async def long(_connection: int, _request: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 500 Oops\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 2_000_000)

    async with serving(long) as server:
        answer = await upstream.send(post(server), KEY, later())
        assert await answer.read_beginning(1000) == b"x" * 1000
        answer.close()
