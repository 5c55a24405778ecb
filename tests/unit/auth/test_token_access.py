"""What the holder of a token may use."""

from typing import Any

import pytest

from proxy.auth.access_tokens import Claims
from proxy.auth.token_access import limits_of_token
from proxy.config.entra import AUTHORITY, EntraAccess, EntraSettings
from proxy.errors import Unauthenticated
from proxy.values import Limits

POWER, USER, TEAM, OTHERS = Limits(rpm=600), Limits(rpm=60), Limits(rpm=30), Limits(rpm=5)
GROUP = "abcdef00-0000-0000-0000-000000000000"
MAPPED = EntraAccess(
    roles={"Power": POWER, "User": USER, "Free": None}, groups={GROUP: TEAM, "other": None}, admits_others=False
)
ROLES_ALONE = EntraAccess(roles={"User": USER}, admits_others=False)
OPEN = EntraAccess(others=OTHERS)
WITH_OTHERS = EntraAccess(roles={"User": USER}, groups={GROUP: TEAM}, others=OTHERS)
OVERAGE = {"claim_names": {"groups": "src1"}}


def found(access: EntraAccess, **claims: Any) -> Limits | str | None:
    """Return the limits, or the reason of the refusal."""
    settings = EntraSettings(authority=AUTHORITY, tenant="t", audiences=("a",), access=access)
    try:
        return limits_of_token(Claims(aud="a", iss="i", exp=0.0, **claims), settings)
    except Unauthenticated as error:
        return error.reason


@pytest.mark.parametrize(
    ("claims", "limits"),
    [
        ({"roles": ("User", "Power")}, POWER),  # the first of the setting, not of the token
        ({"roles": ("User",), "groups": (GROUP,)}, USER),
        ({"roles": ("user", "Unknown"), "groups": (GROUP.upper(),)}, TEAM),
        ({"roles": ("Free",)}, None),
        ({"groups": ("other",)}, None),
        ({"scp": "access_as_user"}, "token_no_access"),
        ({"scp": "access_as_user", "roles": ("Unknown",), "groups": ("unknown",)}, "token_no_access"),
        ({}, "token_no_access"),
    ],
)
def test_the_first_role_or_group_of_the_setting_counts_and_without_one_nobody_is_let_in(
    claims: dict[str, Any], limits: Limits | str | None
) -> None:
    assert found(MAPPED, **claims) == limits


@pytest.mark.parametrize("overage", [OVERAGE, {"hasgroups": True}, {"hasgroups": "true"}])
def test_more_than_200_groups_are_refused_unless_a_role_decides(overage: dict[str, Any]) -> None:
    assert found(MAPPED, scp="s", **overage) == "token_overage"
    assert found(WITH_OTHERS, scp="s", **overage) == "token_overage"
    assert found(MAPPED, roles=("User",), **overage) == USER
    assert found(ROLES_ALONE, roles=("User",), **overage) == USER
    assert found(ROLES_ALONE, scp="s", **overage) == "token_no_access"
    assert found(OPEN, scp="s", **overage) == OTHERS
    assert found(MAPPED, scp="s", claim_names={"other": "src1"}) == "token_no_access"


def test_others_have_their_own_limits_if_they_are_let_in() -> None:
    assert found(WITH_OTHERS, scp="s") == OTHERS
    assert found(OPEN, roles=("Unknown",)) == OTHERS


def test_an_application_without_a_role_is_not_among_the_others() -> None:
    assert found(OPEN) == "token_not_access"
    assert found(WITH_OTHERS) == "token_not_access"
