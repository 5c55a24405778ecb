"""Sixteen instances on one store that loses, delays and repeats: the limits hold, and what was used is counted.

Time is virtual and the order is that of a seed, which a failure names. What passes above the limit is what the clock of
the store leaves open, a second of the rate, and what an instance passes while it takes the store for down.
"""

import asyncio
import os
from dataclasses import replace

import msgspec
import pytest

from proxy.auth.shared_rates import Rates
from proxy.auth.shares import Share, used
from proxy.azure_services.rows import Key
from proxy.values import Limits
from tests.fakes.virtual_time import in_virtual_time
from tests.unit.azure_services.ledger_storm import CALM, CLIENT, CONFLICTS, EPOCH, Storm, Weather

SECONDS = 240
# The store's clock has whole seconds: two of them, of sixty.
BOUND = 2 / 60
STORMY = Weather()


async def rage(storm: Storm, seconds: float = SECONDS) -> Storm:
    await storm.run(seconds)
    await storm.calm()
    assert storm.spy.admitted
    return storm


def seeds(ordinary: int, nightly: int) -> pytest.MarkDecorator:
    """Give a test its seeds; STORM_SEEDS is how many there are at most by night, 10 where it is not set."""
    nightly = min(nightly, int(os.environ.get("STORM_SEEDS", "10")))
    marks = [pytest.param(seed, marks=pytest.mark.nightly) for seed in range(ordinary, nightly)]
    return pytest.mark.parametrize("seed", [*range(ordinary), *marks])


@seeds(2, 40)
@in_virtual_time
async def test_requests_keep_to_their_limit_through_conflicts_and_kills(seed: int) -> None:
    storm = await rage(Storm(seed=seed, limits=Limits(rpm=600), weather=CONFLICTS, instances=16, load=1))
    assert storm.spy.excess(600) <= BOUND


@seeds(2, 40)
@in_virtual_time
async def test_a_limit_of_few_calls_is_kept_by_asking_the_store_each_time(seed: int) -> None:
    storm = await rage(Storm(seed=seed, limits=Limits(rpm=60), weather=CONFLICTS, instances=16, load=0.2))
    assert storm.spy.excess(60) <= BOUND + 1 / 60


@seeds(2, 100)
@in_virtual_time
async def test_an_instance_that_takes_the_store_for_down_passes_its_own_part_at_most(seed: int) -> None:
    limits = Limits(rpm=600, tpm=240_000)
    storm = await rage(Storm(seed=seed, limits=limits, weather=STORMY, instances=16, load=1))
    assert storm.spy.excess(600) <= BOUND + 2 / 16
    assert storm.spy.excess(240_000, tokens=True) <= BOUND + 2 / 16


@seeds(1, 20)
@in_virtual_time
async def test_no_more_calls_run_than_there_are_slots(seed: int) -> None:
    limits = Limits(concurrency=20)
    weather = replace(CONFLICTS, pauses=0.2)
    storm = await rage(Storm(seed=seed, limits=limits, weather=weather, instances=16, load=1, longest=10))
    assert storm.spy.most_running <= 20 + 2


@seeds(1, 20)
@in_virtual_time
async def test_while_the_store_is_down_all_together_pass_the_limit_once_more_at_most(seed: int) -> None:
    storm = Storm(seed=seed, limits=Limits(rpm=600), weather=CALM, instances=8, load=2)
    await storm.run(60)
    storm.store.unavailable = True
    await storm.run(60)
    storm.store.unavailable = False
    await rage(storm, 60)
    assert storm.spy.excess(600) <= 1.0


@seeds(1, 20)
@in_virtual_time
async def test_a_large_limit_takes_one_operation_for_ten_requests(seed: int) -> None:
    storm = Storm(seed=seed, limits=Limits(rpm=320), weather=CALM, instances=16, load=0.7)
    await storm.run(300)
    before, writes = len(storm.spy.admitted), storm.store.writes
    await storm.run(600)
    admitted = len(storm.spy.admitted) - before
    assert admitted >= 0.9 * 320 * 10
    assert storm.store.writes - writes <= 0.1 * admitted
    await storm.calm()


@pytest.mark.parametrize(("tpm", "load"), [(1_000_000, 2.0), (30_000, 0.5)], ids=["leased", "one by one"])
@seeds(3, 100)
@in_virtual_time
async def test_what_was_used_is_what_the_store_has_counted(seed: int, tpm: int, load: float) -> None:
    weather = replace(STORMY, kills=0, pauses=0)
    limits = Limits(tpm=tpm, concurrency=500)
    # While clocks stand still nothing comes back by itself.
    storm = Storm(seed=seed, limits=limits, weather=weather, instances=8, load=load, stopped_at=0.0)
    await rage(storm, 30)
    await asyncio.sleep(10)
    row = msgspec.json.decode(storm.store.rows[Key(CLIENT, "rates")][0], type=Rates)
    counted = used(Share(1.0, row.requests_at, row.tokens_at), EPOCH).tokens * tpm
    assert row.leases == {}
    assert counted >= storm.spy.used - 1
    assert counted == pytest.approx(storm.spy.used, abs=1 + 3 * storm.most_tokens)
