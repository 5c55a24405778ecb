"""The client's side: its body, and its leaving before the answer."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from proxy.edge.inbound import Departure, read_body
from proxy.errors import BodyTooLarge, InvalidRequest, RequestTimeout, UnsupportedEncoding
from proxy.values import Request


async def parts_of(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def request(body: AsyncIterator[bytes], **headers: str) -> Request:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(id="1", method="POST", path="/", query="", headers=told, body=body)


def later(seconds: float = 1.0) -> float:
    return asyncio.get_running_loop().time() + seconds


class Connection:
    """The events of one connection; `leave` adds the last."""

    def __init__(self) -> None:
        self._left = asyncio.Event()

    def leave(self) -> None:
        self._left.set()

    async def receive(self) -> MutableMapping[str, Any]:
        await self._left.wait()
        return {"type": "http.disconnect"}


async def test_a_body_is_read_whole() -> None:
    assert await read_body(request(parts_of(b"ab", b"", b"cd")), 4, later()) == b"abcd"
    assert await read_body(request(parts_of()), 4, later()) == b""


async def test_a_body_that_tells_it_is_too_large_is_not_read() -> None:
    body = parts_of(b"abcde")
    with pytest.raises(BodyTooLarge):
        await read_body(request(body, content_length="5"), 4, later())
    assert await anext(body) == b"abcde"


async def test_a_body_that_becomes_too_large_is_not_read_on() -> None:
    body = parts_of(b"abc", b"de", b"fg")
    with pytest.raises(BodyTooLarge):
        await read_body(request(body), 4, later())


@pytest.mark.parametrize("told", ["five", "-1", "1e3", "9" * 30, "٣"])
async def test_a_length_that_is_no_number_is_refused(told: str) -> None:
    with pytest.raises(InvalidRequest):
        await read_body(request(parts_of(), content_length=told), 4, later())


async def test_a_compressed_body_is_refused() -> None:
    with pytest.raises(UnsupportedEncoding):
        await read_body(request(parts_of(), content_encoding="gzip"), 4, later())


async def test_a_body_that_stops_arriving_is_a_timeout() -> None:
    async def stalled() -> AsyncIterator[bytes]:
        yield b"a"
        await asyncio.Event().wait()

    with pytest.raises(RequestTimeout):
        await read_body(request(stalled()), 4, later(0.01))


async def test_leaving_before_the_answer_ends_the_handler_and_nothing_else() -> None:
    connection = Connection()
    reached = False
    async with Departure(connection.receive) as departure:
        async for _ in departure.watched(parts_of(b"body")):
            pass
        connection.leave()
        await asyncio.Event().wait()
        reached = True
    assert departure.left
    assert not reached
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_leaving_within_the_upload_ends_the_handler() -> None:
    async def torn() -> AsyncIterator[bytes]:
        yield b"half"
        raise ClientDisconnect

    async with Departure(Connection().receive) as departure:
        async for _ in departure.watched(torn()):
            pass
    assert departure.left


async def test_leaving_within_an_upload_that_another_task_sends_on_ends_the_handler() -> None:
    async def torn() -> AsyncIterator[bytes]:
        yield b"half"
        raise ClientDisconnect

    async def send_on(body: AsyncIterator[bytes]) -> None:
        async for _ in body:
            pass

    async with Departure(Connection().receive) as departure:
        sending = asyncio.create_task(send_on(departure.watched(torn())))
        await asyncio.Event().wait()
    assert departure.left
    assert sending.cancelled()


async def test_a_cancellation_from_elsewhere_is_not_taken_for_leaving() -> None:
    async def handler() -> None:
        async with Departure(Connection().receive) as departure:
            async for _ in departure.watched(parts_of(b"body")):
                pass
            started.set()
            await asyncio.Event().wait()

    started = asyncio.Event()
    task = asyncio.create_task(handler())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_answer_in_time_ends_the_watch() -> None:
    before = asyncio.all_tasks()
    async with Departure(Connection().receive) as departure:
        async for _ in departure.watched(parts_of(b"body")):
            pass
        watchers = asyncio.all_tasks() - before
    assert len(watchers) == 1
    await asyncio.wait(watchers)
    assert not departure.left
