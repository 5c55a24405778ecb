"""The keeper of one value, on a clock that the test moves."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.azure_services.cached import Cached
from proxy.errors import ConfigurationError
from tests.fakes.clock import Clock
from tests.fakes.world import World, down

LIFETIME = 100.0


@pytest.fixture
def world() -> World:
    return World("one")


def keeper(world: World, clock: Clock, draw: float = 0.5, patience: float = 20.0) -> Cached[str]:
    return Cached(world.fetch, lambda _: LIFETIME, sleep=clock.sleep, clock=clock, draw=lambda: draw, patience=patience)


@pytest.fixture
async def cached(world: World, clock: Clock) -> AsyncIterator[Cached[str]]:
    cached = keeper(world, clock)
    yield cached
    await cached.close()


async def fails(cached: Cached[str]) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        await cached.get()
    assert cached.problem == caught.value.reason
    return caught.value


async def test_all_callers_share_the_first_read(cached: Cached[str], world: World) -> None:
    world.open.clear()
    cached.start()
    cached.start()
    callers = [asyncio.create_task(cached.get()) for _ in range(100)]
    await world.asked.wait()
    world.open.set()
    assert await asyncio.gather(*callers) == ["one"] * 100
    assert world.fetches == 1


async def test_a_caller_that_leaves_does_not_take_the_read_along(cached: Cached[str], world: World) -> None:
    world.open.clear()
    stays, leaves = asyncio.create_task(cached.get()), asyncio.create_task(cached.get())
    await world.asked.wait()
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    world.open.set()
    assert await stays == "one"
    assert world.fetches == 1


async def test_a_caller_waits_for_the_first_read_only_so_long(world: World, clock: Clock) -> None:
    cached = keeper(world, clock, patience=0.0)
    world.open.clear()
    assert (await fails(cached)).reason == "credential_pending"
    world.open.set()
    await clock.asleep()
    assert await cached.get() == "one"
    await cached.close()


async def test_after_a_failed_first_read_callers_hear_it_without_a_new_read(cached: Cached[str], world: World) -> None:
    world.answer = down()
    assert {(await fails(cached)).reason for _ in range(5)} == {"vault_down"}
    assert world.fetches == 1


async def test_the_old_value_serves_while_the_world_is_down(cached: Cached[str], world: World, clock: Clock) -> None:
    await cached.get()
    world.answer = down()
    began = clock.now
    while clock.now < began + 86_400:
        await clock.next_round()
        assert await cached.get() == "one"
    assert cached.problem is None
    assert cached.missing() is None


@given(draw=st.floats(0, 1))
async def test_refreshes_are_spread_by_a_fifth_to_each_side(draw: float) -> None:
    world, clock = World("one"), Clock()
    cached = keeper(world, clock, draw)
    cached.start()
    assert 0.8 * LIFETIME - 0.001 <= await clock.asleep() <= 1.2 * LIFETIME + 0.001
    await cached.close()


@given(draw=st.floats(0, 1), failures=st.integers(1, 2000))
async def test_retries_wait_longer_and_longer_up_to_half_a_minute(draw: float, failures: int) -> None:
    world, clock = World(down()), Clock()
    cached = keeper(world, clock, draw)
    cached.start()
    await clock.asleep()
    for _ in range(min(failures, 20)):
        await clock.next_round()
    assert clock.slept == [draw * min(30.0, 2.0**attempt) for attempt in range(len(clock.slept))]
    await cached.close()


@pytest.mark.parametrize(("said", "waited"), [("7", 7.5), ("0", 0.5), ("999999999", 55.5), ("-1", 0.5), ("soon", 0.5)])
async def test_the_time_that_a_failure_names_is_waited_but_never_a_minute(
    cached: Cached[str], world: World, clock: Clock, said: str, waited: float
) -> None:
    world.answer = down(retry_after=said)
    cached.start()
    assert await clock.asleep() == waited


async def test_a_success_ends_the_growing_of_the_pauses(cached: Cached[str], world: World, clock: Clock) -> None:
    world.answer = down()
    cached.start()
    for _ in range(4):
        await clock.next_round()
    world.answer = "one"
    assert await clock.next_round() == LIFETIME
    world.answer = down()
    assert await clock.next_round() == 0.5


async def test_a_surprise_ends_neither_the_service_nor_the_retries(
    cached: Cached[str], world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    world.answer = RuntimeError("canary")
    assert (await fails(cached)).reason == "credential_unreadable"
    assert "canary" not in caplog.text
    assert "RuntimeError" in caplog.text
    world.answer = "two"
    await clock.next_round()
    assert await cached.get() == "two"
    assert cached.missing() is None


async def test_a_refused_value_is_read_again_once_for_all_callers(cached: Cached[str], world: World) -> None:
    await cached.get()
    world.answer = "two"
    assert await asyncio.gather(*(cached.reread("one") for _ in range(100))) == ["two"] * 100
    assert world.fetches == 2


async def test_a_value_that_was_replaced_already_is_not_read_again(cached: Cached[str], world: World) -> None:
    assert await cached.reread("zero") == "one"
    assert world.fetches == 1


async def test_there_is_one_reread_in_half_a_minute(cached: Cached[str], world: World, clock: Clock) -> None:
    await cached.get()
    await clock.asleep()
    assert await cached.reread("one") == "one"
    clock.advance(29.9)
    assert await cached.reread("one") == "one"
    assert world.fetches == 2
    clock.advance(0.1)
    world.answer = "two"
    assert await cached.reread("one") == "two"
    assert world.fetches == 3


async def test_a_failed_reread_leaves_the_old_value(cached: Cached[str], world: World) -> None:
    await cached.get()
    world.answer = down()
    assert await cached.reread("one") == "one"
    assert cached.problem is None


async def test_a_reread_waits_for_the_refresh_under_way_and_uses_it(
    cached: Cached[str], world: World, clock: Clock
) -> None:
    await cached.get()
    await clock.asleep()
    world.open.clear()
    world.asked.clear()
    clock.advance(LIFETIME)
    await world.asked.wait()
    assert await cached.get() == "one"  # a refresh makes nobody wait
    world.answer = "two"
    waiting = asyncio.create_task(cached.reread("one"))
    await asyncio.sleep(0)
    world.open.set()
    assert await waiting == "two"
    assert world.fetches == 2


async def test_a_caller_that_leaves_does_not_take_the_reread_along(cached: Cached[str], world: World) -> None:
    await cached.get()
    world.open.clear()
    world.asked.clear()
    world.answer = "two"
    stays, leaves = asyncio.create_task(cached.reread("one")), asyncio.create_task(cached.reread("one"))
    await world.asked.wait()
    leaves.cancel()
    world.open.set()
    assert await stays == "two"
    assert world.fetches == 2


async def test_a_reread_that_hangs_gives_the_old_value_back(world: World, clock: Clock) -> None:
    cached = keeper(world, clock, patience=0.01)
    await cached.get()
    world.open.clear()
    assert await cached.reread("one") == "one"
    await cached.close()


async def test_failures_are_logged_when_they_change_and_not_at_each_retry(
    cached: Cached[str], world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "proxy.azure_services.cached"):
        await cached.get()
        for answer in (down("a"), down("a"), down("b"), down("b"), "two", down("b")):
            world.answer = answer
            await clock.next_round()
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "a: the old value stays in use"),
        ("WARNING", "b: the old value stays in use"),
        ("INFO", "b: solved"),
        ("WARNING", "b: the old value stays in use"),
    ]


async def test_a_failure_that_is_told_often_collects_no_frames(cached: Cached[str], world: World) -> None:
    world.answer = down()
    failures = [await fails(cached) for _ in range(3)]
    assert len({id(failure) for failure in failures}) == 3
    assert all(failure.__context__ is None for failure in failures)


async def test_closing_leaves_no_task(world: World, clock: Clock) -> None:
    cached = keeper(world, clock)
    await cached.get()
    world.open.clear()
    world.asked.clear()
    rereading = asyncio.create_task(cached.reread("one"))
    await world.asked.wait()
    await cached.close()
    assert await rereading == "one"
    assert asyncio.all_tasks() == {asyncio.current_task()}
