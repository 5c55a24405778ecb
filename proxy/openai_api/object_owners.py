"""Owners of objects: the id of an object that Azure keeps says which client it was made for.

What is signed is the name of the client, the resource and Azure's own id. The signature is in the tag at the end of the
id, as in `file-68ab12…-2k3FhPzr0Yc1ZtQ3aB9x_`, next to the resource that `object_ids` speaks of:

    -        separator
    2        version of the layout
    k3F      the resource, as in the tags without an owner
    …        MAC: BLAKE2b, keyed

An id has 16 characters of MAC, 96 bits. The ids of items have 54 characters at Azure and some clients cut them behind
the 64th: these have 5 characters, 30 bits. An id has one right form, so that nobody chooses the shorter one. Every
guess is a request, and at 100 a second the 30 bits take two months on average; a guess needs Azure's id of the other
client's item as well, which is random itself.

Sealed content, which stands where ids of items do, is data that the client has, not an object: it has the tag of its
resource alone.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from hmac import compare_digest
from typing import ClassVar, Protocol

import msgspec

from proxy.errors import UnknownId
from proxy.openai_api.claims import shown

SEPARATOR, VERSION = "-", "2"
START = len(SEPARATOR) + len(VERSION) + 3
LONG, SHORT = START + 16, START + 5
LONGEST_OF_ITEMS = 64
# Whatever is longer is sealed content.
LONGEST_ID = 256
# Ids that nobody cuts, although Azure's are as long as those of items.
_NEVER_CUT = (b"resp_", b"conv_", b"cntr_")
# What Azure's ids look like, at the places where clients may make up their own.
_OF_AZURE = re.compile(rb"[a-z]+[_-][0-9A-Za-z]{20,}")
# Ids of translated answers: Azure has none of these, and the translation says so itself.
_NOT_STORED = re.compile(rb"[a-z]+_notstored_[0-9a-f]{32}")
# The member of an object's metadata that names its owner, and the 132 bits that do.
MARK = "proxy_owner"
_MARK_LENGTH = 22
_OWNER_MEMBER = re.compile(
    rb'(,\s*+)?"%b"\s*+:\s*+"[A-Za-z0-9_-]{%d}"(\s*+,\s*+)?' % (MARK.encode(), _MARK_LENGTH),
)

_METADATA = msgspec.json.Decoder(dict[str, msgspec.Raw] | None).decode


class SigningKey:
    """A secret that signs ids; it is shown nowhere."""

    __slots__ = ("_key",)

    def __init__(self, secret: str) -> None:
        self._key = blake2b(secret.encode(), person=b"id-signing-key").digest()

    def sign(self, purpose: bytes, client: str, signed: bytes) -> bytes:
        """Return a MAC of 24 characters for a client and what is signed for it."""
        name = client.encode()
        message = b"%d:%b%b" % (len(name), name, signed)
        digest = blake2b(message, key=self._key, person=purpose, digest_size=18).digest()
        return urlsafe_b64encode(digest)


@dataclass(frozen=True, slots=True)
class Owner:
    """A client and the keys that sign for it: the first signs, and what any has signed is valid.

    `marks` are what the metadata of its objects may have.
    """

    client: str
    keys: Sequence[SigningKey]
    marks: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        marks = (key.sign(b"mark", self.client, b"")[:_MARK_LENGTH].decode() for key in self.keys)
        object.__setattr__(self, "marks", tuple(marks))

    def tag(self, identifier: bytes, prefix: bytes) -> bytes:
        """Return the tag of an id, whose resource has a prefix."""
        return _signed(self.keys[0], self.client, identifier, prefix)

    def owns(self, identifier: bytes, tag: bytes) -> bool:
        """Tell whether a tag is the client's for an id."""
        return any(compare_digest(_signed(key, self.client, identifier, tag[:START]), tag) for key in self.keys)


def _signed(key: SigningKey, client: str, identifier: bytes, prefix: bytes) -> bytes:
    return prefix + key.sign(b"id", client, prefix + identifier)[: tag_length(identifier) - START]


def tag_length(identifier: bytes) -> int:
    """Return how long the tag of an id with an owner is."""
    fits = len(identifier) + LONG <= LONGEST_OF_ITEMS
    return LONG if fits or identifier.startswith(_NEVER_CUT) else SHORT


def owner_prefix(prefix: bytes) -> bytes:
    """Return how the tags with an owner begin, for a resource whose other tags begin with a prefix."""
    return f"{SEPARATOR}{VERSION}".encode() + prefix[-3:]


def split_owner(written: bytes, prefixes: Sequence[bytes]) -> tuple[bytes, bytes, int] | None:
    """Return an id without the tag of an owner, the tag and its resource; None for an id without such a tag.

    `prefixes` are those of the resources. Whose tag it is does not matter here.
    """
    for length in (SHORT, LONG):
        prefix, bare = written[-length:][:START], written[:-length]
        if prefix in prefixes and bare and tag_length(bare) == length:
            return bare, written[-length:], prefixes.index(prefix)
    return None


class UnsignedTags(Protocol):
    """The tags of resources, without owners."""

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the resources."""
        ...

    @property
    def owner_prefixes(self) -> tuple[bytes, ...]:
        """Return how the tags with an owner begin, for each resource."""
        ...

    def tag(self, identifier: bytes, resource: int) -> bytes:
        """Return the tag for an id of a resource."""
        ...

    def split(self, written: bytes, field: str) -> tuple[bytes, int | None]:
        """Return an id without its tag and the resource of the tag, None for an id without one."""
        ...


@dataclass(frozen=True, slots=True)
class OwnedTags:
    """The tags of one client.

    With `strict`, objects from before, whose ids no client owns, belong to nobody; else to everybody.
    """

    alone: ClassVar[bool] = False

    tags: UnsignedTags
    owner: Owner
    strict: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the resources."""
        return self.tags.names

    def tag(self, identifier: bytes, resource: int) -> bytes:
        """Return the tag for an id of a resource."""
        if len(identifier) > LONGEST_ID:
            return self.tags.tag(identifier, resource)
        return self.owner.tag(identifier, self.tags.owner_prefixes[resource])

    def may_be_in(self, raw: bytes) -> bool:
        """Tell whether some bytes may have an id."""
        return bool(raw)

    def split(self, written: bytes, field: str) -> tuple[bytes, int | None]:
        """Return an id without its tag and the resource of the tag.

        The resource is None for an id without a tag, and where objects without an owner belong to nobody, for one
        whose tag names no owner. Raises `UnknownId` for an id of another client.
        """
        if len(written) > LONGEST_ID:
            return self.tags.split(written, field)
        if (found := split_owner(written, self.tags.owner_prefixes)) is not None:
            bare, tag, resource = found
            if not self.owner.owns(bare, tag):
                raise unknown_object(written, field)
            return bare, resource
        return (written, None) if self.strict else self.tags.split(written, field)


def refuse_unowned(written: bytes, field: str, *, may_be_own: bool = False) -> None:
    """Raise `UnknownId` for an id without an owner, unless it names nothing that Azure keeps.

    Where ids may be a client's own, those are refused that look like Azure's.
    """
    if may_be_own:
        names_object = _OF_AZURE.match(written) is not None
    else:
        names_object = bool(written) and _NOT_STORED.fullmatch(written) is None
    if names_object:
        raise unknown_object(written, field)


def unknown_object(written: bytes, field: str) -> UnknownId:
    """Return the error for an object that is not there, or is another client's: nobody learns which."""
    identifier = shown(written.decode("utf-8", "replace"))
    return UnknownId(f"No such object: {identifier}.", param=field)


def with_mark(metadata: bytes, owner: Owner) -> bytes | None:
    """Return the metadata of an object with its owner, None for what is no metadata."""
    try:
        members = _METADATA(metadata) or {}
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return msgspec.json.encode({**members, MARK: owner.marks[0]})


def without_mark(data: bytes) -> bytes:
    """Return JSON without the owners in the metadata of objects."""
    if MARK.encode() not in data:
        return data
    # One comma of two stays. In a string the quotes would have backslashes before them.
    return _OWNER_MEMBER.sub(lambda found: b"," if found[1] and found[2] else b"", data)
