"""The row of a client's accounts: what instances lease, give back and lose."""

import pytest

from proxy.auth.ledger import Limited
from proxy.auth.shared_rates import (
    GRACE,
    LONGEST,
    RESERVE,
    SHORTEST,
    SLOT_LEASE,
    Answer,
    Ask,
    Lease,
    Rates,
    change,
    level,
)
from proxy.auth.shares import Used, used
from proxy.values import Limits

NOW = 1000.0
MANY = Limits(rpm=600)


def ask(instance: str, limits: Limits = MANY, **members: object) -> Ask:
    call = 1 / limits.rpm if limits.rpm else 0.0
    return Ask(**{"instance": instance, "limits": limits, "tokens": 0, "call": call, "wants": 1.0, **members})  # type: ignore[arg-type]


def asked(row: Rates, question: Ask, now: float = NOW) -> tuple[Rates, Answer]:
    return change(row, question, now, (row.sequence_of(question.instance) or 0) + 1)


def test_a_lone_instance_leases_everything_for_a_short_time() -> None:
    row, answer = asked(Rates(), ask("a"))
    assert (answer.leased, answer.share.part, answer.pool.part) == (True, 1.0, 0.0)
    assert answer.ends == NOW + SHORTEST
    assert used(answer.share, NOW).requests == pytest.approx(1 / 600)
    assert row.sequence_of("a") == 1
    assert row.sequence_of("b") is None


def test_a_second_instance_waits_for_the_end_of_the_first_ones_lease_and_then_both_have_a_half() -> None:
    row, _ = asked(Rates(), ask("a"))
    row, answer = asked(row, ask("b"))
    assert answer.denied == (SHORTEST + GRACE, Limited.REQUESTS)
    row, first = asked(row, ask("a", had=1.0, spent=Used(0.1, 0.0)), NOW + 1)
    assert first.share.part == pytest.approx((1 - RESERVE) / 2)
    row, second = asked(row, ask("b"), NOW + 2)
    assert second.denied is None
    assert second.share.part == pytest.approx((1 - RESERVE) / 2)
    assert second.instances == 2


def test_a_lease_of_few_calls_lasts_long() -> None:
    row, _ = asked(Rates(), ask("a", Limits(rpm=20)))
    row, _ = asked(row, ask("b", Limits(rpm=20)))
    _, answer = asked(row, ask("a", Limits(rpm=20), had=1.0), NOW + 1)
    assert answer.ends == NOW + 1 + LONGEST


def test_an_ended_lease_counts_as_spent() -> None:
    row, _ = asked(Rates(), ask("a"))
    later = NOW + SHORTEST + GRACE
    row, answer = asked(row, ask("b"), later)
    assert answer.denied is not None
    assert answer.share.part == 1.0
    assert level(answer.share, MANY, later) == pytest.approx(0.0)
    _, answer = asked(row, ask("b", had=1.0, spent=Used(0.0, 0.0)), later + 60)
    assert answer.denied is None


def test_a_share_that_was_taken_back_leaves_its_debt() -> None:
    limits = Limits(tpm=100)
    row, answer = change(Rates(), ask("a", limits, had=0.5, spent=Used(0.4, 0.8), call=1.0), NOW, 1)
    assert used(answer.pool, NOW).requests == 0.0
    assert used(answer.pool, NOW).tokens == pytest.approx(0.3)
    assert row.leases["a"].part == 0.0


def test_what_cannot_be_booked_is_owed_until_there_is_a_share() -> None:
    row, _ = asked(Rates(), ask("a"))
    row, answer = asked(row, ask("b", Limits(tpm=100), corrections=Used(0.0, 0.2), call=0.01))
    assert row.owed == Used(0.0, 0.2)
    assert answer.denied == (SHORTEST + GRACE, Limited.TOKENS)
    row, answer = asked(row, ask("a", Limits(tpm=100), tokens=None, had=1.0, call=0.01))
    assert row.owed == Used(0.0, 0.0)
    assert level(answer.share, Limits(tpm=100), NOW) + level(answer.pool, Limits(tpm=100), NOW) == pytest.approx(0.8)


def test_slots_are_leased_ahead_where_there_are_many_and_singly_where_there_are_few() -> None:
    _, answer = asked(Rates(), ask("a", Limits(concurrency=20), call=0.0, in_use=3))
    assert (answer.leased, answer.slots, answer.slots_end) == (True, 12, NOW + SLOT_LEASE)
    row, answer = asked(Rates(), ask("a", Limits(concurrency=5), call=0.0, in_use=3))
    assert (answer.leased, answer.slots) == (False, 4)
    row, answer = asked(row, ask("b", Limits(concurrency=5), call=0.0))
    assert answer.denied is None
    _, answer = asked(row, ask("c", Limits(concurrency=5), call=0.0))
    assert answer.denied is not None
    assert answer.denied[1] is Limited.CONCURRENCY


def test_slots_of_a_silent_instance_are_free_after_their_lease_and_its_share_before() -> None:
    limits = Limits(rpm=600, concurrency=10)
    row = Rates(leases={"a": Lease(sequence=1, ends=NOW, part=0.5, slots=10, slots_end=NOW + 100)})
    row, answer = asked(row, ask("b", limits), NOW + GRACE)
    assert answer.denied is not None
    assert answer.denied[1] is Limited.CONCURRENCY
    assert (row.leases["a"].part, row.leases["a"].slots) == (0.0, 10)
    row, answer = asked(row, ask("b", limits), NOW + 104)
    assert answer.denied is not None
    row, answer = asked(row, ask("b", limits), NOW + 105)
    assert answer.denied is None
    assert set(row.leases) == {"b"}


def test_slots_may_end_before_the_share() -> None:
    row = Rates(leases={"a": Lease(sequence=1, ends=NOW + 100, part=0.5, slots=10, slots_end=NOW)})
    row, _ = asked(row, ask("b", Limits(rpm=600, concurrency=10)), NOW + GRACE)
    assert (row.leases["a"].part, row.leases["a"].slots) == (0.5, 0)


def test_who_leaves_gives_everything_back_but_the_slots_of_running_calls() -> None:
    row, _ = asked(Rates(), ask("a"))
    gone, answer = asked(row, ask("a", tokens=None, had=1.0, spent=Used(0.25, 0.0), leaving=True))
    assert gone.leases == {}
    assert used(answer.pool, NOW).requests == pytest.approx(0.25)
    gone, _ = asked(row, ask("a", Limits(concurrency=5), tokens=None, in_use=2, leaving=True))
    assert gone.leases["a"].slots == 2
