"""What the holder of a token may use: the limits of the first of its app roles and groups that the settings name."""

from proxy.auth.access_tokens import NO_ACCESS, NOT_ACCESS, OVERAGE, Claims, refusal
from proxy.config.entra import EntraSettings
from proxy.values import Limits


def limits_of_token(claims: Claims, settings: EntraSettings) -> Limits | None:
    """Return the limits, None for none; raise `Unauthenticated` when nothing gives access.

    With more than 200 groups a token names none of them. Then a group cannot be decided about, and nobody is let in
    who has no role.

    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference#groups-overage-claim
    """
    access = settings.access
    for role, limits in access.roles.items():
        if role in claims.roles:
            return limits
    if access.groups and _has_overage(claims):
        raise refusal(OVERAGE, settings)
    groups = {group.lower() for group in claims.groups}
    for group, limits in access.groups.items():
        if group in groups:
            return limits
    if not access.admits_others:
        raise refusal(NO_ACCESS, settings)
    # Every application of the tenant gets a token for every other one, without a scope and without a role.
    if not (claims.scp or claims.roles):
        raise refusal(NOT_ACCESS, settings)
    return access.others


def _has_overage(claims: Claims) -> bool:
    return "groups" in claims.claim_names or bool(claims.hasgroups)
