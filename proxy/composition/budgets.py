"""Who keeps the budgets of clients and of the whole proxy, as the settings say."""

import time
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

from proxy.auth.budgets import Budgets as BudgetLedger
from proxy.auth.budgets import MemoryBudgets
from proxy.azure_services.identity import Identity
from proxy.azure_services.late_budgets import LateBudgets
from proxy.composition.calls import today
from proxy.config.addresses import IN_MEMORY
from proxy.config.environment import SettingError
from proxy.config.price_table import PriceTable
from proxy.config.settings import Settings
from proxy.pipeline.budgets import Budgets
from proxy.values import PASSTHROUGH

if TYPE_CHECKING:
    from proxy.azure_services.table_budgets import TableBudgets


def make_budgets(settings: Settings, identity: Identity, prices: PriceTable, closing: AsyncExitStack) -> Budgets | None:
    """Return who keeps the budgets, None where clients bring keys of Azure.

    Raises `SettingError` for a budget that nobody would keep, or that instances of Azure would not share.
    """
    in_memory, whole = settings.limits_store == IN_MEMORY, settings.usage.budget
    if settings.client_auth in PASSTHROUGH:
        if whole is not None:
            raise SettingError("PROXY_BUDGET", "needs clients with keys of the proxy, so not this CLIENT_AUTH")
        return None
    is_shared = not (in_memory and settings.has_managed_identity)
    if whole is not None and whole.is_hard and not is_shared:
        raise SettingError("PROXY_BUDGET", "needs LIMITS_STORE on Azure, for all instances, unless it is soft")
    ledger: BudgetLedger = MemoryBudgets(time.time)
    if not in_memory:
        ledger = late = LateBudgets(partial(_table_budgets, settings.limits_store, identity))
        closing.push_async_callback(late.close)
    return Budgets(ledger=ledger, prices=prices, whole=whole, today=today, now=time.time, is_shared=is_shared)


def _table_budgets(endpoint: str, identity: Identity) -> "TableBudgets":
    from proxy.azure_services.table_budgets import TableBudgets  # noqa: PLC0415  only budgets need it

    return TableBudgets(endpoint, identity)
