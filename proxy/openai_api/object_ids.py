"""Affinity tags: with several resources, the id of an object that Azure keeps names the resource that keeps it.

The tag of a resource follows a `~` at the end of the id, as in `resp_68ab12~k3fq`. No id of Azure's contains a `~`, and
a URL does not encode it. https://www.rfc-editor.org/rfc/rfc3986#section-2.3

A request is stripped of its tags, and each id becomes a `Claim`: all claims of a request must be on one resource. A
bare id, one without a tag, belongs to the first resource, because it is from the time before there was a second one.
Answers get the tag of their resource. Lists go through the resources in their order, one resource a page; a client
continues with `after`, the last id that it has seen. https://platform.openai.com/docs/api-reference/files/list

Ids in JSON are found by the names of their members, in the bytes, without building anything. A quote inside a JSON
string is always escaped, so `"file_id":` with bare quotes is always the name of a member. The names and kinds of ids
are those of https://github.com/openai/openai-openapi.
"""

import re
from base64 import b32encode
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    """The tags of the resources, in their order; with a single resource ids have no tags.

    Raises `ValueError` if two names have the same tag.
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
        """Return the tag for ids of a resource, empty if it is the only one."""
        return "" if self.alone else self._tags[resource]

    def split(self, tagged: str, field: str) -> tuple[str, int | None]:
        """Return an id without its tag and the resource of the tag, None for an id without one.

        Raises `UnknownId` for a tag that no resource has. With a single resource such an id counts as one of Azure's.
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
    """Return the tag of a resource, which depends only on its name: `~` and four letters or digits."""
    digest = blake2b(name.lower().encode(), digest_size=5).digest()
    return MARK + b32encode(digest).decode().lower()[:4]


def shown(identifier: str) -> str:
    """Return an id as it is shown in a message."""
    return identifier if len(identifier) <= _MAX_SHOWN else f"{identifier[:_MAX_SHOWN]}..."


# Each member, and each bracket of a value that is skipped, takes about 0.5 us while other requests wait; the longest
# conversations have a few thousand ids. What comes after this number is left as it is.
MAX_LOOKUPS = 200_000

# Members that are always an id of a stored object, or a list of such ids.
_IDS = (
    *("assistant_id", "comparison_response_id", "container_id", "error_file_id", "eval_id", "file_id", "file_ids"),
    *("fine_tuning_job_id", "input_file_id", "output_file_id", "previous_response_id", "remixed_from_video_id"),
    *("result_files", "thread_id", "training_file", "upload_id", "validation_file", "vector_store_id"),
    "vector_store_ids",
)
# Members that may also be other ids, such as those of tool calls: only ids with one of the prefixes below count.
_IDS_OF_SOME_KIND = (
    *("approval_request_id", "container", "conversation", "first_id", "id", "item_id", "last_id", "message_id"),
)
# Reasoning that the client keeps, which only the resource that wrote it can read.
_SEALED = ("encrypted_content",)
# Prefixes of ids of stored objects. An object that is found through another one, as a message through its thread or a
# run through its eval, needs no tag: the path has both ids. Azure's files may begin with `assistant-`, and tool calls
# of some models with `chatcmpl-tool-`.
_OBJECT_PREFIXES = (
    *("assistant", "asst", "batch", "cfile", "char", "chatcmpl(?!-tool-)", "cntr", "container", "conv", "eval", "file"),
    *("ft", "ftjob", "resp", "thread", "upload", "video", "vs"),
)
# Prefixes of items of a response. Clients make up such ids as well, so one without a tag belongs to no resource.
_ITEMS = (
    *("apc", "apco", "ci", "cmp", "ctc", "ctco", "cu", "cuo", "fc", "fco", "fs", "ig", "lsh", "lsho", "mcp", "mcpa"),
    *("mcpl", "mcpr", "msg", "rs", "sh", "sho", "ws"),
)
# Objects whose members are named by clients and models: they are neither read nor changed.
_OF_USERS = (
    *("arguments", "attributes", "datasource_item", "env", "headers", "input_schema", "item_schema", "metadata"),
    *("output_schema", "parameters", "schema"),
)
# In an eval, `item` and `sample` are data of the client; elsewhere an `item` is an item of a response.
_OF_USERS_IN_EVALS = (*_OF_USERS, "item", "sample")
_EVALS = ("/evals", "/fine_tuning/alpha/graders")

_TAGGED = rb"[\w.-]*+(?:~\w*+)?+"
_ID = re.compile(rb'"([A-Za-z0-9]' + _TAGGED + rb')"')
_ID_OF_SOME_KIND = re.compile(
    rb'"((?:' + "|".join((*_OBJECT_PREFIXES, *_ITEMS)).encode() + rb")[-_]" + _TAGGED + rb')"'
)
# Base64 in either alphabet; some JSON encoders escape its `/`, `+` or `=`.
_SEAL = re.compile(rb'"((?:[\w+/=.-]++|\\/|\\u00(?:2[BDFbdf]|3[Dd]|5[Ff]))++(?:~\w*+)?+)"')
_ONE = {"ids": _ID, "kind": _ID_OF_SOME_KIND, "sealed": _SEAL}
_ITEM = re.compile(rf"(?:{'|'.join(_ITEMS)})[-_]")
_LIST = re.compile(rb'\[(?:\s*+"[^"\\]*+"\s*+,?+)*+\s*+\]')
_TO_BRACKET = re.compile(rb'[^"{}\[\]]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"{}\[\]]*+)*+([{}\[\]])', re.DOTALL)

Place = tuple[str, int, int]
"""The name of a member, and where an id in it starts and ends, without quotes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdMembers:
    """Finds the ids in JSON, or in whole events of a stream; `names` matches the members that may have them."""

    names: re.Pattern[bytes]

    def places(self, raw: bytes) -> Iterator[Place]:
        """Yield the ids in their order."""
        position, left = 0, MAX_LOOKUPS
        while left > 0 and (name := self.names.search(raw, position)):
            group, position, left = name.lastgroup or "", name.end(), left - 1
            if group == "users":
                position, left = _skip(raw, position, left)
                continue
            for start, end in islice(_ids(raw, position, group), left):
                yield name[group].decode(), start, end
                position, left = end, left - 1


def claims_untagged(field: str, identifier: str) -> bool:
    """Tell whether an id without a tag belongs to the first resource; those of items belong to none."""
    return field not in _SEALED and _ITEM.match(identifier) is None


def members_of(operation: Operation) -> IdMembers:
    """Return the finder of ids in the JSON of an operation."""
    return _EVAL_MEMBERS if operation.path.startswith(_EVALS) else _ID_MEMBERS


def _ids(raw: bytes, start: int, group: str) -> Iterable[tuple[int, int]]:
    one = _ONE[group].match(raw, start)
    if one is not None:
        return (one.span(1),)
    several = _LIST.match(raw, start) if group == "ids" else None
    return () if several is None else (each.span(1) for each in _ID.finditer(raw, *several.span()))


def _skip(raw: bytes, start: int, left: int) -> tuple[int, int]:
    """Return where an object or a list ends, the start for anything else, and how many lookups are left."""
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
    # The first condition is the cheapest and few strings meet it; the second excludes escaped quotes.
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
    """An id that belongs to a resource, the field that has it, and the id as the client wrote it."""

    field: str
    id: str
    resource: int


Claims = tuple[Claim, ...]


def claimed(claims: Iterable[Claim]) -> int | None:
    """Return the resource of all claims, None without claims; raise `InvalidRequest` if they differ."""
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
    """Return a route without tags, and its claims.

    After the first id of a path, one without a tag claims nothing, because it is found through the first.
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
    return msgspec.structs.replace(route, parameters=tuple(values)), tuple(claims)


def bare_query(tags: Tags, operation: Operation, query: str) -> tuple[str, Claims]:
    """Return a query without tags, and its claims; with an id in the path, one without a tag claims nothing."""
    untagged = None if "{" in operation.path else _FIRST
    claims: list[Claim] = []
    pairs = [_bare_pair(tags, pair, untagged, claims) for pair in query.split("&")]
    return "&".join(pairs), tuple(claims)


def bare_body(tags: Tags, operation: Operation, raw: bytes) -> tuple[bytes, Claims]:
    """Return a JSON body without tags, and one claim for each resource in it."""
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
    """Return the parts of a form that have ids, without tags, and their claims."""
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
    """Tell whether an answer may have ids that a client sends back; a chat completion only if it is stored."""
    if operation.stored or operation.path.startswith("/responses"):
        return not operation.download
    return operation.stream is StreamFormat.CHAT and document is not None and document.member("store") == b"true"


def tag_answer(tags: Tags, operation: Operation, data: bytes, resource: int) -> bytes:
    """Return a JSON answer, or whole events of a stream, with its ids tagged."""
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
    """One page of a list: the resource to call, the query for it, and how many resources come after it.

    A page `before` an id goes backwards, within the resource of that id, so no resource comes after it.
    """

    resource: int
    query: str
    behind: int

    def turn(self, body: bytes) -> "bytes | Page":
        """Return the body for the client, or the page to fetch instead of an empty one.

        As long as resources come after this one, the body says that there is more. Raises `UpstreamError` if Azure's
        answer is not a JSON object.
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
    """Tell whether an operation lists all objects of a resource, not those that belong to one object."""
    return operation.method == "GET" and operation.stored and "{" not in operation.path


def open_page(tags: Tags, operation: Operation, query: str) -> Page:
    """Return the page that a query asks for; raise `InvalidRequest` for ids of two resources."""
    bare, claims = bare_query(tags, operation, query)
    resource = claimed(claims) or 0
    backwards = any(_parameter_name(pair) == "before" for pair in bare.split("&"))
    return Page(resource=resource, query=bare, behind=0 if backwards else len(tags.names) - 1 - resource)


def _with_more(body: bytes) -> bytes:
    """Return a list that says there is more, nothing for an empty list; Azure may leave out `has_more`."""
    members = json_members.DECODE(body)
    if _EMPTY_LIST.fullmatch(bytes(members.get("data", b""))):
        return b""
    if bytes(members.get("has_more", b"")) == b"true":
        return body
    return json_members.ENCODE({**members, "has_more": msgspec.Raw(b"true")})


def _parameter_name(pair: str) -> str:
    return unquote(pair.partition("=")[0])
