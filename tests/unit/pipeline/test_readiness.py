"""How long an answer about readiness is kept, and that there is one look at a time."""

import asyncio

from proxy.pipeline.readiness import KEPT_READY, KEPT_UNREADY, Kept
from tests.fakes.clock import Clock


class Looks:
    """Looks that end as a test says; clear `open` to hold them back."""

    def __init__(self) -> None:
        self.reasons: tuple[str, ...] = ()
        self.count = 0
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()

    async def look(self) -> tuple[str, ...]:
        self.count += 1
        self.begun.set()
        await self.open.wait()
        return self.reasons


async def test_a_good_answer_is_kept_for_longer_than_a_bad_one() -> None:
    clock, looks = Clock(), Looks()
    kept = Kept(looks.look, clock=clock)
    for after, reasons, expected in (
        (0.0, (), ()),
        (KEPT_READY - 0.1, ("down",), ()),
        (0.1, ("down",), ("down",)),
        (KEPT_UNREADY - 0.1, (), ("down",)),
        (0.1, (), ()),
    ):
        clock.now += after
        looks.reasons = reasons
        assert await kept.reasons() == expected
    assert looks.count == 3


async def test_however_many_ask_there_is_one_look() -> None:
    looks = Looks()
    looks.open.clear()
    kept = Kept(looks.look, clock=Clock())
    asking = [asyncio.create_task(kept.reasons()) for _ in range(200)]
    await looks.begun.wait()
    asking[0].cancel()  # Who began it has left; the others still get their answer.
    looks.open.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert isinstance(answers[0], asyncio.CancelledError)
    assert set(answers[1:]) == {()}
    assert looks.count == 1


async def test_a_look_that_goes_on_ends_with_the_app() -> None:
    looks = Looks()
    looks.open.clear()
    kept = Kept(looks.look, clock=Clock())
    asking = asyncio.create_task(kept.reasons())
    await looks.begun.wait()
    await kept.close()
    assert isinstance((await asyncio.gather(asking, return_exceptions=True))[0], asyncio.CancelledError)
    await Kept(looks.look).close()
