"""The budgets of all instances in a table of Azure Storage."""

import asyncio
import secrets
import time

from proxy.azure_services.identity import Identity
from proxy.azure_services.shared_budgets import SharedBudgets
from proxy.azure_services.shared_row import Clock
from proxy.azure_services.table_store import TableStore


class TableBudgets(SharedBudgets):
    """Budgets over a table service, whose name for this process is random."""

    def __init__(self, endpoint: str, identity: Identity) -> None:
        self._table = TableStore(endpoint, identity)
        clock = Clock(time.monotonic, asyncio.sleep, time.time() - time.monotonic())
        super().__init__(self._table, secrets.token_hex(6), clock)

    async def close(self) -> None:
        """Give everything back, and close the connections."""
        await super().close()
        await self._table.close()
