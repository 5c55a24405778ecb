"""Rows in Azure Table Storage, over an SDK client that is created on first use.

azure.data.tables takes about 0.05 s to import, so it is imported in a thread when a key with limits is first used.
"""

import asyncio
import hashlib
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from proxy.azure_services.identity import Identity
from proxy.azure_services.rows import Key, RowChanged, Stored, StoreUnavailable
from proxy.azure_services.slow_imports import ONE_AT_A_TIME
from proxy.config.addresses import split_url
from proxy.errors import ConfigurationError

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.data.tables.aio import TableClient

TABLE = "limits"
CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
# Bytes; Azure's limit of one property. A row of 500 instances has half of it.
LARGEST_ROW = 64 * 1024
# The account of Azure's emulator, which listens on this machine only; its key is no secret.
# https://learn.microsoft.com/azure/storage/common/storage-use-azurite#well-known-storage-account-and-key
EMULATOR = "devstoreaccount1"
EMULATOR_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_VALUE = "value"


class TableStore:
    """Rows of one table: an entity for each, whose partition is the digest of the account's name."""

    def __init__(self, endpoint: str, identity: Identity) -> None:
        self._endpoint = endpoint
        self._identity = identity
        self._client: TableClient | None = None
        self._connecting = asyncio.Lock()

    async def read(self, key: Key) -> Stored:
        """Return a row; create the table if there is none."""
        client = await self._connected()
        dated = _Dated()
        try:
            entity = await client.get_entity(_partition(key), key.row, raw_response_hook=dated)
        except missing_errors() as error:
            if _code(error) == "TableNotFound":
                await self._create_table(client)
            return Stored(value=None, version=None, date=dated.date)
        except sdk_errors() as error:
            raise StoreUnavailable from error
        return Stored(value=_value(entity), version=entity.metadata["etag"], date=dated.date)

    async def write(self, key: Key, value: bytes, version: str | None) -> Stored:
        """Replace or insert a row on the condition that nobody has changed or inserted it."""
        client = await self._connected()
        if len(value) > LARGEST_ROW:
            raise StoreUnavailable
        dated = _Dated()
        try:
            metadata = await _put(client, _entity(key, value), version, dated)
        except conflict_errors() as error:
            raise RowChanged from error
        except sdk_errors() as error:
            raise StoreUnavailable from error
        return Stored(value=value, version=str(metadata["etag"]), date=dated.date)

    async def close(self) -> None:
        """Close the SDK's connections; the owner of the identity closes it."""
        if self._client:
            await self._client.close()

    async def _connected(self) -> "TableClient":
        async with self._connecting:
            if self._client is None:
                self._client = await asyncio.to_thread(connect_table, self._endpoint, self._identity, TABLE)
            return self._client

    async def _create_table(self, client: "TableClient") -> None:
        from azure.core.exceptions import ResourceExistsError  # noqa: PLC0415 - slow to import

        try:
            await client.create_table()
        except ResourceExistsError:
            return  # Another instance was faster.
        except sdk_errors() as error:
            raise StoreUnavailable from error


class _Dated:
    """Reads when the store has answered; the SDK calls it with each response."""

    def __init__(self) -> None:
        self.date = 0.0

    def __call__(self, response: Any) -> None:
        self.date = _seconds(response.http_response.headers)


def _seconds(headers: Mapping[str, str]) -> float:
    return parsedate_to_datetime(headers["Date"]).timestamp()


def connect_table(endpoint: str, identity: Identity, table: str, read_timeout: float = READ_SECONDS) -> "TableClient":
    """Return a client of a table; it imports the SDK, so call it in a thread."""
    with ONE_AT_A_TIME:
        import aiohttp  # noqa: F401, PLC0415 - else the SDK imports it on the event loop
        from azure.core.credentials import AzureNamedKeyCredential  # noqa: PLC0415 - slow to import
        from azure.data.tables.aio import TableClient  # noqa: PLC0415 - slow to import

    is_emulator = split_url(endpoint).scheme == "http"
    credential = AzureNamedKeyCredential(EMULATOR, EMULATOR_KEY) if is_emulator else identity
    # No retries: whoever changes a row reads it again first.
    return TableClient(
        endpoint,
        table,
        credential=cast("AsyncTokenCredential", credential),  # the SDK only calls get_token_info if it exists
        connection_timeout=CONNECT_SECONDS,
        read_timeout=read_timeout,
        retry_total=0,
    )


async def _put(
    client: "TableClient", entity: dict[str, Any], version: str | None, dated: Callable[[Any], None]
) -> Mapping[str, Any]:
    from azure.core import MatchConditions  # noqa: PLC0415 - slow to import
    from azure.data.tables import UpdateMode  # noqa: PLC0415 - slow to import

    if version is None:
        return await client.create_entity(entity, raw_response_hook=dated)
    return await client.update_entity(
        entity,
        UpdateMode.REPLACE,
        etag=version,
        match_condition=MatchConditions.IfNotModified,
        raw_response_hook=dated,
    )


def _partition(key: Key) -> str:
    """Return a name that a table takes: names of clients may have characters that it does not."""
    return hashlib.sha256(key.account.encode()).hexdigest()


def _entity(key: Key, value: bytes) -> dict[str, Any]:
    return {"PartitionKey": _partition(key), "RowKey": key.row, "account": key.account, _VALUE: value}


def _value(entity: Mapping[str, Any]) -> bytes:
    value = entity.get(_VALUE)
    return value if isinstance(value, bytes) else b""


def _code(error: Exception) -> str:
    code = getattr(error, "error_code", None)
    return str(getattr(code, "value", code))


def missing_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a row or a table that is not there."""
    from azure.core.exceptions import ResourceNotFoundError  # noqa: PLC0415 - slow to import

    return (ResourceNotFoundError,)


def conflict_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a row that is not as it was read."""
    from azure.core.exceptions import (  # noqa: PLC0415 - slow to import
        ResourceExistsError,
        ResourceModifiedError,
        ResourceNotFoundError,
    )

    return (ResourceExistsError, ResourceModifiedError, ResourceNotFoundError)


def sdk_errors() -> tuple[type[Exception], ...]:
    """Return the errors of a table that cannot be used."""
    from azure.core.exceptions import AzureError  # noqa: PLC0415 - slow to import

    # ConfigurationError: there is no identity. The others: what answers is no table.
    return (AzureError, ConfigurationError, ValueError, KeyError, TypeError)
