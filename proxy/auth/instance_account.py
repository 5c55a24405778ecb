"""What one instance knows of a client's accounts that all instances share: its lease, and the calls in flight.

It admits and settles by its lease alone. Where the lease does not do, `reserve` returns None, and the store is asked:
`ask` says what for, `adopt` takes the answer. While the store is down, an instance has the part of the limits that
falls to each of the instances it knows of. Nothing here waits. `now` is the store's time.
"""

import msgspec

from proxy.auth.gcra import MINUTE, ROUNDING
from proxy.auth.ledger import SLOT_WAIT, Denied, Hold, Limited, Standing, deny, standing
from proxy.auth.shared_rates import FEWEST_CALLS, NOTHING, SLOT_LEASE, Answer, Ask, level, of_call
from proxy.auth.shares import SMALLEST, Share, Used, correct, join, take, used
from proxy.values import NO_LIMITS, Limits

# Seconds for which a refusal of the store is repeated without asking it again.
REFUSAL = 2.0
# Seconds after the end of a call until what it has left goes back to the store, together with that of others.
FLUSH = 0.05
EMPTY = Share(0.0, 0.0, 0.0)


class _Refusal(msgspec.Struct, frozen=True):
    """What the store has refused, and when."""

    denied: Denied
    limits: Limits
    tokens: int
    since: float


class InstanceAccount:
    """The lease of one instance of one client's accounts."""

    def __init__(self, account: str, instance: str) -> None:
        self.account = account
        self.instance = instance
        self.holds: dict[int, float] = {}
        self._limits = NO_LIMITS
        self._asking = self._leased = self._outage = False
        self._share = self._pool = EMPTY
        self._had = self._ends = self._slots_end = 0.0
        self._slots, self._instances, self._numbers = 0, 1, 0
        self._pending = NOTHING
        self._call = self._taken = self._since = 0.0
        self._hungry = self._grows = True
        self._growing = False
        self._refusal: _Refusal | None = None

    @property
    def is_alone(self) -> bool:
        """Tell whether no other instance has been seen, so that nobody else has changed the row."""
        return self._instances == 1

    def reserve(self, limits: Limits, tokens: int, now: float, end: float) -> Hold | Denied | None:
        """Admit a call until `end` or refuse it, None if the store has to be asked."""
        self._limits = limits
        self._call = _size(limits, tokens)
        self.holds = {number: over for number, over in self.holds.items() if now < over}
        if self._asking or not self._leased or now >= self._ends:
            return self._refused_again(limits, tokens, now)
        if limits.concurrency is not None and not self._has_slot(now):
            busy = self._denied(SLOT_WAIT, Limited.CONCURRENCY, now)
            return busy if self._outage else self._refused_again(limits, tokens, now)
        if not self._outage and self._share.part < min(self._call, 1 - SMALLEST):
            return self._refused_again(limits, tokens, now)
        return self._by_share(limits, tokens, now, end)

    def _has_slot(self, now: float) -> bool:
        return len(self.holds) < self._slots and now < self._slots_end

    def _by_share(self, limits: Limits, tokens: int, now: float, end: float) -> Hold | Denied | None:
        """Admit or refuse a call by the own share; None where the pool seems to have enough for several."""
        if (denied := deny(self._share, 0, limits, tokens, now)) is None:
            taken = of_call(limits, tokens)
            self._share = take(self._share, taken, now) if self._share.part >= SMALLEST else self._share
            self._taken += max(taken.requests, taken.tokens)
            return self._hold(limits, tokens, now, end)
        self._hungry = True
        if self._grows and not self._outage and level(self._pool, limits, now) >= FEWEST_CALLS * self._call:
            self._growing = True
            return None
        return self._denied(*denied, now)

    def _refused_again(self, limits: Limits, tokens: int, now: float) -> Denied | None:
        """Return the store's latest refusal, with what is left of its wait, as long as it may hold."""
        known = self._refusal
        if known is None or known.limits != limits or tokens < known.tokens or now >= known.since + REFUSAL:
            return None
        wait = known.denied.wait - (now - known.since)
        return msgspec.structs.replace(known.denied, wait=wait) if wait > ROUNDING else None

    def settle(self, hold: Hold, tokens: int, now: float) -> None:
        """Correct what was reserved by what was used, and free the slot; nothing behind the end of the hold."""
        end = self.holds.pop(hold.number, None)
        if end is None or now >= end:
            return
        self._refusal = None
        if not hold.limits.tpm or tokens == hold.tokens:
            return
        more = Used(0.0, (tokens - hold.tokens) / hold.limits.tpm)
        if self._leased and not self._asking and now < self._ends and self._share.part >= SMALLEST:
            # What its share had not given comes back to the pool.
            own = Used(0.0, max(more.tokens, -used(self._share, now).tokens))
            self._share = correct(self._share, own)
            more = Used(0.0, more.tokens - own.tokens)
        self._pending += more

    def ask(self, tokens: int | None, now: float, *, leaving: bool = False) -> Ask:
        """Return what to ask the store for; `adopt`, `fail` or `abandon` follows."""
        self._asking = True
        minutes = max(now - self._since, 1.0) / MINUTE
        wants = 1.0 if self._hungry else min(1.0, max(2 * self._taken / minutes, FEWEST_CALLS * self._call))
        return Ask(
            instance=self.instance,
            limits=self._limits,
            tokens=tokens,
            call=self._call,
            wants=wants,
            had=self._had,
            spent=used(self._share, now),
            corrections=self._pending,
            in_use=len(self.holds),
            leaving=leaving,
        )

    def adopt(self, answer: Answer, now: float, end: float) -> Hold | Denied | None:
        """Take the store's answer; return what becomes of the call that was asked for, if any."""
        asked = answer.asked
        before = level(self._share, asked.limits, now)
        self._take(answer)
        self._asking = self._outage = self._hungry = False
        gained = level(answer.share, asked.limits, now) - before >= FEWEST_CALLS * self._call
        self._grows, self._growing = gained or not self._growing, False
        self._taken, self._since = 0.0, now
        self._refusal = None
        if asked.tokens is None:
            return None
        if answer.denied is None:
            return self._hold(asked.limits, asked.tokens, now, end, answer)
        wait, limited = answer.denied
        refused = Denied(limited=limited, wait=wait, standing=answer.standing)
        self._refusal = _Refusal(refused, asked.limits, asked.tokens, now)
        return refused

    def adopt_late(self, answer: Answer) -> None:
        """Take an answer that the store has booked, although nobody heard so; its call was not made."""
        share = self._share
        self._take(answer)
        if self._outage:
            self._share = share

    def _take(self, answer: Answer) -> None:
        sent = answer.asked.corrections
        self._pending += Used(-sent.requests, -sent.tokens)
        self._share, self._pool, self._had = answer.share, answer.pool, answer.share.part
        self._leased, self._ends = answer.leased, answer.ends
        self._slots, self._slots_end = answer.slots, answer.slots_end
        self._instances = answer.instances

    def abandon(self) -> None:
        """Ask again before the next call: nobody knows whether the store has booked what it was asked."""
        self._asking = self._leased = False

    def fail(self, until: float) -> None:
        """Admit calls by an equal part of the limits until then, because the store is down."""
        if not self._outage:
            known = self._share if self._share.part >= SMALLEST else self._pool
            self._share = Share(1 / self._instances, known.requests_at, known.tokens_at)
        self._asking, self._leased, self._outage = False, True, True
        self._ends = self._slots_end = until
        self._slots = max(1, (self._limits.concurrency or 0) // self._instances)
        self._refusal = None

    def due(self, now: float) -> float | None:
        """Return when the store has to hear what nobody waits for, None if there is nothing."""
        if self._outage:
            return self._ends if self.holds or self._has_pending() else None
        by_itself = self._leased and now < self._ends
        if self._has_pending() or (not by_itself and self._slots > len(self.holds)):
            return self._ends if by_itself else now + FLUSH
        return self._slots_end - SLOT_LEASE / 2 if self.holds and self._slots else None

    def _has_pending(self) -> bool:
        return self._pending != NOTHING

    def _hold(self, limits: Limits, tokens: int, now: float, end: float, answer: Answer | None = None) -> Hold:
        self._numbers += 1
        self.holds[self._numbers] = end
        left = self._standing(limits, now) if answer is None else answer.standing
        return Hold(number=self._numbers, account=self.account, limits=limits, tokens=tokens, standing=left)

    def _denied(self, wait: float, limited: Limited, now: float) -> Denied:
        return Denied(limited=limited, wait=wait, standing=self._standing(self._limits, now))

    def _standing(self, limits: Limits, now: float) -> Standing:
        return standing(self._share if self._outage else join(self._share, self._pool, now), limits, now)


def _size(limits: Limits, tokens: int) -> float:
    """Return the part of a minute's amount that a call takes, of the rate of which it takes more."""
    call = of_call(limits, max(1, tokens))
    return max(call.requests, call.tokens)
