"""What calls need: attempts, limits, owners, translators and prices, as the settings say."""

import logging
import time
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from proxy.auth.ledger import Ledger, MemoryLedger
from proxy.azure_services.cached import Cached
from proxy.azure_services.identity import Identity
from proxy.azure_services.key_vault import KeyVault
from proxy.azure_services.late_ledger import LateLedger
from proxy.azure_services.signing_keys import REFRESH_SECONDS as SIGNING_KEYS_REFRESH
from proxy.azure_services.signing_keys import VaultSigningKeys
from proxy.azure_services.upstream import Upstream
from proxy.config.addresses import IN_MEMORY
from proxy.config.price_table import LONGEST_AGE, PriceTable, decode_price_table, is_old, merged
from proxy.config.settings import Settings
from proxy.openai_api.object_owners import SigningKey
from proxy.pipeline.attempt import Attempts
from proxy.pipeline.budgets import Budgets
from proxy.pipeline.call import Calls
from proxy.pipeline.call_path import Knowledge
from proxy.pipeline.costs import Costs
from proxy.pipeline.failover import Failover
from proxy.pipeline.owners import Owners
from proxy.pipeline.rates import Rates
from proxy.pipeline.recorder import Record, Trace
from proxy.pipeline.translated_call import Translators
from proxy.routing.learned import Learned, learned_repairs
from proxy.translation.reasoning_memory import ReasoningMemory

if TYPE_CHECKING:
    from proxy.azure_services.table_ledger import TableLedger


logger = logging.getLogger("proxy")
PRICES = Path(__file__).parents[1] / "prices" / "table.json"
# Seconds by which the lease of a client's slot is longer than any request.
LEASE_MARGIN = 60.0


def make_calls(
    settings: Settings,
    upstream: Upstream,
    ledger: Ledger,
    record: Record | None,
    trace: Trace | None,
    owners: Owners | None,
    costs: Costs | None,
    budgets: Budgets | None,
) -> Calls:
    """Return what makes the calls; `record` hears of every sending to Azure OpenAI, `trace` begins its span."""
    asks_usage = costs is not None or settings.usage.store != IN_MEMORY or settings.telemetry is not None
    return Calls(
        failover=Failover(
            attempts=Attempts(
                upstream=upstream,
                timeouts=settings.timeouts,
                keep_filter_results=settings.keep_content_filter_results,
                record=record,
                trace=trace,
                costs=costs,
            )
        ),
        rates=Rates(ledger=ledger),
        timeouts=settings.timeouts,
        max_json_body=settings.instance.max_json_body_bytes,
        store_objects=settings.stored_objects.are_on,
        knows=Knowledge(
            repairs=learned_repairs() if settings.repair_parameters else None,
            paths=Learned(),
            translators=_translators(settings, asks_usage or record is not None),
            clock=time.monotonic,
        ),
        owners=owners,
        asks_usage=asks_usage,
        budgets=budgets,
    )


def _translators(settings: Settings, needs_usage: bool) -> Translators | None:
    if not settings.translation.is_on:
        return None
    memory = settings.translation.memory
    return Translators(
        memory=ReasoningMemory(memory) if memory else None,
        keep_filter_results=settings.keep_content_filter_results,
        with_details=settings.translation.with_details,
        needs_usage=needs_usage,
        clock=time.monotonic,
        now=time.time,
    )


def make_ledger(settings: Settings, identity: Identity, closing: AsyncExitStack) -> Ledger:
    """Return who keeps the rates of client keys; a call may take as long as a request, and a margin."""
    lease = settings.timeouts.total + LEASE_MARGIN
    if settings.limits_store == IN_MEMORY:
        return MemoryLedger(time.monotonic, lease)
    ledger = LateLedger(partial(_table_ledger, settings.limits_store, identity, lease))
    closing.push_async_callback(ledger.close)
    return ledger


def _table_ledger(endpoint: str, identity: Identity, lease: float) -> "TableLedger":
    from proxy.azure_services.table_ledger import TableLedger  # noqa: PLC0415  only keys with limits need it

    return TableLedger(endpoint, identity, lease)


def make_owners(settings: Settings, identity: Identity, closing: AsyncExitStack) -> Owners | None:
    """Return who owns stored objects, None where they are shared or off; `closing` ends what it opens."""
    owners = settings.stored_objects.owners
    if owners is None:
        return None
    fixed = tuple(SigningKey(key.reveal()) for key in owners.signing_keys)
    if fixed or settings.key_vault_url is None:
        return Owners(keys=fixed, cached=None, strict=owners.strict)
    vault = KeyVault(settings.key_vault_url, identity)
    cached = Cached(VaultSigningKeys(vault).read, lambda _: SIGNING_KEYS_REFRESH)
    for close in (vault.close, cached.close):
        closing.push_async_callback(close)
    return Owners(keys=(), cached=cached, strict=owners.strict)


def read_prices(settings: Settings) -> PriceTable:
    """Return the prices that count, and say so when they are old."""
    prices = merged(settings.usage.own_prices, decode_price_table(PRICES.read_bytes()))
    if is_old(prices, today()):
        logger.warning(
            "prices_old: a price is older than %d days. Install a newer version, or renew PRICES.", LONGEST_AGE.days
        )
    return prices


def today() -> date:
    """Return the day in UTC."""
    return datetime.now(UTC).date()
