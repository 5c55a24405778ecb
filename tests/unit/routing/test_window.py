"""Counting what happened lately."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.health import Window


def test_calls_and_failures_are_counted() -> None:
    window = Window(30.0)
    for failed in (True, False, True):
        window.add(100.0, failed=failed)
    assert window.counts(100.0) == (3, 2)


def test_what_is_older_leaves() -> None:
    window = Window(30.0)
    window.add(0.0, failed=True)
    assert window.counts(29.9) == (1, 1)
    assert window.counts(30.0) == (0, 0)


def test_a_slice_is_used_again() -> None:
    window = Window(30.0)
    window.add(1.0, failed=True)
    window.add(31.0, failed=False)
    assert window.counts(31.0) == (1, 0)


def test_nothing_is_left_after_clearing() -> None:
    window = Window(30.0)
    window.add(1.0, failed=True)
    window.clear()
    assert window.counts(1.0) == (0, 0)


@given(st.lists(st.tuples(st.floats(0.0, 20.0), st.booleans()), max_size=100))
def test_counts_are_those_of_the_last_seconds_give_or_take_a_slice(steps: list[tuple[float, bool]]) -> None:
    window, now, calls = Window(30.0), 0.0, []
    for pause, failed in steps:
        now += pause
        window.add(now, failed=failed)
        calls.append((now, failed))
    for failures_only, counted in zip((False, True), window.counts(now), strict=True):
        kept = [time for time, failed in calls if failed or not failures_only]
        assert sum(time > now - 27.0 for time in kept) <= counted <= sum(time > now - 30.0 for time in kept)
