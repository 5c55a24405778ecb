"""The tag of a resource on the ids of its objects: with several resources, an id says by itself where it belongs.

`resp_68ab12~k3fq`: a `~` is in no id of Azure's, and stays as it is in a URL.
https://www.rfc-editor.org/rfc/rfc3986#section-2.3
"""

from base64 import b32encode
from dataclasses import dataclass, field
from hashlib import blake2b

from proxy.errors import UnknownId

MARK = "~"
_MAX_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of the resources, in their order; a resource that is alone leaves ids as they are.

    Raises `ValueError` for two names with one tag.
    """

    names: tuple[str, ...]
    _tags: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tags = tuple(map(tag_of, self.names))
        object.__setattr__(self, "_tags", tags)
        if len(set(tags)) < len(tags):
            raise ValueError(f"Two of the resources {', '.join(self.names)} have the same tag; rename one.")

    @property
    def alone(self) -> bool:
        """Tell whether there is one resource only."""
        return len(self.names) == 1

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
