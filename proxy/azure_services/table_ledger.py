"""The ledger of all instances in a table of Azure Storage."""

import asyncio
import random
import secrets
import time

from proxy.azure_services.identity import Identity
from proxy.azure_services.shared_ledger import SharedLedger
from proxy.azure_services.shared_row import Clock
from proxy.azure_services.table_store import TableStore


class TableLedger(SharedLedger):
    """A ledger over a table service, whose name for this process is random."""

    def __init__(self, endpoint: str, identity: Identity, lease: float) -> None:
        self._table = TableStore(endpoint, identity)
        clock = Clock(time.monotonic, asyncio.sleep, time.time() - time.monotonic())
        super().__init__(self._table, secrets.token_hex(6), clock, lease, random.random)

    async def close(self) -> None:
        """Give all shares back, and close the connections."""
        await super().close()
        await self._table.close()
