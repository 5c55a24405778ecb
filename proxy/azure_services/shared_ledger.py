"""The ledger of all instances together: each leases shares of the limits from a store and admits calls by them."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context

from proxy.auth.instance_account import FLUSH, InstanceAccount
from proxy.auth.ledger import Denied, Hold
from proxy.auth.shared_rates import Answer, Rates, change
from proxy.azure_services.rows import Key, Store, StoreUnavailable
from proxy.azure_services.shared_row import Clock, SharedRow
from proxy.azure_services.store_outage import StoreOutage
from proxy.values import Limits

log = logging.getLogger("proxy.azure_services.shared_ledger")

ROW = "rates"
# Seconds for which a call waits for the store, then the instance goes on by itself.
PATIENCE = 3.0
# Seconds between two changes that nobody waits for.
KEEPING = 0.25
# Seconds at the end in which shares are given back.
LEAVING = 2.0


class _Kept:
    """A client's accounts: what this instance has of them, their row, and one change of it at a time."""

    def __init__(self, account: InstanceAccount, row: SharedRow[Rates, Answer]) -> None:
        self.account = account
        self.row = row
        self.lock = asyncio.Lock()
        self.keeping: asyncio.Task[None] | None = None


class SharedLedger:
    """The accounts of all instances that have the same store; `lease` is how long a call may take, in seconds."""

    def __init__(self, store: Store, instance: str, clock: Clock, lease: float, draw: Callable[[], float]) -> None:
        self._store = store
        self._instance = instance
        self._clock = clock
        self._lease = lease
        self._draw = draw
        self._kept: dict[str, _Kept] = {}
        self._outage = StoreOutage(clock, log, "limits_store_down", "each instance enforces its own part of the limits")

    async def reserve(self, account: str, limits: Limits, tokens: int) -> Hold | Denied:
        """Take a request, so many tokens and a slot, or nothing."""
        kept = self._kept.get(account) or self._open(account)
        outcome = self._by_lease(kept, limits, tokens)
        if outcome is None:
            async with kept.lock:
                # Another call may have renewed the lease.
                outcome = self._by_lease(kept, limits, tokens) or await self._by_store(kept, limits, tokens)
        self._keep(kept)
        return outcome

    async def settle(self, hold: Hold, tokens: int) -> None:
        """Correct what was reserved by what was used, and free the slot; the store hears of it later."""
        kept = self._kept[hold.account]
        kept.account.settle(hold, tokens, self._clock.now())
        self._keep(kept)

    async def release(self, hold: Hold) -> None:
        """Give the tokens back, and free the slot."""
        await self.settle(hold, 0)

    async def close(self) -> None:
        """Give all shares back, as far as the store takes them at once."""
        for kept in self._kept.values():
            if kept.keeping is not None:
                kept.keeping.cancel()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVING):
                leaving = (self._change(kept, None, leaving=True) for kept in self._kept.values())
                await asyncio.gather(*leaving, return_exceptions=True)

    def _open(self, account: str) -> _Kept:
        row: SharedRow[Rates, Answer] = SharedRow(
            self._store, Key(account, ROW), Rates(), self._instance, self._clock, self._draw
        )
        return self._kept.setdefault(account, _Kept(InstanceAccount(account, self._instance), row))

    def _by_lease(self, kept: _Kept, limits: Limits, tokens: int) -> Hold | Denied | None:
        now = self._clock.now()
        return kept.account.reserve(limits, tokens, now, now + self._lease)

    async def _by_store(self, kept: _Kept, limits: Limits, tokens: int) -> Hold | Denied:
        answer = await self._change(kept, tokens)
        now = self._clock.now()
        outcome = kept.account.adopt(answer, now, now + self._lease) if answer else self._by_lease(kept, limits, tokens)
        assert outcome is not None  # noqa: S101  there was a call, and without the store it is answered here
        return outcome

    async def _change(self, kept: _Kept, tokens: int | None, *, leaving: bool = False) -> Answer | None:
        """Ask the store; return None if it is down, when the account goes by an equal part of the limits."""
        if self._outage.lasts and not leaving:
            kept.account.fail(self._outage.until)
            return None

        def step(row: Rates, now: float, sequence: int) -> tuple[Rates, Answer]:
            return change(row, kept.account.ask(tokens, now, leaving=leaving), now, sequence)

        try:
            async with asyncio.timeout(PATIENCE):
                answer = await kept.row.change(step, kept.account.adopt_late, cached=kept.account.is_alone)
        except (StoreUnavailable, TimeoutError):
            self._outage.note_failure()
            kept.account.fail(self._outage.until)
            return None
        except BaseException:
            kept.account.abandon()
            raise
        self._outage.note_success()
        return answer

    def _keep(self, kept: _Kept) -> None:
        """Have the store hear of what nobody waits for."""
        if kept.account.due(self._clock.now()) is None or (kept.keeping is not None and not kept.keeping.done()):
            return
        # An empty context, because the task outlives the request that starts it.
        kept.keeping = asyncio.get_running_loop().create_task(self._keeping(kept), context=Context())

    async def _keeping(self, kept: _Kept) -> None:
        pause = 0.0
        while (due := kept.account.due(now := self._clock.now())) is not None:
            await self._clock.sleep(max(pause, due - now))
            pause = KEEPING
            async with kept.lock:
                due = kept.account.due(now := self._clock.now())
                if due is None or due > now + FLUSH:
                    continue
                answer = await self._change(kept, None)
                if answer is not None:
                    kept.account.adopt(answer, self._clock.now(), 0.0)
