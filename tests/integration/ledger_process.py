"""An instance of its own for the storm: takes all that a client's limits give, and notes when.

Usage: python -m tests.integration.ledger_process TABLE FILE. It runs until it is killed. A line of the file is a time
of the machine's monotonic clock, which all processes share, and is written before the next call is asked for.
"""

import asyncio
import os
import sys
import time

from proxy.auth.ledger import Hold
from proxy.azure_services.identity import Identity
from proxy.azure_services.table_ledger import TableLedger
from proxy.values import Limits

LEASE = 660.0
LIMITS = Limits(rpm=1200, tpm=12_000)
TOKENS = 10
LONGEST_PAUSE = 0.2


async def _take_all(table: str, file: str) -> None:
    ledger = TableLedger(table, Identity(client_id=None, managed=False), LEASE)
    written = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        outcome = await ledger.reserve("storm", LIMITS, TOKENS)
        if isinstance(outcome, Hold):
            os.write(written, f"{time.monotonic():.6f}\n".encode())
            await ledger.settle(outcome, TOKENS)
        else:
            await asyncio.sleep(min(outcome.wait, LONGEST_PAUSE))


if __name__ == "__main__":
    asyncio.run(_take_all(*sys.argv[1:]))
