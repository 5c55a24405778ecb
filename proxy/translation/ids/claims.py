"""Which resource the ids of a request belong to, and the request without their tags.

An id without a tag belongs to the first resource, if it is of an object that is kept: it is older than the others.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import quote, unquote

from proxy.errors import InvalidRequest
from proxy.translation.ids.members import claims_untagged, members_of
from proxy.translation.ids.tags import MARK, Tags, shown
from proxy.translation.operations import Operation, Route

_FIRST = 0
_PARAMETER = re.compile(r"{(\w*)}")
_CURSORS = frozenset({"after", "before"})
# Parts of forms that hold an id, by operation; the SDKs write a member of an object with brackets.
FORM_PARTS: Mapping[str, tuple[str, ...]] = {
    "CreateContainerFile": ("file_id",),
    "createVideo": ("input_reference[file_id]",),
    "CreateVideoEdit": ("video[id]",),
    "CreateVideoExtend": ("video[id]",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An id that belongs to a resource: the field it stands in, and how the client wrote it."""

    field: str
    id: str
    resource: int


Claims = tuple[Claim, ...]


def claimed(claims: Iterable[Claim]) -> int | None:
    """Return the resource that all ids belong to, None without ids; raise `InvalidRequest` when they differ."""
    first: Claim | None = None
    for claim in claims:
        if first is None:
            first = claim
        elif claim.resource != first.resource:
            raise InvalidRequest(
                f"The `{first.field}` {shown(first.id)} and the `{claim.field}` {shown(claim.id)} belong to different "
                "Azure OpenAI resources and cannot be used in one request.",
                param=claim.field,
                code="invalid_value",
            )
    return None if first is None else first.resource


def bare_route(tags: Tags, route: Route) -> tuple[Route, Claims]:
    """Return a route without tags.

    Behind the first id of a path, one without a tag claims nothing: it is found through the first.
    """
    if not route.parameters:
        return route, ()
    fields = _PARAMETER.findall(route.operation.path)
    claims: list[Claim] = []
    values: list[str] = []
    for field, value in zip(fields, route.parameters, strict=True):
        bare, resource = tags.split(value, field)
        if resource is None and not values and field:
            resource = _FIRST
        if resource is not None:
            claims.append(Claim(field=field, id=value, resource=resource))
        values.append(bare)
    return replace(route, parameters=tuple(values)), tuple(claims)


def bare_query(tags: Tags, operation: Operation, query: str) -> tuple[str, Claims]:
    """Return a query without tags; beside an id in the path, one without a tag claims nothing: it follows the path."""
    untagged = None if "{" in operation.path else _FIRST
    claims: list[Claim] = []
    pairs = [_bare_pair(tags, pair, untagged, claims) for pair in query.split("&")]
    return "&".join(pairs), tuple(claims)


def bare_body(tags: Tags, operation: Operation, raw: bytes) -> tuple[bytes, Claims]:
    """Return a JSON body without tags, every other byte as it came, and one claim for each resource in it."""
    if tags.alone and MARK.encode() not in raw:
        return raw, ()
    claims: dict[int, Claim] = {}
    pieces: list[memoryview] = []
    view, kept = memoryview(raw), 0
    for field, start, end in members_of(operation).places(raw):
        written = raw[start:end].decode()
        bare, resource = tags.split(written, field)
        claims_one = resource is not None or claims_untagged(field, written)
        if claims_one and (resource or _FIRST) not in claims:
            claims[resource or _FIRST] = Claim(field=field, id=written, resource=resource or _FIRST)
        if bare != written:
            pieces.append(view[kept : start + len(bare)])
            kept = end
    return (b"".join((*pieces, view[kept:])) if pieces else raw), tuple(claims.values())


def bare_fields(tags: Tags, operation: Operation, fields: Mapping[str, str]) -> tuple[dict[str, str], Claims]:
    """Return those parts of a form that hold ids, without tags."""
    bare: dict[str, str] = {}
    claims: list[Claim] = []
    for field in FORM_PARTS.get(operation.name, ()):
        if written := fields.get(field):
            bare[field], resource = tags.split(written, field)
            claims.append(Claim(field=field, id=written, resource=resource or _FIRST))
    return bare, tuple(claims)


def _bare_pair(tags: Tags, pair: str, untagged: int | None, claims: list[Claim]) -> str:
    name, _, value = pair.partition("=")
    field, written = unquote(name), unquote(value)
    if not written or field not in _CURSORS:
        return pair
    bare, resource = tags.split(written, field)
    if resource is None:
        resource = untagged
    if resource is not None:
        claims.append(Claim(field=field, id=written, resource=resource))
    return pair if bare == written else f"{name}={quote(bare, safe='')}"
