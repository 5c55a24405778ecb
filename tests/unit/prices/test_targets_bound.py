"""The bound of a call over all its targets: the dearest counts, and no answer is cut short that has no use then."""

import pytest

from proxy.prices.asked import Asked
from proxy.prices.bounds import Bound, Refused
from proxy.prices.targets_bound import TargetsBound, targets_bound
from proxy.values import Deployed
from tests.unit.prices.samples import DAY, deployed, price, table

CHAT = "createChatCompletion"
CHEAP, DEAR = deployed(), deployed("DataZoneStandard")
TABLE = table(price(), price("DataZoneStandard", output=20_000_000))


def known(*deployments: Deployed | None, operation: str = CHAT, hard: bool = True) -> TargetsBound:
    found = targets_bound(operation, Asked(size=100, output=100), TABLE, deployments, DAY, hard=hard)
    assert isinstance(found, TargetsBound)
    return found


def amount(bound: Bound | Refused) -> int:
    assert isinstance(bound, Bound)
    return bound.micro_dollars


def test_the_dearest_target_counts() -> None:
    assert amount(known(CHEAP, DEAR).most()) == amount(known(DEAR).most()) > amount(known(CHEAP).most())
    assert known(CHEAP, DEAR).affordable(1500) == known(DEAR).affordable(1500) < known(CHEAP).affordable(1500)


def test_the_input_alone_costs_less() -> None:
    assert 0 < known(CHEAP).input_cost() < amount(known(CHEAP).most())
    assert known(CHEAP, operation="createVideo").input_cost() == 0


def test_a_model_without_a_price_is_refused_for_a_hard_budget_alone() -> None:
    refused = targets_bound(CHAT, Asked(), TABLE, [CHEAP, None], DAY, hard=True)
    assert refused == Refused(cause="unknown_model")
    assert known(None, hard=False).most() == Bound(micro_dollars=0)


@pytest.mark.parametrize("operation", ["searchVectorStore", "createThreadAndRun"])
def test_an_operation_without_a_model_needs_no_deployment(operation: str) -> None:
    found = known(None, operation=operation)
    assert not found.has_output
    assert isinstance(found.most(), Bound if operation == "searchVectorStore" else Refused)


def test_an_answer_of_a_conversation_can_be_shorter() -> None:
    assert known(CHEAP).has_output
    assert amount(known(CHEAP).with_output(10).most()) < amount(known(CHEAP).most())
