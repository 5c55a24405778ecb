"""How many requests are in flight, who is refused, and how the rest is ended."""

import asyncio

import pytest

from proxy.errors import Overloaded
from proxy.server.concurrency import LAST_WORDS, Concurrency, Slot
from tests.fakes.virtual_time import in_virtual_time, reach, time_now


def nothing() -> None:
    """End what ends by itself."""


class Stops:
    """Counts how often something was to end."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self) -> None:
        self.count += 1


def test_as_many_as_may_be_are_admitted_and_the_next_is_refused_with_a_wait() -> None:
    concurrency = Concurrency(2)
    first, _ = concurrency.acquire(nothing), concurrency.acquire(nothing)
    with pytest.raises(Overloaded, match="too many requests") as raised:
        concurrency.acquire(nothing)
    assert (raised.value.status, raised.value.headers["retry-after"]) == (503, "1")
    assert len(concurrency) == 2
    first.release()
    concurrency.acquire(nothing)
    assert len(concurrency) == 2


def test_a_slot_that_is_released_twice_counts_once() -> None:
    concurrency = Concurrency(3)
    slot, _ = concurrency.acquire(nothing), concurrency.acquire(nothing)
    slot.release()
    slot.release()
    assert len(concurrency) == 1


@in_virtual_time
async def test_an_end_without_requests_is_there_at_once() -> None:
    await Concurrency(1).shut_down(30)
    concurrency = Concurrency(1)
    concurrency.acquire(nothing).release()
    await concurrency.shut_down(30)
    assert time_now() == 0


@in_virtual_time
async def test_nothing_is_admitted_near_the_end_and_what_ends_in_time_is_not_stopped() -> None:
    concurrency, stops = Concurrency(3), Stops()
    slots = [concurrency.acquire(stops), concurrency.acquire(stops)]
    ending = asyncio.create_task(concurrency.shut_down(30))
    await reach(10)
    with pytest.raises(Overloaded, match="about to end"):
        concurrency.acquire(nothing)
    slots[0].release()
    await reach(20)
    assert not ending.done()
    slots[1].release()
    await ending
    assert (time_now(), stops.count) == (20, 0)


@in_virtual_time
async def test_what_goes_on_behind_the_grace_is_stopped_and_waited_for() -> None:
    concurrency, stops = Concurrency(2), Stops()
    first, second = concurrency.acquire(stops), concurrency.acquire(stops)
    ending = asyncio.create_task(concurrency.shut_down(5))
    await reach(4)
    assert stops.count == 0
    await reach(5 + LAST_WORDS / 2)
    assert stops.count == 2
    first.release()
    assert not ending.done()
    second.release()
    await ending
    assert time_now() == 5 + LAST_WORDS / 2


@in_virtual_time
async def test_requests_may_end_while_they_are_stopped() -> None:
    concurrency = Concurrency(2)
    slots: list[Slot] = []

    def end_all() -> None:
        for slot in slots:
            slot.release()

    slots += [concurrency.acquire(end_all), concurrency.acquire(end_all)]
    await concurrency.shut_down(1)
    assert (time_now(), len(concurrency)) == (1, 0)


@in_virtual_time
async def test_what_does_not_listen_is_not_waited_for_without_end() -> None:
    concurrency, stops = Concurrency(1), Stops()
    concurrency.acquire(stops)
    await concurrency.shut_down(5)
    assert (time_now(), stops.count, len(concurrency)) == (5 + LAST_WORDS, 1, 1)
