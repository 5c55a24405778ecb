r"""What an operation is asked, and what it answers: a document, or a stream of steps.

    Ask --> operation --> Document   one JSON body
                      \-> Stream     chunks, which an oddity may turn into any sequence of steps

A step is a chunk to send, a comment to send, a permission to wait for, or a fault of the line.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call of an operation: `model` is the snapshot behind `deployment`, `created` seconds since 1970."""

    deployment: str
    model: str
    serial: int
    created: int
    body: bytes = field(repr=False)


class Mark(Enum):
    """What a chunk is for, so that an oddity finds its place without reading JSON."""

    PROMPT_FILTER = auto()
    OPENING = auto()
    CONTENT = auto()
    FINISH = auto()
    USAGE = auto()
    ANNOTATION = auto()
    ERROR = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """One server-sent event; `event` is its name, which most events of Azure OpenAI lack."""

    mark: Mark
    data: bytes
    event: bytes = b""


@dataclass(frozen=True, slots=True)
class Comment:
    """A server-sent comment, which a client must skip."""

    text: bytes


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait for one permission of the simulator's gate."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Say nothing more until the client leaves."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the TCP connection."""


Step = Chunk | Comment | Hold | Stall | Reset


@dataclass(frozen=True, slots=True)
class Document:
    """A whole answer."""

    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in chunks, the final `[DONE]` not among them."""

    chunks: Iterator[Chunk]


Answer = Document | Stream
Operation = Callable[[Ask], Answer]


def encode(value: Json) -> bytes:
    """Encode a body or the data of an event."""
    return msgspec.json.encode(value)
