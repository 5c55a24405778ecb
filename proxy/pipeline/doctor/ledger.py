"""Checks the tables of all instances: that of the limits and budgets of client keys, and that of the usage."""

from collections.abc import Awaitable, Callable

from proxy.azure_services.rows import Key, StoreUnavailable
from proxy.config.addresses import IN_MEMORY
from proxy.diagnosis.commands import host_and_port, of_table
from proxy.diagnosis.seen import Seen
from proxy.pipeline.doctor.examination import Checked, Examination
from proxy.usage.counts import DAY

LEDGER, USAGE = "ledger", "usage"
# A row that no client has: their accounts have names.
_ROW = Key("", "doctor")


async def check_ledger(run: Examination) -> Checked:
    """Reach the table of the limits and read a row of it."""
    return await _check(run, LEDGER, run.settings.limits_store, "LIMITS_STORE", _read_limits)


async def check_usage(run: Examination) -> Checked:
    """Reach the table of the usage and read what is in it for today."""
    return await _check(run, USAGE, run.settings.usage.store, "USAGE_STORE", _read_usage)


async def _check(
    run: Examination, name: str, url: str, setting: str, read: Callable[[Examination], Awaitable[None]]
) -> Checked:
    if url == IN_MEMORY or not run.has_own_credential:
        return Checked(check=name, skipped=True, detail=f"{setting} names no table: each instance counts for itself")
    facts, subject = of_table(url, setting), host_and_port(url)
    connected = await run.connect(url)
    if connected.failure is not None:
        return run.checked(name, Seen(code=connected.failure, subject=subject), facts=facts)
    if not run.has_identity and url.startswith("https:"):
        return Checked(check=name, skipped=True, detail=f"{url} can be reached; without an identity it is not read")
    try:
        await read(run)
    except StoreUnavailable as error:
        refused = getattr(error.__cause__, "status_code", None) in (401, 403)
        code = f"{name}_forbidden" if refused else f"{name}_unreachable"
        return run.checked(name, Seen(code=code, subject=subject), facts=facts)
    return Checked(check=name, detail=f"{url} can be read")


async def _read_limits(run: Examination) -> None:
    from proxy.azure_services.table_store import TableStore  # noqa: PLC0415  it delays a cold start

    store = TableStore(run.settings.limits_store, run.identity)
    try:
        await store.read(_ROW)
    finally:
        await store.close()


async def _read_usage(run: Examination) -> None:
    from proxy.azure_services.usage_table import UsageTable  # noqa: PLC0415  it delays a cold start

    usage = run.settings.usage
    table, now = UsageTable(usage.store, run.identity, usage.retention), run.now()
    try:
        await table.read(now, now + 1, DAY)
    finally:
        await table.close()
