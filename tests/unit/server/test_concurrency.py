"""How many requests are in flight, who is refused, and how the rest is ended."""

import asyncio
from pathlib import Path

import pytest

from proxy.errors import Overloaded
from proxy.server.concurrency import LAST_WORDS, Concurrency, Slot, instance_memory
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
    concurrency = Concurrency(2, 1000)
    first, _ = concurrency.acquire(nothing), concurrency.acquire(nothing)
    with pytest.raises(Overloaded, match="too many requests") as raised:
        concurrency.acquire(nothing)
    assert (raised.value.status, raised.value.headers["retry-after"]) == (503, "1")
    assert len(concurrency) == 2
    first.release()
    concurrency.acquire(nothing)
    assert len(concurrency) == 2


def test_a_slot_that_is_released_twice_counts_once() -> None:
    concurrency = Concurrency(3, 1000)
    slot, _ = concurrency.acquire(nothing), concurrency.acquire(nothing)
    slot.release()
    slot.release()
    assert len(concurrency) == 1


@in_virtual_time
async def test_an_end_without_requests_is_there_at_once() -> None:
    await Concurrency(1, 1000).shut_down(30)
    concurrency = Concurrency(1, 1000)
    concurrency.acquire(nothing).release()
    await concurrency.shut_down(30)
    assert time_now() == 0


@in_virtual_time
async def test_nothing_is_admitted_near_the_end_and_what_ends_in_time_is_not_stopped() -> None:
    concurrency, stops = Concurrency(3, 1000), Stops()
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
    concurrency, stops = Concurrency(2, 1000), Stops()
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
    concurrency = Concurrency(2, 1000)
    slots: list[Slot] = []

    def end_all() -> None:
        for slot in slots:
            slot.release()

    slots += [concurrency.acquire(end_all), concurrency.acquire(end_all)]
    await concurrency.shut_down(1)
    assert (time_now(), len(concurrency)) == (1, 0)


@in_virtual_time
async def test_what_does_not_listen_is_not_waited_for_without_end() -> None:
    concurrency, stops = Concurrency(1, 1000), Stops()
    concurrency.acquire(stops)
    await concurrency.shut_down(5)
    assert (time_now(), stops.count, len(concurrency)) == (5 + LAST_WORDS, 1, 1)


def test_those_that_are_read_leave_their_place_to_others_once_they_are_worked_on() -> None:
    concurrency = Concurrency(2, 1000)
    first, second = concurrency.acquire(nothing), concurrency.acquire(nothing)
    first.work()
    concurrency.acquire(nothing)
    second.work()
    with pytest.raises(Overloaded):
        concurrency.acquire(nothing)
    first.release()
    assert len(concurrency) == 2


def test_no_client_has_more_than_half_of_those_that_are_read() -> None:
    concurrency = Concurrency(4, 1000)
    slots = [concurrency.acquire(nothing) for _ in range(4)]
    slots[0].read_for("slow")
    slots[1].read_for("slow")
    with pytest.raises(Overloaded, match="too many uploads"):
        slots[2].read_for("slow")
    slots[3].read_for("another")
    slots[0].work()
    slots[2].read_for("slow")


def test_no_more_than_half_of_those_that_are_worked_on_are_forms() -> None:
    concurrency = Concurrency(4, 1000)
    slots = [concurrency.acquire(nothing) for _ in range(4)]
    slots[0].work(form=True)
    slots[1].work(form=True)
    with pytest.raises(Overloaded, match="too many uploads"):
        slots[2].work(form=True)
    slots[2].work()
    slots[3].work()


def test_bodies_have_a_budget_of_memory_that_nobody_waits_for() -> None:
    concurrency = Concurrency(2, 10)
    first, second = concurrency.acquire(nothing), concurrency.acquire(nothing)
    first.take(8)
    with pytest.raises(Overloaded, match="no memory") as raised:
        second.take(3)
    assert raised.value.headers["retry-after"] == "1"
    first.release()
    assert concurrency.held == 0
    second.take(10)


def test_the_memory_of_an_instance_is_that_of_its_control_group_where_it_has_a_limit(tmp_path: Path) -> None:
    limit, none = tmp_path / "memory.max", tmp_path / "unlimited"
    limit.write_text("536870912\n")
    none.write_text("max\n")
    assert instance_memory((limit, tmp_path / "missing")) == 536870912
    assert instance_memory((none,)) == instance_memory(()) > 536870912
