"""Checks the table in which the limits of client keys are counted for all instances."""

from proxy.azure_services.rows import Key, StoreUnavailable
from proxy.config.addresses import IN_MEMORY
from proxy.diagnosis.commands import host_and_port, of_table
from proxy.diagnosis.seen import Seen
from proxy.pipeline.doctor.examination import Checked, Examination

LEDGER = "ledger"
# A row that no client has: their accounts have names.
_ROW = Key("", "doctor")


async def check_ledger(run: Examination) -> Checked:
    """Reach the table and read a row of it."""
    url = run.settings.limits_store
    if url == IN_MEMORY:
        return Checked(check=LEDGER, skipped=True, detail="limits are counted in the memory of each instance")
    facts, subject = of_table(url), host_and_port(url)
    connected = await run.probes.connect(url)
    run.note_clock(url, connected)
    if connected.failure is not None:
        return run.checked(LEDGER, Seen(code=connected.failure, subject=subject), facts=facts)
    if not run.has_identity and url.startswith("https:"):
        return Checked(check=LEDGER, skipped=True, detail=f"{url} can be reached; without an identity it is not read")
    from proxy.azure_services.table_store import TableStore  # noqa: PLC0415  it delays a cold start

    store = TableStore(url, run.identity)
    try:
        await store.read(_ROW)
    except StoreUnavailable as error:
        refused = getattr(error.__cause__, "status_code", None) in (401, 403)
        code = "ledger_forbidden" if refused else "ledger_unreachable"
        return run.checked(LEDGER, Seen(code=code, subject=subject), facts=facts)
    finally:
        await store.close()
    return Checked(check=LEDGER, detail=f"{url} can be read")
