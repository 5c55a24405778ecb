"""A rate a minute as one number, against a bucket that fills with exact fractions."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth import gcra

NOW = 1000.0
FREE = float("-inf")
limits = st.integers(min_value=1, max_value=1_000_000)
steps = st.lists(st.tuples(st.integers(0, 90_000), st.integers(1, 400)), max_size=60)


def test_an_unused_limit_can_be_used_up_at_once_and_then_comes_back_bit_by_bit() -> None:
    free_at = FREE
    for left in range(59, -1, -1):
        assert gcra.wait_for(free_at, 60, 1, NOW) == 0
        free_at = gcra.take(free_at, 60, 1, NOW)
        assert gcra.remaining(free_at, 60, NOW) == left
    assert gcra.wait_for(free_at, 60, 1, NOW) == pytest.approx(1)
    assert gcra.wait_for(free_at, 60, 1, NOW + 1) == 0
    assert gcra.remaining(free_at, 60, NOW + 30) == 30
    assert gcra.reset(free_at, NOW) == 60
    assert gcra.reset(free_at, NOW + 61) == 0


def test_more_than_the_limit_is_taken_when_all_is_free_and_paid_back_in_time() -> None:
    assert gcra.wait_for(FREE, 100, 250, NOW) == 0
    free_at = gcra.take(FREE, 100, 250, NOW)
    assert gcra.remaining(free_at, 100, NOW) == 0
    assert gcra.wait_for(free_at, 100, 1, NOW) == pytest.approx(150 * 0.6 + 0.6)
    assert gcra.wait_for(free_at, 100, 250, NOW) == pytest.approx(150)


def test_what_was_used_beyond_the_reserved_becomes_a_debt_and_what_was_not_comes_back() -> None:
    free_at = gcra.take(FREE, 100, 25, NOW)
    assert gcra.remaining(gcra.correct(free_at, 100, -25), 100, NOW) == 100
    in_debt = gcra.correct(free_at, 100, 175)
    assert gcra.remaining(in_debt, 100, NOW) == 0
    assert gcra.wait_for(in_debt, 100, 1, NOW) == pytest.approx(60.6)


@given(limits, steps)
def test_it_admits_what_a_bucket_of_exact_fractions_admits(limit: int, asked: list[tuple[int, int]]) -> None:
    """Where the bucket lacks less than a rounding, both answers are right."""
    free_at, level, now = FREE, Fraction(limit), 0
    for pause, amount in asked:
        now += pause
        level = min(Fraction(limit), level + Fraction(pause * limit, 60_000))
        wait = gcra.wait_for(free_at, limit, amount, now / 1000)
        missing = min(Fraction(amount), Fraction(limit)) - level
        if abs(missing) * 60 > Fraction(limit, 100_000):
            assert (wait > 0) == (missing > 0)
        if not wait:
            free_at = gcra.take(free_at, limit, amount, now / 1000)
            level -= amount
        assert abs(gcra.remaining(free_at, limit, now / 1000) - max(level, Fraction(0))) <= 1


@given(limits, steps)
def test_within_any_time_no_more_passes_than_the_limit_and_what_that_time_frees(
    limit: int, asked: list[tuple[int, int]]
) -> None:
    free_at, now = FREE, 0
    passed: list[tuple[int, int]] = []
    for pause, amount in asked:
        now += pause
        taken = min(amount, limit)
        if not gcra.wait_for(free_at, limit, taken, now / 1000):
            free_at = gcra.take(free_at, limit, taken, now / 1000)
            passed.append((now, taken))
    for first, (start, _) in enumerate(passed):
        total = 0
        for at, taken in passed[first:]:
            total += taken
            assert total <= limit * (1 + (at - start) / 60_000) * 1.0001 + 0.01


@given(limits, st.integers(1, 500), st.integers(1, 500), st.floats(0, 100))
def test_a_wait_is_enough_and_no_longer_than_needed(limit: int, used: int, amount: int, pause: float) -> None:
    free_at, now = gcra.take(FREE, limit, used, NOW), NOW + pause
    wait = gcra.wait_for(free_at, limit, amount, now)
    if wait:
        assert gcra.wait_for(free_at, limit, amount, now + wait) == 0
        if wait > 0.001:
            assert gcra.wait_for(free_at, limit, amount, now + wait - 0.001) > 0


@given(limits, st.integers(1, 500), st.floats(1, 100))
def test_a_clock_that_goes_back_frees_nothing(limit: int, used: int, back: float) -> None:
    free_at = gcra.take(FREE, limit, used, NOW)
    assert gcra.remaining(free_at, limit, NOW - back) <= gcra.remaining(free_at, limit, NOW)
