"""The most that a call may cost at the dearest of the targets that it may go to, and its output for less money."""

from collections.abc import Iterable
from datetime import date

import msgspec
from msgspec import structs

from proxy.config.price_table import PriceTable
from proxy.prices.asked import Asked
from proxy.prices.bounds import Bound, Priced, Refused, affordable_output, bound, calls_model, tiers_of
from proxy.prices.choice import FREE, Doubt, choose, size_of
from proxy.prices.rules import Rule, bounding
from proxy.values import Deployed

# Tokens below which no answer is cut, because it would be of no use; models that reason need some before they answer.
LEAST_OUTPUT, LEAST_REASONING = 1000, 8000
# A call that sets no limit of its own may take no more than this part of what is left, so that others can run besides.
LARGEST_PART = 8


class TargetsBound(msgspec.Struct, frozen=True, kw_only=True):
    """The prices of a call at each of its targets."""

    operation: str
    asked: Asked
    prices: tuple[Priced, ...]

    def most(self) -> Bound | Refused:
        """Return what the call may cost at the dearest target, or why that has no bound."""
        found = [bound(self.operation, self.asked, priced) for priced in self.prices]
        refused = next((one for one in found if isinstance(one, Refused)), None)
        return refused or max((one for one in found if isinstance(one, Bound)), key=lambda one: one.micro_dollars)

    def input_cost(self) -> int:
        """Return what its input alone may cost, which Azure bills also of calls that it refuses for their content."""
        most = self.with_output(0).most()
        return most.micro_dollars if isinstance(most, Bound) else 0

    def with_output(self, tokens: int) -> "TargetsBound":
        """Return the bound of the call with so many tokens for each answer."""
        return structs.replace(self, asked=structs.replace(self.asked, output=tokens))

    def affordable(self, micro_dollars: int) -> int:
        """Return the most tokens for each answer that so much money pays at every target."""
        return min(affordable_output(self.asked, priced, micro_dollars) for priced in self.prices)

    @property
    def has_output(self) -> bool:
        """Tell whether the bound depends on how long the answer may be."""
        return bounding(self.operation).rule is Rule.CONVERSATION


def targets_bound(
    operation: str, asked: Asked, table: PriceTable, deployments: Iterable[Deployed | None], day: date, *, hard: bool
) -> TargetsBound | Refused:
    """Return the prices of a call at the deployments that it may go to, or why one has none that a budget takes."""
    prices = []
    for deployed in deployments if calls_model(operation) else (None,):
        choice = choose(table, deployed, tiers_of(asked.tier), day, hard=hard) if calls_model(operation) else None
        if isinstance(choice, Doubt):
            return Refused(cause=choice.value)
        prices.append(
            Priced(
                tariff=FREE if choice is None else choice.tariff,
                size=None if deployed is None else size_of(table, deployed.model, day, hard=hard),
                table=table,
                day=day,
                hard=hard,
            )
        )
    return TargetsBound(operation=operation, asked=asked, prices=tuple(prices))
