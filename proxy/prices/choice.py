"""Which price counts for a deployment: by its model and SKU as Azure or a setting names them.

A client's name for a model is never used: it may be anything. For a budget that must hold, what is not known counts as
the dearest, or the call is refused; for one that only counts, it costs nothing and is reported.

https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/deployment-types
"""

from collections.abc import Iterable, Sequence
from datetime import date
from enum import Enum

import msgspec

from proxy.config.price_table import Amounts, ModelSize, Price, PriceTable, in_force
from proxy.values import Deployed

GLOBAL = "GlobalStandard"
DEFAULT, PRIORITY, FLEX, BATCH = "default", "priority", "flex", "batch"
_SKUS = {
    "globalstandard": GLOBAL,
    "datazonestandard": "DataZoneStandard",
    "standard": "Standard",
    "globalbatch": GLOBAL,
    "datazonebatch": "DataZoneStandard",
}
_PROVISIONED = "provisioned"
_MANAGED, _STANDARD = "provisionedmanaged", "standard"


class Doubt(Enum):
    """Why no price is certain; the words are codes for errors and logs."""

    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_SKU = "unknown_sku"
    NO_PRICE_FOR_SKU = "no_price_for_sku"
    NO_PRICE_FOR_TIER = "no_price_for_tier"
    UNVERIFIED_PRICE = "unverified_price"


class Tariff(msgspec.Struct, frozen=True, kw_only=True):
    """The amounts for a deployment; `long` for prompts of more than `long_context` tokens, where there are such.

    `sku` is that of the prices of tools; None for the dearest.
    """

    short: Amounts
    long: Amounts | None = None
    long_context: int = 0
    sku: str | None = None

    def amounts(self, input_tokens: int) -> Amounts:
        """Return the amounts for a prompt."""
        return self.long if self.long is not None and input_tokens > self.long_context else self.short


FREE = Tariff(short=Amounts())


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff, and what to warn of."""

    tariff: Tariff
    doubt: Doubt | None = None


def choose(
    table: PriceTable, deployed: Deployed | None, tiers: Sequence[str], day: date, *, hard: bool
) -> Choice | Doubt:
    """Return what counts for a deployment at the dearest of some tiers, or why a hard budget refuses it.

    The first of the tiers must have a price, or be one that Azure gives a discount for.
    """
    sku = (deployed.sku or "").lower() if deployed is not None else ""
    if _PROVISIONED in sku:
        if deployed is None or not (hard and deployed.spills_over):
            return Choice(tariff=FREE)
        # What does not fit into the capacity goes to a standard deployment of the same reach, and is paid there.
        sku = sku.replace(_MANAGED, _STANDARD)
    lines = [] if deployed is None else _of_version(table, deployed, day)
    if not lines:
        return Doubt.UNKNOWN_MODEL if hard else Choice(tariff=FREE, doubt=Doubt.UNKNOWN_MODEL)
    of_sku, sku_doubt = _of_sku(lines, _SKUS.get(sku), hard=hard)
    found, tier_doubt = _of_tiers(of_sku, (BATCH,) if sku.endswith(BATCH) else tiers)
    verified = all(line.verified for line in found)
    doubts = (sku_doubt, tier_doubt, None if verified else Doubt.UNVERIFIED_PRICE)
    known = [doubt for doubt in doubts if doubt is not None]
    refusals = [doubt for doubt in known if doubt is not Doubt.UNKNOWN_SKU]
    if hard and refusals:
        return refusals[0]
    return Choice(tariff=_tariff(table, found, _SKUS.get(sku), day), doubt=next(iter(known), None))


def size_of(table: PriceTable, model: str, day: date, *, hard: bool) -> ModelSize | None:
    """Return what bounds the tokens of a model, None where that is not known, or not well enough."""
    found = next((line for line in table.models if line.model == model and in_force(line, day)), None)
    return None if found is None or (hard and not found.verified) else found


def call_price(table: PriceTable, tool: str, sku: str | None, day: date) -> tuple[int, bool] | None:
    """Return what a call of a tool costs, and whether that is verified; None where it has no price.

    Without a SKU, or a line for it, that is the dearest.
    """
    lines = [line for line in table.tools if line.tool == tool and in_force(line, day)]
    dearest = max((line for line in lines if line.sku == sku), key=lambda line: line.call, default=None)
    dearest = dearest or max(lines, key=lambda line: line.call, default=None)
    return None if dearest is None else (dearest.call, dearest.verified)


def dearest(every: Iterable[Amounts]) -> Amounts:
    """Return the highest of each amount."""
    amounts = list(every)
    return Amounts(**{name: _highest(getattr(one, name) for one in amounts) for name in Amounts.__struct_fields__})


def _highest(amounts: Iterable[int | None]) -> int | None:
    return max((amount for amount in amounts if amount is not None), default=None)


def _of_version(table: PriceTable, deployed: Deployed, day: date) -> list[Price]:
    """Return the lines of a deployment's model: of its version, else of those without one; of all if it has none."""
    lines = [price for price in table.prices if price.model == deployed.model and in_force(price, day)]
    if deployed.version is None:
        return lines
    return [line for line in lines if line.version == deployed.version] or [
        line for line in lines if line.version is None
    ]


def _of_sku(lines: list[Price], sku: str | None, *, hard: bool) -> tuple[list[Price], Doubt | None]:
    found = [line for line in lines if line.sku == sku]
    if found:
        return found, None
    if sku is not None:
        return lines, Doubt.NO_PRICE_FOR_SKU
    usual = [] if hard else [line for line in lines if line.sku == GLOBAL]
    return usual or lines, Doubt.UNKNOWN_SKU


def _of_tiers(lines: list[Price], tiers: Sequence[str]) -> tuple[list[Price], Doubt | None]:
    """Return the lines of some tiers; those without a line cost what the default one does, at most, but for priority.

    Azure gives a discount for batches and flex processing, and takes more for priority.
    """
    found = [line for line in lines if line.tier in tiers]
    if any(line.tier == tiers[0] for line in found):
        return found, None
    usual = [line for line in lines if line.tier == DEFAULT]
    without_price = tiers[0] == PRIORITY or not usual
    return [*(usual or lines), *found], Doubt.NO_PRICE_FOR_TIER if without_price else None


def _tariff(table: PriceTable, lines: list[Price], sku: str | None, day: date) -> Tariff:
    # A table may have a price for long prompts alone: it counts for all of them then, so that none is free.
    short = dearest(line.amounts for line in [one for one in lines if one.context != "long"] or lines)
    if not any(line.context == "long" for line in lines):
        return Tariff(short=short, sku=sku)
    size = size_of(table, lines[0].model, day, hard=False)
    return Tariff(
        short=short,
        long=dearest(line.amounts for line in lines),
        long_context=(size.long_context if size is not None else None) or 0,
        sku=sku,
    )
