"""The client's body: read whole or passed on as it comes, and what is refused of it."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from proxy.errors import BodyTooLarge, InvalidRequest, RequestTimeout, UnsupportedEncoding
from proxy.server.connection import ClientDisconnected
from proxy.server.deadline import Deadline, Limit
from proxy.server.request_body import BODY_STALL, SLOWEST, body_parts, declared_length, read_body
from proxy.values import Message, Request
from tests.fakes.virtual_time import in_virtual_time, reach, time_now

END = 1000.0


class Body:
    """The messages of one body, each after a time of silence; behind the last the client is silent or gone."""

    def __init__(self, *parts: bytes, pause: float = 0.0, complete: bool = True, gone: bool = False) -> None:
        self._parts = list(parts)
        self._pause = pause
        self._complete = complete
        self._gone = gone
        self.asked = 0

    async def receive(self) -> Message:
        self.asked += 1
        await reach(time_now() + self._pause)
        if self._parts:
            part = self._parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(self._parts) or not self._complete}
        if self._gone:
            return {"type": "http.disconnect"}
        await asyncio.Event().wait()
        raise AssertionError


def request(body: Body, **headers: str) -> Request:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(id="1", method="POST", path="/", query="", headers=named, receive=body.receive)


async def read(body: Body, end: float = END, **headers: str) -> bytes:
    return await read_body(request(body, **headers), 4, Deadline(), end)


async def whole(body: Body, end: float = END, **headers: str) -> list[bytes]:
    return [await read(body, end, **headers)]


async def parts(body: Body, end: float = END, **headers: str) -> list[bytes]:
    return [part async for part in body_parts(request(body, **headers), end)]


class Reader(Protocol):
    """Reads a body, whole or part by part."""

    async def __call__(self, body: Body, end: float = END, **headers: str) -> list[bytes]: ...


READERS = pytest.mark.parametrize("reader", [whole, parts])


@in_virtual_time
async def test_a_body_is_read_whole() -> None:
    assert await read(Body(b"ab", b"", b"cd")) == b"abcd"
    assert await read(Body(b"abcd")) == b"abcd"
    assert await read(Body(b"")) == b""


@in_virtual_time
async def test_a_message_without_a_body_is_an_empty_one() -> None:
    async def receive() -> Message:
        return {"type": "http.request"}

    bare = Request(id="1", method="GET", path="/", query="", headers={}, receive=receive)
    assert await read_body(bare, 4, Deadline(), END) == b""
    assert [part async for part in body_parts(bare, END)] == []


@in_virtual_time
async def test_the_parts_of_a_body_come_as_they_are_sent_without_empty_ones() -> None:
    assert await parts(Body(b"ab", b"", b"cd")) == [b"ab", b"cd"]
    assert await parts(Body(b"")) == []


@in_virtual_time
async def test_a_body_that_declares_that_it_is_too_large_is_not_read() -> None:
    body = Body(b"abcde")
    with pytest.raises(BodyTooLarge):
        await read(body, content_length="5")
    assert body.asked == 0
    assert await read(Body(b"abcd"), content_length="4") == b"abcd"


@in_virtual_time
async def test_a_body_that_becomes_too_large_is_not_read_on() -> None:
    body = Body(b"abc", b"de", b"fg")
    with pytest.raises(BodyTooLarge):
        await read(body)
    assert body.asked == 2


@pytest.mark.parametrize("declared", ["five", "-1", "1e3", "9" * 30, "٣", ""])
def test_a_length_that_is_no_number_is_refused(declared: str) -> None:
    with pytest.raises(InvalidRequest):
        declared_length({"content-length": declared})


def test_a_length_is_what_is_declared() -> None:
    assert declared_length({"content-length": "12"}) == 12
    assert declared_length({}) is None


@in_virtual_time
async def test_a_length_that_is_no_number_is_refused_before_reading() -> None:
    body = Body(b"a")
    with pytest.raises(InvalidRequest):
        await read(body, content_length="five")
    assert body.asked == 0


@READERS
def test_an_unknown_encoding_is_refused_before_reading(reader: Reader) -> None:
    @in_virtual_time
    async def refuse() -> None:
        body = Body(b"a")
        with pytest.raises(UnsupportedEncoding):
            await reader(body, content_encoding="br")
        assert body.asked == 0
        await reader(Body(b"a"), content_encoding="Identity")

    refuse()


@READERS
def test_a_compressed_body_is_decoded(reader: Reader) -> None:
    @in_virtual_time
    async def decode() -> None:
        encoded = gzip.compress(b"text")
        assert b"".join(await reader(Body(encoded[:5], encoded[5:]), content_encoding="gzip")) == b"text"
        with pytest.raises(InvalidRequest):
            await reader(Body(encoded[:5]), content_encoding="gzip")

    decode()


def test_a_body_that_decodes_to_too_much_is_refused() -> None:
    @in_virtual_time
    async def refuse() -> None:
        with pytest.raises(BodyTooLarge):
            await read(Body(gzip.compress(bytes(2_000_000))), content_encoding="gzip")

    refuse()


@READERS
def test_a_body_that_stops_arriving_is_a_timeout(reader: Reader) -> None:
    @in_virtual_time
    async def stall() -> None:
        with pytest.raises(RequestTimeout):
            await reader(Body(b"a", complete=False))
        assert time_now() == BODY_STALL
        assert_not_cancelled()

    stall()


@READERS
def test_a_body_that_goes_on_slowly_is_waited_for(reader: Reader) -> None:
    @in_virtual_time
    async def slow() -> None:
        body = Body(b"a", b"b", b"c", pause=0.3 * BODY_STALL)
        assert b"".join(await reader(body)) == b"abc"
        assert time_now() > 0.8 * BODY_STALL

    slow()


def test_a_large_body_may_take_longer_than_a_small_one() -> None:
    @in_virtual_time
    async def slow() -> None:
        body = Body(*[bytes(SLOWEST)] * 60, pause=0.9)
        assert len(b"".join(await parts(body))) == 60 * SLOWEST
        assert time_now() > 1.5 * BODY_STALL

    slow()


@READERS
def test_a_body_that_comes_too_slowly_on_the_whole_is_a_timeout(reader: Reader) -> None:
    @in_virtual_time
    async def drip() -> None:
        with pytest.raises(RequestTimeout):
            await reader(Body(b"a", b"b", b"c", pause=0.9 * BODY_STALL))
        assert time_now() < 1.1 * BODY_STALL

    drip()


@READERS
def test_a_body_that_goes_on_for_too_long_in_all_is_a_timeout(reader: Reader) -> None:
    @in_virtual_time
    async def endless() -> None:
        body = Body(*[b""] * 1000, pause=1)
        with pytest.raises(RequestTimeout):
            await reader(body, end=10.5)
        assert time_now() == 10.5
        assert_not_cancelled()

    endless()


@READERS
def test_a_client_that_disconnects_within_its_body_is_gone(reader: Reader) -> None:
    @in_virtual_time
    async def gone() -> None:
        with pytest.raises(ClientDisconnected):
            await reader(Body(b"half", complete=False, gone=True))

    gone()


@in_virtual_time
async def test_a_cancellation_from_elsewhere_is_none_for_a_slow_body() -> None:
    reading = asyncio.create_task(read(Body(b"a", complete=False)))
    await reach(BODY_STALL / 2)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@in_virtual_time
async def test_what_is_done_behind_the_body_is_not_bound_by_its_limit() -> None:
    deadline = Deadline()
    assert await read_body(request(Body(b"a")), 4, deadline, END) == b"a"
    await reach(3 * BODY_STALL)
    assert not deadline.interrupted(Limit.BODY_STALL)
    assert_not_cancelled()


@in_virtual_time
async def test_a_body_may_be_passed_on_by_another_task() -> None:
    async def send_on(body: AsyncIterator[bytes]) -> None:
        async for _ in body:
            pass

    body = body_parts(request(Body(b"a", complete=False)), END)
    sending = asyncio.create_task(send_on(body))
    with pytest.raises(RequestTimeout):
        await sending
    assert_not_cancelled()


def assert_not_cancelled() -> None:
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
