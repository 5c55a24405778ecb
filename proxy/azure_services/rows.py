"""Rows of a store that instances share, and what may come of reading and writing one."""

from typing import Protocol

import msgspec


class RowChanged(Exception):
    """The row is not as it was read: another instance has changed it."""


class StoreUnavailable(Exception):
    """The store did not answer, or not with what was asked; a change may have been made all the same."""


class Key(msgspec.Struct, frozen=True):
    """Where a row is: the account that it belongs to, and which of the account's rows it is."""

    account: str
    row: str


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A row, None where there is none yet, with its version, and when the store has said so, in seconds since 1970."""

    value: bytes | None
    version: str | None
    date: float


class Store(Protocol):
    """Keeps rows; raises `StoreUnavailable`."""

    async def read(self, key: Key) -> Stored:
        """Return a row."""
        ...

    async def write(self, key: Key, value: bytes, version: str | None) -> Stored:
        """Replace the row if it has that version, insert it if that is None; raise `RowChanged` if it is not so."""
        ...
