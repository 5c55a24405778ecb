"""One timer for all limits of a task: which are due when, and what that does to the task."""

import asyncio

import pytest

from proxy.server.deadline import Deadline, Expire, Limit
from tests.fakes.virtual_time import in_virtual_time, reach, time_now


class Due:
    """Notes when it was due; `again` are the seconds after which it is so once more, None for never."""

    def __init__(self, again: float | None = None) -> None:
        self.times: list[float] = []
        self._again = again

    def __call__(self, now: float) -> float | None:
        assert now == time_now()
        self.times.append(now)
        return None if self._again is None else now + self._again


async def interrupted(deadline: Deadline, *limits: Limit) -> list[bool]:
    """Wait until the task is cancelled; return whether it was each of the limits."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return [deadline.interrupted(limit) for limit in limits]
    raise AssertionError


def cancellations() -> int:
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


@in_virtual_time
async def test_a_limit_is_due_once_at_its_time() -> None:
    deadline, due = Deadline(), Due()
    deadline.set(Limit.PATIENCE, 3, due)
    await reach(2.9)
    assert due.times == []
    await reach(10)
    assert due.times == [3]


@in_virtual_time
async def test_a_limit_that_is_long_past_is_due_at_once() -> None:
    await reach(5)
    deadline, due = Deadline(), Due()
    deadline.set(Limit.PATIENCE, 3, due)
    await reach(5.1)
    assert due.times == [5]


@in_virtual_time
async def test_an_earlier_limit_does_not_wait_for_the_later_one_that_was_set_before() -> None:
    deadline, late, early = Deadline(), Due(), Due()
    deadline.set(Limit.CLIENT_STALL, 9, late)
    deadline.set(Limit.SILENCE, 2, early)
    await reach(5)
    assert early.times == [2]
    await reach(10)
    assert late.times == [9]


@in_virtual_time
async def test_a_limit_that_is_set_again_is_due_at_its_last_time_alone() -> None:
    deadline, put_off, brought_forward = Deadline(), Due(), Due()
    deadline.set(Limit.IDLE, 2, put_off)
    deadline.set(Limit.IDLE, 6, put_off)
    deadline.set(Limit.SILENCE, 8, brought_forward)
    deadline.set(Limit.SILENCE, 4, brought_forward)
    await reach(20)
    assert (put_off.times, brought_forward.times) == ([6], [4])


@in_virtual_time
async def test_a_limit_goes_on_when_it_says_until_when() -> None:
    deadline, due = Deadline(), Due(again=2)
    deadline.set(Limit.SILENCE, 1, due)
    await reach(6)
    assert due.times == [1, 3, 5]


@in_virtual_time
async def test_limits_of_the_same_time_are_all_due() -> None:
    deadline, one, other = Deadline(), Due(again=5), Due()
    deadline.set(Limit.SILENCE, 1, one)
    deadline.set(Limit.CLIENT_STALL, 1, other)
    await reach(7)
    assert (one.times, other.times) == ([1, 6], [1])


@in_virtual_time
async def test_a_limit_that_was_taken_away_is_never_due_and_the_others_still_are() -> None:
    deadline, gone, kept = Deadline(), Due(), Due()
    deadline.set(Limit.IDLE, 1, gone)
    deadline.set(Limit.SILENCE, 2, kept)
    deadline.clear(Limit.IDLE)
    deadline.clear(Limit.ATTEMPT)
    await reach(3)
    assert (gone.times, kept.times) == ([], [2])


@in_virtual_time
async def test_a_limit_may_take_away_and_put_off_others_of_the_same_time() -> None:
    deadline, gone, put_off = Deadline(), Due(), Due()

    def expire(_now: float) -> None:
        deadline.clear(Limit.IDLE)
        deadline.set(Limit.CLIENT_STALL, 4, put_off)

    deadline.set(Limit.PATIENCE, 1, expire)
    deadline.set(Limit.IDLE, 1, gone)
    deadline.set(Limit.CLIENT_STALL, 1, put_off)
    await reach(5)
    assert (gone.times, put_off.times) == ([], [4])


@in_virtual_time
async def test_a_limit_may_set_itself_and_others_while_it_is_due() -> None:
    deadline, other = Deadline(), Due()
    times: list[float] = []

    def expire(now: float) -> None:
        times.append(now)
        if now < 3:
            deadline.set(Limit.PATIENCE, now + 2, expire)
        deadline.set(Limit.SILENCE, 2, other)

    deadline.set(Limit.PATIENCE, 1, expire)
    await reach(8)
    assert (times, other.times) == ([1, 3], [2, 3])


@in_virtual_time
async def test_a_limit_without_a_call_interrupts_the_task_which_takes_that_back() -> None:
    deadline = Deadline()
    deadline.set(Limit.ATTEMPT, 4)
    assert await interrupted(deadline, Limit.IDLE, Limit.ATTEMPT, Limit.ATTEMPT) == [False, True, False]
    assert (time_now(), cancellations()) == (4, 0)
    deadline.set(Limit.ATTEMPT, 6)
    assert await interrupted(deadline, Limit.ATTEMPT) == [True]
    assert time_now() == 6


@in_virtual_time
async def test_two_limits_that_are_due_together_interrupt_once() -> None:
    deadline = Deadline()
    deadline.set(Limit.ATTEMPT, 1)
    deadline.set(Limit.IDLE, 1)
    assert await interrupted(deadline, Limit.ATTEMPT, Limit.IDLE) == [True, False]
    assert cancellations() == 0


@in_virtual_time
async def test_a_task_that_is_cancelled_by_somebody_else_was_not_interrupted() -> None:
    deadline, task = Deadline(), asyncio.current_task()
    assert task is not None
    deadline.set(Limit.ATTEMPT, 4)
    asyncio.get_running_loop().call_at(2, task.cancel)
    assert await interrupted(deadline, Limit.ATTEMPT) == [False]
    assert (time_now(), cancellations()) == (2, 1)
    task.uncancel()
    deadline.close()


@in_virtual_time
async def test_somebody_else_s_cancellation_at_the_same_time_goes_on() -> None:
    deadline, task = Deadline(), asyncio.current_task()
    assert task is not None
    deadline.set(Limit.ATTEMPT, 2)
    asyncio.get_running_loop().call_at(2, task.cancel)
    assert await interrupted(deadline, Limit.ATTEMPT) == [False]
    assert cancellations() == 1
    task.uncancel()


@pytest.mark.parametrize("expire", [None, Due()])
def test_nothing_is_due_after_the_end(expire: Expire | None) -> None:
    @in_virtual_time
    async def close_early() -> None:
        deadline = Deadline()
        deadline.set(Limit.ATTEMPT, 1, expire)
        deadline.close()
        deadline.close()
        await reach(5)

    close_early()
    assert not isinstance(expire, Due) or expire.times == []


@in_virtual_time
async def test_a_limit_that_closes_the_deadline_is_the_last() -> None:
    deadline, other = Deadline(), Due()

    def end(_now: float) -> None:
        deadline.close()

    deadline.set(Limit.PATIENCE, 1, end)
    deadline.set(Limit.SILENCE, 1, other)
    await reach(9)
    assert other.times == []
