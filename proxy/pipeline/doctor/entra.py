"""Checks the tenant of Microsoft Entra ID whose tokens clients bring."""

from proxy.auth.access_tokens import issuers_of
from proxy.auth.signing_keys import parse_configuration, parse_keys
from proxy.config.entra import EntraSettings
from proxy.diagnosis.commands import host_and_port, of_authority
from proxy.diagnosis.entra import UNREACHABLE, UNUSABLE, judge_access, judge_document
from proxy.diagnosis.seen import Seen
from proxy.pipeline.doctor.examination import Checked, Examination

ENTRA = "tenant"


async def check_entra(run: Examination) -> Checked:
    """Reach the authority, read the tenant's configuration and keys, and see whether anybody is let in."""
    entra = run.settings.entra
    if entra is None:
        return Checked(check=ENTRA, skipped=True, detail="clients bring no tokens of Microsoft Entra ID")
    connected = await run.connect(entra.authority)
    if connected.failure is not None:
        seen = Seen(code=connected.failure, subject=host_and_port(entra.authority))
        return run.checked(ENTRA, seen, facts=of_authority(entra.authority))
    code, count = await _read_keys(run, entra)
    found = [Seen(code=code, subject=entra.tenant)] if code is not None else []
    nobody = judge_access(entra.access)
    found += [nobody] if nobody is not None else []
    detail = f"{entra.tenant} signs with {count} keys; tokens are for {', '.join(entra.audiences)}"
    return run.checked(ENTRA, *found, detail=detail, facts=of_authority(entra.authority))


async def _read_keys(run: Examination, entra: EntraSettings) -> tuple[str | None, int]:
    """Return the code for what the tenant says of itself, and how many keys it has."""
    _, issuer = issuers_of(entra)
    url = f"{entra.authority}/{entra.tenant}/v2.0/.well-known/openid-configuration"
    configuration = await run.probes.call("GET", url)
    code = UNREACHABLE if configuration.failure is not None else judge_document(configuration.status)
    if code is not None:
        return code, 0
    try:
        keys = await run.probes.call("GET", parse_configuration(configuration.body, issuer, entra.authority))
        code = UNREACHABLE if keys.failure is not None else judge_document(keys.status)
        return code, 0 if code is not None else len(parse_keys(keys.body, issuer, entra.tenant))
    except ValueError:
        return UNUSABLE, 0
