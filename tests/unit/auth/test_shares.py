"""Shares of a rate: however they are divided and joined, they hold and free together what the whole does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.auth.shares import Share, Used, divide, fair_part, join, share_with, spent_share, used

NOW = 1000.0
parts = st.floats(0.01, 1.0)
amounts = st.floats(0.0, 3.0)


@given(parts, amounts, amounts, st.floats(0.0, 1.0))
def test_dividing_and_joining_keeps_what_is_used(part: float, requests: float, tokens: float, cut: float) -> None:
    whole = share_with(part, Used(requests, tokens), NOW)
    share, rest = divide(whole, part * cut, NOW)
    again = join(share, rest, NOW)
    assert share.part + rest.part == pytest.approx(part)
    assert again.part == pytest.approx(part, abs=1e-8)
    assert used(again, NOW).requests == pytest.approx(requests, abs=1e-6)
    assert used(again, NOW).tokens == pytest.approx(tokens, abs=1e-6)


def test_what_is_used_stays_in_the_rest_as_far_as_it_fits() -> None:
    share, rest = divide(share_with(1.0, Used(0.3, 0.9), NOW), 0.5, NOW)
    assert [used(share, NOW).requests, used(rest, NOW).requests] == pytest.approx([0.0, 0.3])
    assert [used(share, NOW).tokens, used(rest, NOW).tokens] == pytest.approx([0.4, 0.5])


def test_a_debt_is_divided_like_the_share() -> None:
    share, rest = divide(share_with(1.0, Used(2.0, 0.0), NOW), 0.25, NOW)
    assert [used(share, NOW).requests, used(rest, NOW).requests] == pytest.approx([0.5, 1.5])


def test_a_spent_share_is_full_again_after_a_minute() -> None:
    share = spent_share(0.5, NOW)
    assert used(share, NOW) == Used(0.5, 0.5)
    assert used(share, NOW + 60) == Used(0.0, 0.0)
    assert share_with(0.0, Used(1.0, 1.0), NOW) == Share(0.0, NOW, NOW)


@pytest.mark.parametrize(
    ("wants", "mine", "part"),
    [
        ([], 0.3, 0.3),
        ([], 2.0, 1.0),
        ([1.0, 1.0, 1.0], 1.0, 0.25),
        ([0.1, 1.0], 1.0, 0.45),
        ([0.1, 0.2], 1.0, 0.7),
        ([1.0], 0.2, 0.2),
        ([0.4, 0.4], 0.1, 0.1),
    ],
)
def test_who_wants_little_gets_it_and_the_rest_is_divided_equally(wants: list[float], mine: float, part: float) -> None:
    assert fair_part(1.0, wants, mine) == pytest.approx(part)


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20))
def test_fair_parts_are_never_more_than_there_is(wants: list[float]) -> None:
    shares = [fair_part(1.0, wants[:one] + wants[one + 1 :], wants[one]) for one in range(len(wants))]
    assert sum(shares) <= 1 + 1e-9
