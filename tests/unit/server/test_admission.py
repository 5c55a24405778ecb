"""How many requests are in flight, who is refused, and how the rest is ended."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from proxy.edge.admission import Admission, Carried
from proxy.errors import Overloaded

# Seconds that need not pass.
LONG = 30.0


class Body:
    """A body of two chunks; it notes what is done to it."""

    def __init__(self, *, breaks: bool = False) -> None:
        self.stopped = 0
        self.closed = 0
        self._breaks = breaks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"a"
        yield b"b"

    def stop(self) -> None:
        self.stopped += 1

    async def aclose(self) -> None:
        self.closed += 1
        if self._breaks:
            raise RuntimeError


def nothing() -> None:
    """End what ends by itself."""


def test_as_many_as_may_be_enter_and_the_next_is_refused_with_a_wait() -> None:
    admission = Admission(2)
    first, _ = admission.enter(nothing), admission.enter(nothing)
    with pytest.raises(Overloaded, match="too many requests") as raised:
        admission.enter(nothing)
    assert (raised.value.status, raised.value.headers["retry-after"]) == (503, "1")
    assert len(admission) == 2
    first.leave()
    admission.enter(nothing)
    assert len(admission) == 2


def test_who_leaves_twice_is_counted_out_once() -> None:
    admission = Admission(3)
    ticket, _ = admission.enter(nothing), admission.enter(nothing)
    ticket.leave()
    ticket.leave()
    assert len(admission) == 1


async def test_a_carried_body_is_read_as_it_is_and_leaves_when_it_is_closed() -> None:
    admission, body = Admission(1), Body()
    carried = admission.enter(nothing).carry(body)
    assert [chunk async for chunk in carried] == [b"a", b"b"]
    assert len(admission) == 1
    await carried.aclose()
    assert (len(admission), body.closed) == (0, 1)


async def test_a_body_that_nobody_has_read_leaves_too() -> None:
    admission = Admission(1)
    await admission.enter(nothing).carry(Body()).aclose()
    assert len(admission) == 0


async def test_a_body_that_breaks_when_it_is_closed_leaves_all_the_same() -> None:
    admission = Admission(1)
    with pytest.raises(RuntimeError):
        await admission.enter(nothing).carry(Body(breaks=True)).aclose()
    assert len(admission) == 0


async def test_an_end_without_requests_is_there_at_once() -> None:
    async with asyncio.timeout(1):
        await Admission(1).end(LONG)


async def test_nothing_is_let_in_near_the_end_and_what_leaves_in_time_is_not_stopped() -> None:
    admission, body = Admission(2), Body()
    carried = admission.enter(nothing).carry(body)
    ending = asyncio.create_task(admission.end(LONG))
    await asyncio.sleep(0)
    with pytest.raises(Overloaded, match="about to end"):
        admission.enter(nothing)
    assert not ending.done()
    await carried.aclose()
    await ending
    assert body.stopped == 0


async def test_what_goes_on_behind_the_grace_is_stopped_and_waited_for() -> None:
    admission, body = Admission(2), Body()
    stopped = asyncio.Event()
    handled, carried = admission.enter(stopped.set), admission.enter(nothing).carry(body)
    ending = asyncio.create_task(admission.end(0.01))
    await stopped.wait()
    assert body.stopped == 1
    assert not ending.done()
    handled.leave()
    await carried.aclose()
    await ending


async def test_what_does_not_listen_is_not_waited_for_without_end() -> None:
    admission, body = Admission(1), Body()
    carried: Carried = admission.enter(nothing).carry(body)
    async with asyncio.timeout(5):
        await admission.end(0.01)
    assert body.stopped == 1
    carried.stop()
    assert body.stopped == 2
