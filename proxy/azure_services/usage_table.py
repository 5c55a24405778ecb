"""Usage in Azure Table Storage: each day is a partition, with the rows of instances and the row that takes them up.

https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import StoreUnavailable
from proxy.azure_services.table_store import conflict_errors, connect_table, missing_errors, sdk_errors
from proxy.usage.counts import DAY, Lines, fold
from proxy.usage.rows import (
    DAY_ROW,
    Day,
    Inserted,
    day_of,
    decode_day,
    encode_day,
    is_taken_up,
    parse_row_key,
    parts_of,
    row_key,
    take_up,
)

if TYPE_CHECKING:
    from azure.data.tables.aio import TableClient

_LOG = logging.getLogger(__name__)
TABLE = "usage"
READ_SECONDS = 10.0
# Seconds for which rows keep their minutes, before the row of the day takes them up.
LAG = 3600
# Seconds between two times at which the rows of a day are taken up.
EACH = 600
# Azure's limit of a property, and of a transaction.
PROPERTY_BYTES, TRANSACTION = 64 * 1024, 100
_CONTENT = "c"


class _Found(msgspec.Struct, kw_only=True):
    """What a partition has: rows of instances, and the row of the day with its version."""

    rows: list[Inserted] = []
    day: Day = Day()
    version: str | None = None


class UsageTable:
    """The usage of all instances; rows are kept for `retention` days."""

    def __init__(self, endpoint: str, identity: Identity, retention: int) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self._retention = retention
        self._client: TableClient | None = None
        self._connecting = asyncio.Lock()

    async def insert(self, row: Inserted) -> None:
        """Insert a row, unless it is there; create the table if there is none. Raises `StoreUnavailable`."""
        client = await self._connected()
        entity = {"PartitionKey": day_of(row.start), "RowKey": row_key(row), **_properties(row.lines)}
        with _exists_already():  # An earlier request has inserted it, and its answer was lost.
            try:
                await client.create_entity(entity)
            except missing_errors():
                await _create_table(client)
                await client.create_entity(entity)

    async def read(self, first: float, end: float, width: int) -> Lines:
        """Return the sums of all days from that of `first` to that before `end`; raise `StoreUnavailable`.

        An hour of many instances has some hundred thousand counts: other requests go on between the rows.
        """
        condition = f"PartitionKey ge '{day_of(first)}' and PartitionKey le '{day_of(end - 1)}'"
        sums: Lines = {}
        with _readable():
            for one in (await self._find(condition)).values():
                for part in parts_of(one.day, one.rows):
                    fold(sums, part, width)
                    await asyncio.sleep(0)
        return sums

    async def take_up(self, now: float) -> None:
        """Let the rows of days take up those of instances, and delete what is too old; raise `StoreUnavailable`."""
        if await self._is_recent(day_of(now), now):
            return
        oldest = day_of(now - self._retention * DAY)
        for day in await self._names(f"PartitionKey ge '{oldest}' and RowKey lt '{DAY_ROW}'"):
            with _readable():
                for found in (await self._find(f"PartitionKey eq '{day}'")).values():
                    await self._take_up(day, found, now - LAG)
        await self._delete_where(f"PartitionKey lt '{oldest}'")

    async def close(self) -> None:
        """Close the SDK's connections; the owner of the identity closes it."""
        if self._client:
            await self._client.close()

    async def _take_up(self, name: str, found: _Found, before: float) -> None:
        old = [row for row in found.rows if row.start < before]
        day = take_up(found.day, old)
        if day.marks != found.day.marks and not await self._write(name, day, found.version):
            return  # Another instance was faster.
        await self._delete(name, [row_key(row) for row in old if is_taken_up(day, row)])

    async def _write(self, name: str, day: Day, version: str | None) -> bool:
        """Replace or insert the row of a day; tell whether it was as it had been read."""
        from azure.core import MatchConditions  # noqa: PLC0415 - slow to import
        from azure.data.tables import UpdateMode  # noqa: PLC0415 - slow to import

        client = await self._connected()
        entity = {"PartitionKey": name, "RowKey": DAY_ROW, **_properties(encode_day(day))}
        try:
            if version is None:
                await client.create_entity(entity)
            else:
                unchanged = MatchConditions.IfNotModified
                await client.update_entity(entity, UpdateMode.REPLACE, etag=version, match_condition=unchanged)
        except conflict_errors():
            return False
        except sdk_errors() as error:
            raise StoreUnavailable from error
        return True

    async def _is_recent(self, day: str, now: float) -> bool:
        client = await self._connected()
        try:
            entity = await client.get_entity(day, DAY_ROW, select=["PartitionKey", "Timestamp"])
        except missing_errors():
            return False
        except sdk_errors() as error:
            raise StoreUnavailable from error
        changed = entity.metadata["timestamp"]
        return changed is not None and now - float(changed.timestamp()) < EACH

    async def _find(self, condition: str) -> dict[str, _Found]:
        """Return what partitions have, read in the order of their rows."""
        found: dict[str, _Found] = {}
        async for entity in self._query(condition):
            day, name, content = entity["PartitionKey"], entity["RowKey"], _content(entity)
            one = found.setdefault(day, _Found(rows=[]))
            row = parse_row_key(day, name)
            if row is None:
                one.day, one.version = decode_day(content), entity.metadata["etag"]
            else:
                one.rows.append(msgspec.structs.replace(row, lines=content))
        return found

    async def _query(self, condition: str, select: list[str] | None = None) -> AsyncIterator[Any]:
        client = await self._connected()
        try:
            async for entity in client.query_entities(condition, select=select):
                yield entity
        except missing_errors():
            return  # Nobody has inserted anything yet.
        except sdk_errors() as error:
            raise StoreUnavailable from error

    async def _delete_where(self, condition: str) -> None:
        for day, names in (await self._names(condition)).items():
            await self._delete(day, names)

    async def _names(self, condition: str) -> dict[str, list[str]]:
        """Return the names of rows by their days."""
        days: dict[str, list[str]] = {}
        async for entity in self._query(condition, ["PartitionKey", "RowKey"]):
            days.setdefault(entity["PartitionKey"], []).append(entity["RowKey"])
        return days

    async def _delete(self, day: str, names: Sequence[str]) -> None:
        """Delete rows; what cannot be deleted now is deleted another time, and counts for nothing until then."""
        client = await self._connected()
        for start in range(0, len(names), TRANSACTION):
            keys = [{"PartitionKey": day, "RowKey": name} for name in names[start : start + TRANSACTION]]
            try:
                await client.submit_transaction([("delete", key) for key in keys])
            except sdk_errors():
                for key in keys:
                    await self._delete_one(client, key)

    async def _delete_one(self, client: "TableClient", key: dict[str, str]) -> None:
        try:
            await client.delete_entity(key)
        except sdk_errors() as error:
            raise StoreUnavailable from error

    async def _connected(self) -> "TableClient":
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(
                    connect_table, self._endpoint, self._identity, TABLE, READ_SECONDS
                )
            return self._client


async def _create_table(client: "TableClient") -> None:
    with _exists_already():  # Another instance was faster.
        await client.create_table()


@contextmanager
def _readable() -> Iterator[None]:
    """Log that there is a row which cannot be read, as a newer version may write it; raise `StoreUnavailable`."""
    try:
        yield
    except ValueError as error:
        _LOG.error("usage_unreadable: a row of the table of usage is of another version, or damaged")
        raise StoreUnavailable from error


@contextmanager
def _exists_already() -> Iterator[None]:
    """Take what is to be made and is there already for made; raise `StoreUnavailable` for other errors."""
    from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - slow to import

    try:
        yield
    except ResourceExistsError:
        return
    except sdk_errors() as error:
        raise StoreUnavailable from error


def _properties(content: bytes) -> dict[str, bytes]:
    """Return bytes as properties that are not too large."""
    parts = range(0, len(content), PROPERTY_BYTES)
    return {f"{_CONTENT}{number}": content[start : start + PROPERTY_BYTES] for number, start in enumerate(parts)}


def _content(entity: dict[str, Any]) -> bytes:
    return b"".join(_parts(entity))


def _parts(entity: dict[str, Any]) -> Iterator[bytes]:
    number = 0
    while isinstance(part := entity.get(f"{_CONTENT}{number}"), bytes):
        yield part
        number += 1
