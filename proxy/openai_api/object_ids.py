"""Affinity tags: ids that say by themselves which resource keeps their object.

The tag of a resource on the ids of its objects: with several resources, an id says by itself where it belongs.

`resp_68ab12~k3fq`: a `~` is in no id of Azure's, and stays as it is in a URL.
https://www.rfc-editor.org/rfc/rfc3986#section-2.3

Where ids of objects that Azure keeps stand in JSON: members by name, found in the bytes without building anything.

A quote inside a JSON string is always escaped, so `"file_id":` with bare quotes is the name of a member and never a
part of a text. Bytes that are not JSON do no harm: nothing is found in them, or what is found is one whole string.
Names and kinds are those of https://github.com/openai/openai-openapi.

Which resource the ids of a request belong to, and the request without their tags.

An id without a tag belongs to the first resource, if it is of an object that is kept: it is older than the others.

Answers of Azure with the tag of the resource on every id of an object that it keeps.

Lists over several resources: they are asked in their order, one resource a page.

A client goes on with `after`, the last id it has seen, whose tag says where.
https://platform.openai.com/docs/api-reference/files/list
"""

import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import islice
from urllib.parse import quote, unquote

import msgspec

from proxy.errors import InvalidRequest, UnknownId, UpstreamError
from proxy.openai_api import json_members
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.operations import Operation, StreamFormat
from proxy.openai_api.router import Route

MARK = "~"
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of the resources, in their order; a resource that is alone leaves ids as they are.

    Raises `ValueError` for two names with one tag.
    """

    names: tuple[str, ...]
    alone: bool = field(init=False, repr=False)
    """Whether there is one resource only."""
    _tags: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tags = tuple(map(tag_of, self.names))
        object.__setattr__(self, "_tags", tags)
        object.__setattr__(self, "alone", len(tags) == 1)
        if len(set(tags)) < len(tags):
            raise ValueError(f"Two of the resources {', '.join(self.names)} have the same tag; rename one.")

    def tag(self, resource: int) -> str:
        """Return what ids of a resource get, nothing for one that is alone."""
        return "" if self.alone else self._tags[resource]

    def split(self, tagged: str, field: str) -> tuple[str, int | None]:
        """Return an id without its tag, and the resource it belongs to, None for an id without a tag.

        Raises `UnknownId` for a tag that no resource has; a resource that is alone takes such an id for one of Azure's.
        """
        bare, mark, rest = tagged.rpartition(MARK)
        if not mark:
            return tagged, None
        if mark + rest in self._tags:
            return bare, self._tags.index(mark + rest)
        if self.alone:
            return tagged, None
        raise UnknownId(f"No such object: {shown(tagged)}", param=field)


def tag_of(name: str) -> str:
    """Return the tag of a resource, which follows from its name alone: `~` and four letters or digits."""
    digest = blake2b(name.lower().encode(), digest_size=5).digest()
    return MARK + b32encode(digest).decode().lower()[:4]


def shown(identifier: str) -> str:
    """Return an id as a message shows it."""
    return identifier if len(identifier) <= _MAX_SHOWN else f"{identifier[:_MAX_SHOWN]}..."


# A visit to a member, or to a bracket of what is passed over, takes about 0.5 us, and other requests wait; the longest
# conversations have some thousands of ids. What stands behind so many is left as it is.
MAX_LOOKUPS = 200_000

# Members that hold an id of a kept object, or a list of them, and nothing else.
_IDS = (
    *("assistant_id", "comparison_response_id", "container_id", "error_file_id", "eval_id", "file_id", "file_ids"),
    *("fine_tuning_job_id", "input_file_id", "output_file_id", "previous_response_id", "remixed_from_video_id"),
    *("result_files", "thread_id", "training_file", "upload_id", "validation_file", "vector_store_id"),
    "vector_store_ids",
)
# Members that hold other ids too, those of messages or tool calls: only an id of one of the kinds below counts.
_IDS_OF_SOME_KIND = (
    *("approval_request_id", "container", "conversation", "first_id", "id", "item_id", "last_id", "message_id"),
)
# What only the resource that wrote it can read again: reasoning that the client keeps.
_SEALED = ("encrypted_content",)
# What ids of kept objects begin with. What is reached through another kept object, as a message through its thread or
# a run through its eval, needs none: the path names both. Azure's files may begin with `assistant-`, and the id of a
# tool call of other makers' models with `chatcmpl-tool-`.
_OBJECT_PREFIXES = (
    *("assistant", "asst", "batch", "cfile", "char", "chatcmpl(?!-tool-)", "cntr", "container", "conv", "eval", "file"),
    *("ft", "ftjob", "resp", "thread", "upload", "video", "vs"),
)
# Items of a response. Clients make such ids up too, so one without a tag says nothing.
_ITEMS = (
    *("apc", "apco", "ci", "cmp", "ctc", "ctco", "cu", "cuo", "fc", "fco", "fs", "ig", "lsh", "lsho", "mcp", "mcpa"),
    *("mcpl", "mcpr", "msg", "rs", "sh", "sho", "ws"),
)
# Objects in which clients and models name the members: nothing in them is ours to read or to change.
_OF_USERS = (
    *("arguments", "attributes", "datasource_item", "env", "headers", "input_schema", "item_schema", "metadata"),
    *("output_schema", "parameters", "schema"),
)
# The rows that are judged, and what a model made of them; elsewhere an `item` is one of a response.
_OF_USERS_IN_EVALS = (*_OF_USERS, "item", "sample")
_EVALS = ("/evals", "/fine_tuning/alpha/graders")

_TAGGED = rb"[\w.-]*+(?:~\w*+)?+"
_ID = re.compile(rb'"([A-Za-z0-9]' + _TAGGED + rb')"')
_ID_OF_SOME_KIND = re.compile(
    rb'"((?:' + "|".join((*_OBJECT_PREFIXES, *_ITEMS)).encode() + rb")[-_]" + _TAGGED + rb')"'
)
# Base64 of either alphabet; some encoders of JSON escape its `/`, `+` or `=`.
_SEAL = re.compile(rb'"((?:[\w+/=.-]++|\\/|\\u00(?:2[BDFbdf]|3[Dd]|5[Ff]))++(?:~\w*+)?+)"')
_ONE = {"ids": _ID, "kind": _ID_OF_SOME_KIND, "sealed": _SEAL}
_ITEM = re.compile(rf"(?:{'|'.join(_ITEMS)})[-_]")
_LIST = re.compile(rb'\[(?:\s*+"[^"\\]*+"\s*+,?+)*+\s*+\]')
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)

Place = tuple[str, int, int]
"""The name of a member, and where an id in it starts and ends, without its quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdMembers:
    """Finds the ids in JSON, or in whole events of a stream; `names` finds the members that may hold them."""

    names: re.Pattern[bytes]

    def places(self, raw: bytes) -> Iterator[Place]:
        """Yield the ids in the order in which they stand."""
        position, left = 0, MAX_LOOKUPS
        while left > 0 and (name := self.names.search(raw, position)):
            group, position, left = name.lastgroup or "", name.end(), left - 1
            if group == "users":
                position, left = _behind(raw, position, left)
                continue
            for start, end in islice(_ids(raw, position, group), left):
                yield name[group].decode(), start, end
                position, left = end, left - 1


def claims_untagged(field: str, identifier: str) -> bool:
    """Tell whether an id without a tag belongs to the first resource: those of items belong to nobody."""
    return field not in _SEALED and _ITEM.match(identifier) is None


def members_of(operation: Operation) -> IdMembers:
    """Return what finds the ids in the JSON of an operation."""
    return _EVAL_MEMBERS if operation.path.startswith(_EVALS) else _ID_MEMBERS


def _ids(raw: bytes, start: int, group: str) -> Iterable[tuple[int, int]]:
    one = _ONE[group].match(raw, start)
    if one is not None:
        return (one.span(1),)
    several = _LIST.match(raw, start) if group == "ids" else None
    return () if several is None else (each.span(1) for each in _ID.finditer(raw, *several.span()))


def _behind(raw: bytes, start: int, left: int) -> tuple[int, int]:
    """Return where an object or a list ends, the start for anything else; and what is left of the visits."""
    if raw[start : start + 1] not in (b"{", b"["):
        return start, left
    depth, position = 1, start + 1
    while depth and left > 0:
        bracket = _TO_BRACKET.match(raw, position)
        if bracket is None:
            return len(raw), left
        position, left = bracket.end(), left - 1
        depth += 1 if bracket[1] in (b"{", b"[") else -1
    return position, left


def _names_pattern(of_users: Iterable[str]) -> re.Pattern[bytes]:
    # The first condition costs least and is met by few strings; the second keeps out a name that ends like one of ours.
    groups = (("ids", _IDS), ("kind", _IDS_OF_SOME_KIND), ("sealed", _SEALED), ("users", of_users))
    names = "|".join(f"(?P<{group}>{'|'.join(names)})" for group, names in groups)
    return re.compile(rf'"(?=[a-z_]++"\s*+:)(?<!\\")(?:{names})"\s*+:\s*+'.encode())


_ID_MEMBERS = IdMembers(names=_names_pattern(_OF_USERS))
_EVAL_MEMBERS = IdMembers(names=_names_pattern(_OF_USERS_IN_EVALS))


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
    for name, value in zip(fields, route.parameters, strict=True):
        bare, resource = tags.split(value, name)
        if resource is None and not values and name:
            resource = _FIRST
        if resource is not None:
            claims.append(Claim(field=name, id=value, resource=resource))
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
    for name, start, end in members_of(operation).places(raw):
        written = raw[start:end].decode()
        bare, resource = tags.split(written, name)
        claims_one = resource is not None or claims_untagged(name, written)
        if claims_one and (resource or _FIRST) not in claims:
            claims[resource or _FIRST] = Claim(field=name, id=written, resource=resource or _FIRST)
        if bare != written:
            pieces.append(view[kept : start + len(bare)])
            kept = end
    return (b"".join((*pieces, view[kept:])) if pieces else raw), tuple(claims.values())


def bare_fields(tags: Tags, operation: Operation, fields: Mapping[str, str]) -> tuple[dict[str, str], Claims]:
    """Return those parts of a form that hold ids, without tags."""
    bare: dict[str, str] = {}
    claims: list[Claim] = []
    for name in FORM_PARTS.get(operation.name, ()):
        if written := fields.get(name):
            bare[name], resource = tags.split(written, name)
            claims.append(Claim(field=name, id=written, resource=resource or _FIRST))
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


_MARK_BYTES = MARK.encode()


def brings_ids(operation: Operation, document: JsonBody | None) -> bool:
    """Tell whether an answer may have ids that a client comes back with; a chat has only if it is stored."""
    if operation.stored or operation.path.startswith("/responses"):
        return not operation.download
    return operation.stream is StreamFormat.CHAT and document is not None and document.member("store") == b"true"


def tag_answer(tags: Tags, operation: Operation, data: bytes, resource: int) -> bytes:
    """Return a JSON answer, or whole events of a stream, with its ids tagged and every other byte as it came."""
    tag, members = tags.tag(resource).encode(), members_of(operation)
    if not tag or members.names.search(data) is None:  # most events of a chat
        return data
    pieces: list[bytes] = []
    kept = 0
    for _, start, end in members.places(data):
        if _MARK_BYTES not in data[start:end]:
            pieces += (data[kept:end], tag)
            kept = end
    return b"".join((*pieces, data[kept:])) if pieces else data


_EMPTY_LIST = re.compile(rb"(?:\[\s*\]|null)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list: the resource that is asked, the query for it, and how many resources come behind it.

    A page `before` an id has none behind: it goes backwards, and only in the resource of that id.
    """

    resource: int
    query: str
    behind: int

    def turn(self, body: bytes) -> "bytes | Page":
        """Return the body for the client, or the page to ask for instead of an empty one.

        The body says that there is more while resources come behind: what is left of this one, or theirs. Raises
        `UpstreamError` when Azure's answer is not a JSON object.
        """
        if not self.behind:
            return body
        try:
            return json_members.rewrite(body, _with_more) or self._next()
        except json_members.UNREADABLE:
            raise UpstreamError("Azure OpenAI's answer is not the JSON it should be.") from None

    def _next(self) -> "Page":
        pairs = (pair for pair in self.query.split("&") if _parameter_name(pair) != "after")
        return Page(resource=self.resource + 1, query="&".join(pairs), behind=self.behind - 1)


def spans_resources(operation: Operation) -> bool:
    """Tell whether an operation lists what a resource keeps, and not what belongs to one kept object."""
    return operation.method == "GET" and operation.stored and "{" not in operation.path


def open_page(tags: Tags, operation: Operation, query: str) -> Page:
    """Return the page that a query asks for.

    Raises `InvalidRequest` for ids of two resources, or of none.
    """
    bare, claims = bare_query(tags, operation, query)
    resource = claimed(claims) or 0
    backwards = any(_parameter_name(pair) == "before" for pair in bare.split("&"))
    return Page(resource=resource, query=bare, behind=0 if backwards else len(tags.names) - 1 - resource)


def _with_more(body: bytes) -> bytes:
    """Return a list that says there is more, nothing for an empty one; Azure may leave `has_more` out."""
    members = json_members.DECODE(body)
    if _EMPTY_LIST.fullmatch(bytes(members.get("data", b""))):
        return b""
    if bytes(members.get("has_more", b"")) == b"true":
        return body
    return json_members.ENCODE({**members, "has_more": msgspec.Raw(b"true")})


def _parameter_name(pair: str) -> str:
    return unquote(pair.partition("=")[0])
