"""A client that does not read at all is not waited for without end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.edge.delivery import STALL, Delivery
from tests.unit.server.test_delivery import HEADERS, SOON, Client

PLATFORM = 240.0  # seconds after which the Functions host cuts what is silent


async def test_a_delivery_whose_client_takes_nothing_is_ended() -> None:
    client = Client()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        client.reads.clear()
        yield b"b"

    async def deliver() -> None:
        await Delivery(client.send, silence=SOON, stall=SOON).run(200, HEADERS, chunks())

    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(deliver())
    assert client.chunks == [b"a"]


async def test_azure_s_silence_is_not_taken_for_the_client_s() -> None:
    client, over = Client(), asyncio.Event()

    async def silent() -> AsyncIterator[bytes]:
        yield b"a"
        asyncio.get_running_loop().call_later(5 * SOON, over.set)
        await over.wait()
        yield b"b"

    await Delivery(client.send, silence=None, stall=SOON).run(200, HEADERS, silent())
    assert client.chunks == [b"a", b"b", b""]


async def test_a_slow_client_that_takes_something_now_and_then_is_waited_for() -> None:
    client = Client()
    loop = asyncio.get_running_loop()

    async def slow() -> AsyncIterator[bytes]:
        for _ in range(5):
            client.reads.clear()
            loop.call_later(0.8 * SOON, client.reads.set)
            yield b"a"

    await Delivery(client.send, silence=None, stall=SOON).run(200, HEADERS, slow())
    assert client.chunks == [b"a"] * 5 + [b""]


def test_the_proxy_gives_up_before_the_platform_does() -> None:
    assert STALL * 2 <= PLATFORM


async def test_a_client_that_takes_nothing_gets_one_comment_and_no_heap_of_them() -> None:
    client = Client()

    async def silent() -> AsyncIterator[bytes]:
        yield b"a"
        client.reads.clear()
        await asyncio.Event().wait()

    delivery = Delivery(client.send, silence=SOON, stall=10 * SOON)
    running = asyncio.create_task(delivery.run(200, HEADERS, silent()))
    before = len(asyncio.all_tasks())
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await running
    assert len(asyncio.all_tasks()) < before
    assert client.chunks == [b"a"]


async def test_a_client_that_does_not_take_the_end_is_not_waited_for_either() -> None:
    client = Client()

    async def chunks() -> AsyncIterator[bytes]:
        yield b"a"
        client.reads.clear()

    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.create_task(Delivery(client.send, silence=None, stall=SOON).run(200, HEADERS, chunks()))
    assert client.chunks == [b"a"]
