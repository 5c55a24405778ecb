"""The store's time is learned from the dates of its answers, and never thought to be later than it is."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.store_clock import StoreClock


def test_a_guess_counts_until_the_store_has_answered() -> None:
    clock = StoreClock(500.0)
    assert clock.now(7.0) == 507.0
    clock.observe(100.0, 8.0)
    assert clock.now(9.0) == 101.0


def test_the_highest_bound_counts() -> None:
    clock = StoreClock()
    clock.observe(100.0, 0.5)
    clock.observe(100.0, 0.9)
    assert 99.9 < clock.now(0.5) <= 100.0
    clock.observe(101.0, 1.0)
    assert clock.now(1.0) == 101.0


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 3.0)), min_size=1), st.floats(-1e6, 1e6))
def test_the_time_is_never_ahead_and_no_more_than_a_second_and_an_answer_behind(
    answers: list[tuple[float, float]], begin: float
) -> None:
    clock, time = StoreClock(begin), 1000.0
    for pause, late in answers:
        time += pause
        clock.observe(float(int(time)), time + late + begin)
        time += late
        assert -1e-3 <= time - clock.now(time + begin) <= 1 + late + 1e-3
