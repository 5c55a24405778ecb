"""Judges what tokens of Microsoft Entra ID need: a tenant that says its keys, and somebody who is let in."""

from proxy.config.entra import EntraAccess
from proxy.diagnosis.seen import Seen

UNREACHABLE, UNUSABLE = "entra_keys_unreachable", "entra_keys_unusable"


def judge_document(status: int) -> str | None:
    """Return the code for the status of a tenant's answer, None for a success; 400 is a tenant that is not there."""
    if status == 200:
        return None
    return UNUSABLE if status in (400, 404) else UNREACHABLE


def judge_access(access: EntraAccess) -> Seen | None:
    """Return that nobody is let in by the limits of roles and groups."""
    if access.admits_others or access.roles or access.groups:
        return None
    return Seen(code="entra_admits_nobody", subject="CLIENT_ENTRA_LIMITS")
