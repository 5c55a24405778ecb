"""Affinity tags: with several resources, the id of an object that Azure keeps names the resource that keeps it.

The tag of a resource is the last ten characters of the id, as in `resp_68ab12-1k3Ffh2Q_a`. Clients rewrite all but
letters, digits, `-` and `_`, and some cut the id of an item, which has 54 characters at Azure, behind the 64th.

    -        separator
    1        version of the layout
    k3F      the resource: 18 bits of the BLAKE2b digest of its name in lower case
    fh2Q_    checksum: 30 bits of the CRC-32 of everything before it, the id of Azure included

Where objects have owners, ids have the tags of `object_owners` instead; without owners those are read without a check.
An id that Azure or a client has made has a checksum that fits by accident once in a billion, if it looks like this at
all. The tags of before, `~` and four letters or digits, are read as well, but are no longer written.

A request is stripped of its tags, and each id becomes a `Claim`. A bare id, one without a tag, belongs to the first
resource, because it is from the time before there was a second one. Answers get the tag of their resource. Lists go
through the resources in their order, one resource a page; a client continues with `after`, the last id that it has
seen. https://platform.openai.com/docs/api-reference/files/list

Ids in JSON are found by their places, which `id_places` lists for each operation.
"""

import re
from base64 import b32encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import ClassVar, Protocol
from urllib.parse import quote, unquote
from zlib import crc32

import msgspec
from msgspec import structs

from proxy.errors import UnknownId, UpstreamError
from proxy.openai_api import json_members
from proxy.openai_api.claims import Claim, Claims, claimed, claims_of_items, shown
from proxy.openai_api.id_places import (
    ID_OF_FLAT_EVENTS,
    IdPlace,
    answer_places,
    event_places,
    form_parts,
    request_places,
)
from proxy.openai_api.json_body import JsonBody
from proxy.openai_api.json_walk import Places, walk
from proxy.openai_api.object_owners import owner_prefix, refuse_unowned, split_owner
from proxy.openai_api.operations import Operation, StreamFormat
from proxy.openai_api.router import Route

SEPARATOR, VERSION = "-", "1"
LENGTH = 10
_CHECKSUM = 5
_OLD_LENGTH = 5
_OLD_MARK = b"~"
_OLD = re.compile(rb"[\w.+/=-]++~[a-z2-7]{4}")


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of the resources, in their order; with a single resource ids have no tags.

    Raises `ValueError` if two names have the same tag.
    """

    strict: ClassVar[bool] = False
    """Whether ids without an owner are refused."""

    names: tuple[str, ...]
    alone: bool = field(init=False, repr=False)
    """Whether there is one resource only."""
    owner_prefixes: tuple[bytes, ...] = field(init=False, repr=False)
    """How the tags with an owner begin, for each resource."""
    _prefixes: tuple[bytes, ...] = field(init=False, repr=False)
    _olds: tuple[bytes, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        prefixes, olds = tuple(map(prefix_of, self.names)), tuple(map(old_tag_of, self.names))
        object.__setattr__(self, "owner_prefixes", tuple(map(owner_prefix, prefixes)))
        object.__setattr__(self, "_prefixes", prefixes)
        object.__setattr__(self, "_olds", olds)
        object.__setattr__(self, "alone", len(prefixes) == 1)
        if len(set(prefixes)) < len(prefixes) or len(set(olds)) < len(olds):
            raise ValueError(f"Two of the resources {', '.join(self.names)} have the same tag; rename one.")

    def tag(self, identifier: bytes, resource: int) -> bytes:
        """Return the tag for an id of a resource, empty if it is the only one."""
        return b"" if self.alone else _tag(identifier, self._prefixes[resource])

    def may_be_in(self, raw: bytes) -> bool:
        """Tell whether some bytes may have a tag, or an id that belongs to one of several resources."""
        return not self.alone or self._prefixes[0] in raw or self._olds[0] in raw or self.owner_prefixes[0] in raw

    def split(self, written: bytes, field: str) -> tuple[bytes, int | None]:
        """Return an id without its tag and the resource of the tag, None for an id without one.

        Raises `UnknownId` for a tag that no resource has. With a single resource such an id counts as one of Azure's.
        """
        if _has_tag(written):
            bare, tag, known = written[:-LENGTH], written[-LENGTH:-_CHECKSUM], self._prefixes
        elif written[-_OLD_LENGTH:-4] == _OLD_MARK and _OLD.fullmatch(written):
            bare, tag, known = written[:-_OLD_LENGTH], written[-_OLD_LENGTH:], self._olds
        elif (owned := split_owner(written, self.owner_prefixes)) is not None:
            return owned[0], owned[2]
        else:
            return written, None
        if tag in known:
            return bare, known.index(tag)
        if self.alone:
            return written, None
        identifier = shown(_text(written))
        message = f"No such object: {identifier} is at an Azure OpenAI resource that this proxy does not have."
        raise UnknownId(message, param=field)


class ObjectTags(Protocol):
    """The tags of ids: those of resources alone, or those of one client as well."""

    @property
    def strict(self) -> bool:
        """Tell whether ids without an owner are refused."""
        ...

    @property
    def alone(self) -> bool:
        """Tell whether ids have no tags."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the resources."""
        ...

    def tag(self, identifier: bytes, resource: int) -> bytes:
        """Return the tag for an id of a resource."""
        ...

    def may_be_in(self, raw: bytes) -> bool:
        """Tell whether some bytes may have an id with a tag."""
        ...

    def split(self, written: bytes, field: str) -> tuple[bytes, int | None]:
        """Return an id without its tag and the resource of the tag, None for an id without one."""
        ...


def split_text(tags: ObjectTags, written: str, field: str) -> tuple[str, int | None]:
    """Return an id in a path, a query or a form without its tag, and the resource of the tag."""
    bare, resource = tags.split(_bytes(written), field)
    return (written, None) if resource is None else (_text(bare), resource)


def prefix_of(name: str) -> bytes:
    """Return how each tag of a resource begins, which depends only on its name."""
    digest = urlsafe_b64encode(blake2b(name.lower().encode(), digest_size=3).digest())
    return f"{SEPARATOR}{VERSION}".encode() + digest[:3]


def old_tag_of(name: str) -> bytes:
    """Return the tag that ids of a resource had before; it is read for ever."""
    digest = blake2b(name.lower().encode(), digest_size=5).digest()
    return _OLD_MARK + b32encode(digest).lower()[:4]


def _tag(identifier: bytes, prefix: bytes) -> bytes:
    return prefix + urlsafe_b64encode(crc32(prefix, crc32(identifier)).to_bytes(4, "big"))[:_CHECKSUM]


_START_OF_TAG = f"{SEPARATOR}{VERSION}".encode()


def _has_tag(written: bytes) -> bool:
    # The comparison of two bytes spares nearly all ids the rest.
    if written[-LENGTH:-8] != _START_OF_TAG or len(written) <= LENGTH:
        return False
    return written[-LENGTH:] == _tag(written[:-LENGTH], written[-LENGTH:-_CHECKSUM])


def _text(identifier: bytes) -> str:
    return identifier.decode("utf-8", "surrogatepass")


def _bytes(identifier: str) -> bytes:
    return identifier.encode("utf-8", "surrogatepass")


_FIRST = 0
_PARAMETER = re.compile(r"{(\w*)}")
_CURSORS = frozenset({"after", "before"})
_IN_QUERIES = _CURSORS | {"run_id"}
# What an id of an object looks like; anything else without a tag is left for Azure to refuse.
_PLAIN = re.compile(rb"[A-Za-z0-9][\w.-]*+")


# Parameters whose ids no answer tags, as they are found through the first id of the path.
_UNTAGGED = re.compile(r"/evals/{eval_id}/(?:{?\w+}?/?)+|.*/file_batches/{batch_id}.*")


def is_signed(operation: Operation, parameter: str) -> bool:
    """Tell whether the ids of a path's parameter have owners."""
    fields = _PARAMETER.findall(operation.path)
    return parameter == fields[0] or _UNTAGGED.fullmatch(operation.path) is None


def _is_plain(identifier: str) -> bool:
    return _PLAIN.fullmatch(_bytes(identifier)) is not None


def bare_route(tags: ObjectTags, route: Route) -> tuple[Route, Claims]:
    """Return a route without tags, and its claims.

    After the first id of a path, one without a tag claims nothing, because it is found through the first.
    """
    if not route.parameters:
        return route, ()
    fields = _PARAMETER.findall(route.operation.path)
    claims: list[Claim] = []
    values: list[str] = []
    for name, value in zip(fields, route.parameters, strict=True):
        bare, resource = split_text(tags, value, name)
        if resource is None and tags.strict and (is_signed(route.operation, name) or not _is_plain(value)):
            refuse_unowned(_bytes(value), name)
        if resource is None and not values and name:
            resource = _FIRST
        if resource is not None:
            claims.append(Claim(field=name, id=value, resource=resource))
        values.append(bare)
    return structs.replace(route, parameters=tuple(values)), tuple(claims)


def bare_query(tags: ObjectTags, operation: Operation, query: str) -> tuple[str, Claims]:
    """Return a query without tags, and its claims; with an id in the path, one without a tag claims nothing."""
    if not query:
        return query, ()
    untagged = None if "{" in operation.path else _FIRST
    claims: list[Claim] = []
    pairs = [_bare_pair(tags, pair, untagged, claims) for pair in query.split("&")]
    return "&".join(pairs), tuple(claims)


def bare_body(tags: ObjectTags, operation: Operation, raw: bytes) -> tuple[bytes, Claims]:
    """Return a JSON body without tags, and one claim for each resource in it; the items that are whole have one."""
    places = request_places(operation)
    if places is None or not tags.may_be_in(raw):
        return raw, ()
    claims: dict[int, Claim] = {}
    items: list[Claim] = []
    pieces: list[bytes | memoryview] = []
    view, kept = memoryview(raw), 0
    for place, start, end in walk(raw, places):
        written = _content(raw, start, end)
        bare, resource = tags.split(written, place.field)
        if resource is None and (resource := _untagged(tags, place, written)) is None:
            continue
        if place.is_of_item:
            items.append(Claim(field=place.field, id=_text(written), resource=resource))
        elif resource not in claims:
            claims[resource] = Claim(field=place.field, id=_text(written), resource=resource)
        if bare is not written:
            pieces += (view[kept:start], _cut(raw, start, end, written, bare))
            kept = end
    bare_raw = b"".join((*pieces, view[kept:])) if pieces else raw
    return bare_raw, (*claims.values(), *claims_of_items(raw, claims, items))


def _untagged(tags: ObjectTags, place: IdPlace, written: bytes) -> int | None:
    """Return the resource of an id without a tag, None for what is left for Azure to refuse or to ignore."""
    if tags.strict:
        refuse_unowned(written, place.field, may_be_own=place.may_be_own)
    return None if place.may_be_own or _PLAIN.fullmatch(written) is None else _FIRST


def bare_fields(tags: ObjectTags, operation: Operation, fields: Mapping[str, str]) -> tuple[dict[str, str], Claims]:
    """Return the parts of a form that have ids, without tags, and their claims."""
    bare: dict[str, str] = {}
    claims: list[Claim] = []
    for name in form_parts(operation):
        if written := fields.get(name):
            bare[name], resource = split_text(tags, written, name)
            if resource is None and tags.strict:
                refuse_unowned(_bytes(written), name)
            claims.append(Claim(field=name, id=written, resource=resource or _FIRST))
    return bare, tuple(claims)


def _bare_pair(tags: ObjectTags, pair: str, untagged: int | None, claims: list[Claim]) -> str:
    name, _, value = pair.partition("=")
    field, written = unquote(name), unquote(value)
    if not written or field not in _IN_QUERIES:
        return pair
    bare, resource = split_text(tags, written, field)
    if resource is None and untagged is not None and tags.strict:
        refuse_unowned(_bytes(written), field)
    if resource is None and field in _CURSORS:
        resource = untagged
    if resource is not None:
        claims.append(Claim(field=field, id=written, resource=resource))
    return pair if bare == written else f"{name}={quote(bare, safe='')}"


_TEXT = msgspec.json.Decoder(str).decode


def _content(raw: bytes, start: int, end: int) -> bytes:
    """Return what a string in JSON says; some clients escape the `/` of sealed content."""
    inside = raw[start + 1 : end - 1]
    if b"\\" not in inside:
        return inside
    try:
        return _TEXT(raw[start:end]).encode()
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return inside


def _cut(raw: bytes, start: int, end: int, written: bytes, bare: bytes) -> bytes:
    """Return a string of JSON without the tag at its end; every other byte stays unless the tag has escapes."""
    tag = written[len(bare) :]
    if raw.endswith(tag, start, end - 1):
        return raw[start : end - 1 - len(tag)] + b'"'
    return msgspec.json.encode(bare.decode())


def brings_ids(operation: Operation, document: JsonBody | None) -> bool:
    """Tell whether an answer may have ids that a client sends back.

    A chat completion has them only if it is stored, or for audio, which the next request names instead of repeating it.
    """
    if operation.name != "createChatCompletion":
        return answer_places(operation) is not None
    return document is not None and (document.member("store") == b"true" or document.member("audio") is not None)


def tag_answer(tags: ObjectTags, operation: Operation, data: bytes, resource: int) -> bytes:
    """Return a JSON answer with its ids tagged."""
    places = None if tags.alone else answer_places(operation)
    if places is None:
        return data
    return b"".join(_tagged(data, 0, len(data), places, lambda identifier: tags.tag(identifier, resource)))


def tag_location(tags: ObjectTags, location: str, resource: int) -> str:
    """Return the address of an object, whose id is its last part, with its tag."""
    return location + tags.tag(location.rpartition("/")[2].encode(), resource).decode()


_SHORT = rb'"[^"\\]{0,256}+(?:\\.[^"\\]{0,256}+){0,64}+"'
_FLAT_MEMBER = rb'"(?!%b")[^"\\]{0,64}+": ?+(?:%b|[^\s,:"{}\[\]]++|\[\])' % (ID_OF_FLAT_EVENTS.encode(), _SHORT)
_FLAT_EVENT = re.compile(
    rb'(?:event: [^\n]*+\n)?+data: \{(?:%b, ?+)*+"%b": ?+"([^"\\]++)"(?:, ?+%b)*+\}\n\n'
    % (_FLAT_MEMBER, ID_OF_FLAT_EVENTS.encode(), _FLAT_MEMBER),
    re.DOTALL,
)
_DATA = b"data: "


class EventTags:
    """Tags the ids in the events of one stream."""

    __slots__ = ("_last", "_last_tag", "_match", "_places", "_resource", "_tags")

    def __init__(self, tags: ObjectTags, operation: Operation, resource: int) -> None:
        self._tags, self._resource = tags, resource
        self._places = event_places(operation)
        is_response = operation.stream is StreamFormat.RESPONSE
        self._match = _FLAT_EVENT.match if is_response else None
        # Event after event is about the same object.
        self._last = self._last_tag = b""

    def tag(self, data: bytes) -> bytes:
        """Return whole events with their ids tagged."""
        places, match, position, kept = self._places, self._match, 0, 0
        if places is None:
            return data
        pieces: list[bytes] = []
        while position < len(data):
            if match is not None and (flat := match(data, position)) is not None:
                pieces += (data[kept : flat.end(1)], self._tag(flat[1]))
                kept, position = flat.end(1), flat.end()
                continue
            end = data.find(b"\n\n", position) + 2
            end = end if end >= 2 else len(data)
            pieces.append(data[kept:position])
            pieces += _tagged(data, position, end, places, self._tag)
            kept = position = end
        return b"".join((*pieces, data[kept:]))

    def _tag(self, identifier: bytes) -> bytes:
        if identifier != self._last:
            self._last, self._last_tag = identifier, self._tags.tag(identifier, self._resource)
        return self._last_tag


def _tagged(data: bytes, start: int, end: int, places: Places[IdPlace], tag: Callable[[bytes], bytes]) -> list[bytes]:
    """Return the pieces of some JSON, or of one event, with tags behind the ids."""
    pieces: list[bytes] = []
    kept = start
    for _, begins, ends in walk(data, places, _json_start(data, start, end)):
        if identifier := _content(data, begins, ends):
            pieces += (data[kept : ends - 1], tag(identifier))
            kept = ends - 1
    pieces.append(data[kept:end])
    return pieces


def _json_start(data: bytes, start: int, end: int) -> int:
    """Return where the JSON of an event begins, the start for JSON that stands alone."""
    if data.startswith(_DATA, start):
        return start + len(_DATA)
    line = data.find(b"\n" + _DATA, start, end) if data.startswith((b"event: ", b":"), start) else -1
    return line + 1 + len(_DATA) if line >= 0 else start


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


def open_page(tags: ObjectTags, operation: Operation, query: str) -> Page:
    """Return the page that a query asks for; raise `InvalidRequest` for ids of two resources."""
    bare, claims = bare_query(tags, operation, query)
    claim = claimed(claims)
    resource = claim.resource if claim is not None else _FIRST
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
