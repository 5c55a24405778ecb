"""A streamed body leaves chunk by chunk, and comments break its silence."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from proxy.edge.delivery import KEEP_ALIVE, Delivery
from proxy.errors import UpstreamError

HEADERS = [(b"content-type", b"text/event-stream")]
SOON = 0.01


class Client:
    """Takes what is sent; while `reads` is clear, it does not take the next chunk."""

    def __init__(self) -> None:
        self.messages: list[MutableMapping[str, Any]] = []
        self.comments = asyncio.Queue[bytes]()
        self.reads = asyncio.Event()
        self.reads.set()

    @property
    def chunks(self) -> list[bytes]:
        return [message["body"] for message in self.messages if message["type"] == "http.response.body"]

    async def send(self, message: MutableMapping[str, Any]) -> None:
        await self.reads.wait()
        self.messages.append(message)
        if message.get("body") == KEEP_ALIVE:
            self.comments.put_nowait(KEEP_ALIVE)


async def of(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_the_head_the_chunks_and_the_end_are_sent_one_by_one() -> None:
    client = Client()
    await Delivery(client.send, silence=None).run(200, HEADERS, of(b"a", b"b"))
    assert client.messages == [
        {"type": "http.response.start", "status": 200, "headers": HEADERS},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b", "more_body": True},
        {"type": "http.response.body", "body": b"", "more_body": False},
    ]


async def test_a_silent_stream_of_events_sends_comments_until_it_goes_on() -> None:
    client = Client()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        for _ in range(3):
            assert await client.comments.get() == KEEP_ALIVE
        yield b"b"

    await Delivery(client.send, silence=SOON).run(200, HEADERS, chunks())
    spoken = [chunk for chunk in client.chunks if chunk != KEEP_ALIVE]
    assert spoken == [b"a", b"b", b""]
    assert client.chunks[:5] == [b"a", KEEP_ALIVE, KEEP_ALIVE, KEEP_ALIVE, b"b"]


async def test_a_body_that_is_no_stream_of_events_stays_silent() -> None:
    client = Client()
    over = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        asyncio.get_running_loop().call_later(5 * SOON, over.set)
        await over.wait()
        yield b"a"

    await Delivery(client.send, silence=None).run(200, HEADERS, chunks())
    assert client.chunks == [b"a", b""]


async def test_a_client_that_does_not_read_gets_no_comments_on_top() -> None:
    client = Client()
    over = asyncio.Event()

    async def chunks() -> AsyncIterator[bytes]:
        client.reads.clear()
        asyncio.get_running_loop().call_later(5 * SOON, client.reads.set)
        yield b"a"
        over.set()

    await Delivery(client.send, silence=SOON).run(200, HEADERS, chunks())
    assert over.is_set()
    assert client.chunks == [b"a", b""]


async def test_a_comment_that_is_still_on_its_way_leaves_before_the_end() -> None:
    client = Client()

    async def chunks() -> AsyncIterator[bytes]:
        await client.comments.get()
        client.reads.clear()
        asyncio.get_running_loop().call_later(3 * SOON, client.reads.set)
        await asyncio.wait_for(client.reads.wait(), 1)
        yield b"a"

    await Delivery(client.send, silence=SOON).run(200, HEADERS, chunks())
    assert client.messages[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert client.chunks.count(b"a") == 1


async def test_a_body_that_breaks_has_no_end() -> None:
    client = Client()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        raise UpstreamError("It broke.")

    with pytest.raises(UpstreamError):
        await Delivery(client.send, silence=SOON).run(200, HEADERS, chunks())
    assert client.chunks == [b"a"]
