"""Microsoft Entra ID as what clients authenticate with: the tenant, what its tokens are for, and who may use what."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from proxy.config.client_limits import LimitRules, tags_of
from proxy.config.environment import decode_json, json_object, matching
from proxy.values import Limits

AUTHORITY = "https://login.microsoftonline.com"
ROLES, GROUPS, OTHERS = "roles", "groups", "others"
_GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_AUDIENCE = re.compile(rf"{_GUID}|(?:api|https)://[A-Za-z0-9._~:/-]{{1,240}}")
_IS_GUID = re.compile(_GUID)
# An app role's value has no spaces. https://learn.microsoft.com/graph/api/resources/approle
_ROLE = re.compile(r"[!-~]{1,250}")

Tags = Mapping[str, str]
LimitsOf = Mapping[str, Limits | None]

parse_tenant: Callable[[str], str] = matching(_GUID, "must be the id of a tenant, a GUID")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraAccess:
    """The limits of app roles and groups, the first that a client has counts; None means no limits.

    `others` are those of clients that have none of them, who are let in only if `admits_others`.
    """

    roles: LimitsOf = field(default_factory=dict)
    groups: LimitsOf = field(default_factory=dict)
    others: Limits | None = None
    admits_others: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraSettings:
    """The tenant whose tokens are accepted, in the cloud of the `authority`, what they are for, and the limits."""

    authority: str
    tenant: str
    audiences: tuple[str, ...]
    access: EntraAccess


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessTags:
    """What the setting says of roles, groups and others, as tags; `others` is None where it says nothing of them."""

    roles: Mapping[str, Tags] = field(default_factory=dict)
    groups: Mapping[str, Tags] = field(default_factory=dict)
    others: Tags | None = None


def parse_audiences(text: str) -> tuple[str, ...]:
    """Return what a token may be for: a client id stands for `api://` and itself too, and the other way round.

    Tokens of version 1 name what was asked for, those of version 2 the client id.
    https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference
    """
    found: dict[str, None] = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        if not _AUDIENCE.fullmatch(one):
            raise ValueError("must be client ids of applications or their URIs, as api://GUID, separated by commas")
        plain = one.removeprefix("api://")
        found |= {f"api://{plain}": None, plain: None} if _IS_GUID.fullmatch(plain) else {one: None}
    if not found:
        raise ValueError("must name the client id of the proxy's application in Microsoft Entra ID")
    return tuple(found)


def parse_access(text: str) -> AccessTags | None:
    """Return the limits of app roles, groups and others as tags, from JSON; None where the setting says nothing."""
    if not text:
        return None
    members = json_object(decode_json(text))
    if not members.keys() <= {ROLES, GROUPS, OTHERS}:
        raise ValueError(f"must have nothing but {ROLES}, {GROUPS} and {OTHERS}")
    return AccessTags(
        roles=_each(members.get(ROLES, {}), _ROLE, "a role's value"),
        groups=_each(members.get(GROUPS, {}), _IS_GUID, "a group's object id"),
        others=tags_of(json_object(members[OTHERS])) if OTHERS in members else None,
    )


def _each(value: object, name: re.Pattern[str], expected: str) -> dict[str, Tags]:
    members = json_object(value)
    if not all(map(name.fullmatch, members)):
        raise ValueError(f"must have {expected} on the left")
    return {one: tags_of(json_object(limits)) for one, limits in members.items()}


def access_of(tags: AccessTags | None, rules: LimitRules) -> EntraAccess:
    """Return who may use what; without the setting everybody has the limits of keys that say nothing."""
    if tags is None:
        return EntraAccess(others=rules.read({}))
    return EntraAccess(
        roles={role: rules.read(one) for role, one in tags.roles.items()},
        groups={group.lower(): rules.read(one) for group, one in tags.groups.items()},
        others=None if tags.others is None else rules.read(tags.others),
        admits_others=tags.others is not None,
    )
