"""What an instance admits by its lease, when it asks the store, and how it goes on without."""

import pytest

from proxy.auth.instance_account import FLUSH, REFUSAL, InstanceAccount
from proxy.auth.ledger import Denied, Hold, Limited
from proxy.auth.shared_rates import SHORTEST, SLOT_LEASE, Answer, Rates, change
from proxy.values import Limits

NOW, END = 1000.0, 1600.0


class Rig:
    """A row, and accounts that ask for it."""

    def __init__(self) -> None:
        self.row = Rates()
        self.sequence = 0

    def asks(self, account: InstanceAccount, tokens: int | None, now: float, *, leaving: bool = False) -> Answer:
        self.sequence += 1
        self.row, answer = change(self.row, account.ask(tokens, now, leaving=leaving), now, self.sequence)
        return answer

    def reserve(self, account: InstanceAccount, limits: Limits, tokens: int = 0, now: float = NOW) -> Hold | Denied:
        outcome = account.reserve(limits, tokens, now, END)
        if outcome is None:
            outcome = account.adopt(self.asks(account, tokens, now), now, END)
        assert outcome is not None
        return outcome


def held(outcome: Hold | Denied | None) -> Hold:
    assert isinstance(outcome, Hold)
    return outcome


def test_a_lease_admits_without_the_store_until_it_ends() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(rpm=600)
    assert account.reserve(limits, 0, NOW, END) is None
    held(rig.reserve(account, limits))
    assert account.is_alone
    for _ in range(599):
        held(account.reserve(limits, 0, NOW, END))
    refused = account.reserve(limits, 0, NOW, END)
    assert isinstance(refused, Denied)
    assert refused.wait == pytest.approx(0.1)
    assert account.reserve(limits, 0, NOW + SHORTEST, END) is None


def test_nothing_is_admitted_while_the_store_is_asked() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(rpm=600)
    held(rig.reserve(account, limits))
    answer = rig.asks(account, None, NOW)
    assert account.reserve(limits, 0, NOW, END) is None
    assert account.adopt(answer, NOW, END) is None
    held(account.reserve(limits, 0, NOW, END))


def test_a_refusal_is_repeated_for_a_while_for_calls_that_are_no_smaller() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=60)
    first = held(rig.reserve(account, limits, 50))
    assert isinstance(rig.reserve(account, limits, 20), Denied)
    again = account.reserve(limits, 20, NOW + 1, END)
    assert isinstance(again, Denied)
    assert again.wait == pytest.approx(9)
    assert account.reserve(limits, 19, NOW + 1, END) is None
    assert account.reserve(Limits(tpm=70), 20, NOW + 1, END) is None
    assert account.reserve(limits, 20, NOW + REFUSAL, END) is None
    account.settle(first, 10, NOW + 1)
    assert account.reserve(limits, 20, NOW + 1, END) is None


def test_a_refusal_ends_with_its_wait() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=60)
    held(rig.reserve(account, limits, 51))
    assert isinstance(rig.reserve(account, limits, 10), Denied)
    assert account.reserve(limits, 10, NOW + 1.5, END) is None


def test_a_call_that_is_larger_than_the_share_asks_the_store() -> None:
    rig, limits = Rig(), Limits(tpm=1000)
    one, other = InstanceAccount("alice", "one"), InstanceAccount("alice", "other")
    held(rig.reserve(one, limits, 1))
    assert isinstance(rig.reserve(other, limits, 1), Denied)
    later = NOW + 10
    held(rig.reserve(one, limits, 1, later))
    assert not one.is_alone
    assert one.reserve(limits, 400, later, END) is None
    held(rig.reserve(one, limits, 400, later))


def test_a_share_that_is_used_up_asks_once_more_if_the_pool_has_enough() -> None:
    rig, limits = Rig(), Limits(rpm=600)
    one, other = InstanceAccount("alice", "one"), InstanceAccount("alice", "other")
    held(rig.reserve(one, limits))
    rig.reserve(other, limits)
    held(rig.reserve(one, limits, now=NOW + 6))
    while isinstance(outcome := one.reserve(limits, 0, NOW + 6, END), Hold):
        pass
    assert outcome is None


def test_what_is_not_used_of_a_share_comes_back_to_it_and_the_rest_to_the_pool() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=1000)
    large = held(rig.reserve(account, limits, 500))
    small = held(rig.reserve(account, limits, 10))
    account.settle(large, 100, NOW)
    assert account.due(NOW) is None
    account.settle(small, 10, NOW)
    standing = rig.reserve(account, limits, 1).standing.tokens
    assert standing is not None
    assert standing.remaining == 889


def test_what_is_used_while_the_store_is_asked_is_booked_with_the_next_question() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=60)
    hold = held(rig.reserve(account, limits, 30))
    answer = rig.asks(account, None, NOW)
    account.settle(hold, 40, NOW)
    account.adopt(answer, NOW, END)
    assert account.due(NOW) == NOW + FLUSH
    account.adopt(rig.asks(account, None, NOW), NOW, END)
    assert account.due(NOW) is None
    standing = rig.reserve(account, limits, 1).standing.tokens
    assert standing is not None
    assert standing.remaining == 19


def test_slots_are_renewed_while_calls_run_and_given_back_when_they_end() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(concurrency=2)
    hold = held(rig.reserve(account, limits))
    assert account.due(NOW) == NOW + SLOT_LEASE / 2
    account.settle(hold, 0, NOW)
    account.settle(hold, 0, NOW)
    assert account.due(NOW) == NOW + FLUSH
    account.adopt(rig.asks(account, None, NOW), NOW, END)
    assert account.due(NOW) is None


def test_slots_that_are_leased_ahead_are_used_without_the_store() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(concurrency=20)
    for _ in range(11):
        held(rig.reserve(account, limits))
    assert rig.sequence == 1
    held(rig.reserve(account, limits))
    assert rig.sequence == 2


def test_an_instance_without_the_store_has_its_part_and_books_it_later() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(rpm=6, concurrency=3)
    account.reserve(limits, 0, NOW, END)
    account.fail(NOW + 1)
    holds = [held(account.reserve(limits, 0, NOW, END)) for _ in range(3)]
    busy = account.reserve(limits, 0, NOW, END)
    assert isinstance(busy, Denied)
    assert busy.limited is Limited.CONCURRENCY
    assert account.due(NOW) == NOW + 1
    account.fail(NOW + 2)
    for hold in holds:
        account.settle(hold, 0, NOW)
    assert account.due(NOW) is None
    standing = rig.reserve(account, limits, now=NOW + 2).standing.requests
    assert standing is not None
    assert standing.remaining == 2


def test_an_instance_whose_lease_ends_without_the_store_goes_on_with_what_it_had() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(rpm=600)
    for _ in range(600):
        held(rig.reserve(account, limits))
    account.fail(NOW + SHORTEST + 1)
    left = [account.reserve(limits, 0, NOW + SHORTEST, END) for _ in range(60)]
    assert sum(isinstance(one, Hold) for one in left) == 50


def test_an_answer_that_was_never_heard_counts_when_it_is_found() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=60)
    hold = held(rig.reserve(account, limits, 30))
    account.ask(None, NOW)
    account.settle(hold, 60, NOW)
    lost = rig.asks(account, 10, NOW)
    account.abandon()
    assert account.reserve(limits, 1, NOW, END) is None
    account.adopt_late(lost)
    assert account.due(NOW) is None


def test_an_answer_that_is_found_after_an_outage_leaves_what_was_used_meanwhile() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(rpm=600)
    held(rig.reserve(account, limits))
    lost = rig.asks(account, 0, NOW)
    account.fail(NOW + 1)
    for _ in range(100):
        held(account.reserve(limits, 0, NOW, END))
    account.adopt_late(lost)
    standing = account.adopt(rig.asks(account, None, NOW), NOW, END) or account.reserve(limits, 0, NOW, END)
    assert isinstance(standing, Hold)
    assert standing.standing.requests is not None
    assert standing.standing.requests.remaining == 498


def test_a_lease_on_which_much_waits_books_it_at_its_end() -> None:
    rig, account, limits = Rig(), InstanceAccount("alice", "one"), Limits(tpm=1000)
    large = held(rig.reserve(account, limits, 90))
    held(account.reserve(limits, 0, NOW, END) or rig.reserve(account, limits, 1))
    account.settle(large, 0, NOW + 4)
    assert account.due(NOW + 4) == pytest.approx(NOW + 64.8)
