"""How many tokens a call reserves, and what counts when nobody has counted."""

import pytest

from proxy.auth.token_demand import FEWEST, MOST_REMEMBERED, RecentOutputs, bound_tokens, reserved_tokens


@pytest.mark.parametrize(
    ("sent", "bound", "usual", "reserved"),
    [
        (400, 50, None, 150),
        (400, 50, 20, 120),
        (400, 50, 70, 150),
        (400, None, 70, 170),
        (400, None, None, 250),
        (400, 10_000, None, 250),
        (1_000_000, 50, 20, 250),
        (0, 0, None, 0),
    ],
)
def test_a_call_reserves_its_size_and_its_likely_answer_but_no_more_than_a_quarter(
    sent: int, bound: int | None, usual: int | None, reserved: int
) -> None:
    assert reserved_tokens(1000, sent, bound, usual) == reserved


def test_a_small_limit_still_lets_something_be_reserved() -> None:
    assert reserved_tokens(1, 400, None, None) == 1


def test_an_answer_that_nobody_counted_has_used_its_bound() -> None:
    assert (bound_tokens(400, 50), bound_tokens(400, None)) == (150, None)


def test_what_95_of_100_answers_stay_within_is_usual() -> None:
    outputs = RecentOutputs()
    assert outputs.usual("alice") is None
    for tokens in range(1, FEWEST):
        outputs.note("alice", tokens)
    assert outputs.usual("alice") is None
    outputs.note("alice", FEWEST)
    assert outputs.usual("alice") == 19
    for tokens in range(1000, 1000 + MOST_REMEMBERED):
        outputs.note("alice", tokens)
    assert outputs.usual("alice") == 1094
    assert outputs.usual("bob") is None
