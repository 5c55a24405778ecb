"""The state of a resource: objects by collection, and the bytes of its files.

A collection is named by its path, as `files` or `vector_stores/vs_1/files`; deleting an object deletes what is below
it.
"""

import hashlib
import itertools
import uuid
from collections.abc import Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import TypeVar

from tools.azure_openai_simulator.errors import InvalidError
from tools.azure_openai_simulator.prompt_cache import PromptCache

KEPT_BYTES = 1024 * 1024  # bytes; of larger files only size and digest are kept

Record = dict[str, object]
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """The bytes of a file; `data` is None when only their size and SHA-256 (hexadecimal) were kept."""

    size: int
    sha256: str
    media_type: str = "application/octet-stream"
    data: bytes | None = field(repr=False)

    def trimmed(self) -> "Content":
        """Return the content without its bytes when they are many."""
        if self.size <= KEPT_BYTES:
            return self
        return Content(size=self.size, sha256=self.sha256, media_type=self.media_type, data=None)


def content_of(data: bytes, media_type: str = "application/octet-stream") -> Content:
    """Return bytes as the content of a file."""
    return Content(size=len(data), sha256=hashlib.sha256(data).hexdigest(), media_type=media_type, data=data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """The most tokens that a model reads, and that it writes."""

    window: int
    output: int


class State:
    """The objects of one resource, and the bytes of its files by path; `deployments` is shared with the resource.

    With `most`, which may be set, every call costs as much as it can: each byte of a text is a token, what is not in a
    body fills the window, and an answer is as long as it may be.
    """

    def __init__(self, deployments: Mapping[str, str]) -> None:
        self.deployments = deployments
        self.most: Most | None = None
        self.contents: dict[str, Content] = {}
        self.secrets: set[str] = set()
        self.prompt_cache = PromptCache()
        self._collections: dict[str, dict[str, Record]] = {}
        self._numbers = itertools.count(1)
        self.name = uuid.uuid4().hex[:8]

    def new_id(self, prefix: str) -> str:
        """Return an id that no other resource gives."""
        return f"{prefix}{self.name}{next(self._numbers):016d}"

    def collection(self, path: str) -> dict[str, Record]:
        """Return the objects of a collection by id, oldest first."""
        return self._collections.setdefault(path, {})

    def add(self, path: str, record: Record) -> Record:
        """Keep an object."""
        self.collection(path)[str(record["id"])] = record
        return record

    def extend(self, path: str, records: Iterable[Record]) -> None:
        """Keep some objects."""
        for record in records:
            self.add(path, record)

    def find(self, path: str, identity: str, kind: str) -> Record:
        """Return an object; raise InvalidError when there is none of this id."""
        record = self._collections.get(path, {}).get(identity)
        if record is None:
            raise InvalidError(404, f"No {kind} found with id '{identity}'.")
        return record

    def remove(self, path: str, identity: str) -> None:
        """Delete an object, its bytes and everything below it."""
        self.collection(path).pop(identity, None)
        self.contents.pop(f"{path}/{identity}", None)
        under = f"{path}/{identity}/"
        _drop(self._collections, under)
        _drop(self.contents, under)


def _drop(things: MutableMapping[str, Value], under: str) -> None:
    for name in [name for name in things if name.startswith(under)]:
        del things[name]
