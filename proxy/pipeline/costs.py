"""What calls cost: by the price of the deployment that answered and by what Azure has counted.

https://azure.microsoft.com/pricing/details/azure-openai/
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from proxy.azure_api.request import Call
from proxy.config.price_table import PriceTable
from proxy.errors import InvalidRequest
from proxy.openai_api.answers import COST, INCLUDE_COST
from proxy.openai_api.cost_in_events import add_costs
from proxy.openai_api.json_members import UNREADABLE
from proxy.pipeline.resources import Resources
from proxy.prices.billed_usage import Billed, billed_answer
from proxy.prices.choice import DEFAULT, Choice, Doubt, Tariff, call_price, choose
from proxy.prices.cost import BilledUsage, cost, format_usd
from proxy.routing.targets import Catalogue, Target
from proxy.server.access_log import AccessLogEntry
from proxy.usage.counts import KINDS, SPEECHES

_LOG = logging.getLogger(__name__)
# What a client may write for yes.
_YES = frozenset({"true", "1"})

AtEnd = Callable[[], None]
_Name = tuple[int, str | None, str, bool]


@dataclass(slots=True, kw_only=True)
class Costs:
    """Knows what calls cost where a deployment is known and has a price."""

    prices: PriceTable
    resources: Resources
    today: Callable[[], date]
    _catalogue: Catalogue | None = None
    _day: date | None = None
    _tariffs: dict[_Name, Tariff | None] = field(default_factory=dict)
    _warned: set[_Name] = field(default_factory=set)

    def note_answer(
        self, entry: AccessLogEntry, target: Target, operation: str, answer: bytes | None
    ) -> dict[str, str]:
        """Note what an answer costs; return the header that says it, none where that is not known.

        `answer` is JSON with the usage: the whole of an answer, or of a stream what had the last usage.
        """
        micro_dollars = None if answer is None else self.cost_of(target, operation, answer, hard=entry.hard_budget)
        return {} if micro_dollars is None else _noted(entry, micro_dollars)

    def note_speech(self, entry: AccessLogEntry, target: Target, operation: str, characters: int) -> dict[str, str]:
        """Do the same for a text that is spoken, where the model is paid by its length."""
        tariff = self._tariff(target, DEFAULT, hard=entry.hard_budget) if KINDS.get(operation) == SPEECHES else None
        if tariff is None or tariff.short.characters is None:
            return {}
        return _noted(entry, cost(BilledUsage(characters=characters), tariff))

    def cost_of(self, target: Target, operation: str, answer: bytes, *, hard: bool = False) -> int | None:
        """Return what an answer costs, in micro-dollars; None where that is not known, for a `hard` budget at most."""
        billed = billed_answer(operation, answer) if operation in KINDS else Billed()
        tariff = None if billed.usage is None else self._tariff(target, billed.tier or DEFAULT, hard=hard)
        if billed.usage is None or tariff is None:
            return None
        if tariff.short.characters is not None and KINDS[operation] == SPEECHES:
            return None  # The text is paid for, and not the tokens that a stream counts.
        day = self.today()
        calls = [call_price(self.prices, tool, tariff.sku, day) for tool, _ in billed.usage.calls]
        return cost(billed.usage, tariff, [0 if price is None else price[0] for price in calls])

    def at_end(
        self,
        entry: AccessLogEntry,
        target: Target,
        operation: str,
        billed: Callable[[], bytes | None],
        then: AtEnd | None,
    ) -> AtEnd:
        """Return what notes at the end of a stream what it costs."""
        return partial(self._at_end, entry, target, operation, billed, then)

    def in_events(self, target: Target, operation: str, *, hard: bool) -> Callable[[bytes], bytes]:
        """Return what adds the cost to the usage in whole events, the same one that is charged."""
        return partial(add_costs, cost_of=lambda answer: self._shown(target, operation, answer, hard=hard))

    def _at_end(
        self,
        entry: AccessLogEntry,
        target: Target,
        operation: str,
        billed: Callable[[], bytes | None],
        then: AtEnd | None,
    ) -> None:
        if then is not None:
            then()
        self.note_answer(entry, target, operation, billed())

    def _shown(self, target: Target, operation: str, answer: bytes, *, hard: bool) -> str | None:
        micro_dollars = self.cost_of(target, operation, answer, hard=hard)
        return None if micro_dollars is None else format_usd(micro_dollars)

    def _tariff(self, target: Target, tier: str, *, hard: bool = False) -> Tariff | None:
        """Return the tariff of a deployment, from the list and for the day of today."""
        catalogue, day = self.resources.catalogue(), self.today()
        if catalogue is not self._catalogue or day != self._day:
            self._tariffs.clear()
            self._catalogue, self._day = catalogue, day
        name = (target.resource, target.deployment, tier, hard)
        if name not in self._tariffs:
            self._tariffs[name] = self._chosen(name, catalogue, target, day)
        return self._tariffs[name]

    def _chosen(self, name: _Name, catalogue: Catalogue, target: Target, day: date) -> Tariff | None:
        deployed = catalogue.describe(target)
        if deployed is None:
            return None
        choice = choose(self.prices, deployed, (name[2],), day, hard=name[3])
        if not isinstance(choice, Choice):
            return None
        if choice.doubt is not None and name not in self._warned:
            self._warned.add(name)
            _LOG.warning(
                "price of deployment %s of resource %d: %s", target.deployment, target.resource, choice.doubt.value
            )
        return None if choice.doubt is Doubt.UNKNOWN_MODEL else choice.tariff


def wants_cost(headers: Mapping[str, str]) -> bool:
    """Tell whether a client asks for the cost in the usage of a stream."""
    return headers.get(INCLUDE_COST, "").lower() in _YES


def spoken_characters(call: Call) -> int:
    """Return how many characters a call has that are to be spoken."""
    try:
        return len(call.document.text("input") or "") if call.document is not None else 0
    except (*UNREADABLE, InvalidRequest):
        return 0


def _noted(entry: AccessLogEntry, micro_dollars: int) -> dict[str, str]:
    entry.cost = micro_dollars
    return {COST: format_usd(micro_dollars)}
