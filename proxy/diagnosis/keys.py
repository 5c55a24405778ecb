"""Judges the client keys: their number, and those that open nothing, are weak, or end soon."""

from collections.abc import Iterable, Iterator
from math import ceil

from proxy.diagnosis.seen import Seen
from proxy.values import ClientKey

_DAY = 86_400.0
# Seconds before its end within which a key counts as expiring.
SOON = 14 * _DAY


def judge_keys(keys: Iterable[ClientKey], now: float, *, is_needed: bool = True) -> tuple[Seen, ...]:
    """Return what is wrong with the client keys; `now` is in seconds since 1970 UTC.

    `is_needed` tells that clients have nothing else to authenticate with.
    """
    clients = [key for key in keys if not key.is_admin]
    if not clients and is_needed:
        return (Seen(code="no_client_keys", subject="client keys"),)
    return tuple(seen for key in clients for seen in _judge(key, now))


def _judge(key: ClientKey, now: float) -> Iterator[Seen]:
    name, expires = key.client.name, key.client.expires
    if key.locked:
        yield Seen(code="client_key_locked", subject=name)
    if key.weak:
        yield Seen(code="client_key_weak", subject=name)
    if expires is not None and expires <= now:
        yield Seen(code="client_key_expired", subject=name)
    elif expires is not None and expires - now < SOON:
        yield Seen(code="client_key_expiring", subject=name, facts={"days": str(ceil((expires - now) / _DAY))})
