r"""The call of an operation, and its answer: a document, the bytes of a file, or a stream of steps.

    Ask --> operation --> Document   one body, mostly JSON
                      |-> Download   the bytes of a file
                      \-> Stream     chunks, which an oddity may turn into any sequence of steps

A step is a chunk to send, a comment to send, a permit to wait for, or a fault of the connection.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import msgspec

from tools.azure_openai_simulator.multipart import Form
from tools.azure_openai_simulator.state import Content, Record, State

Json = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One call of an operation.

    `model` is the snapshot behind `deployment`, both empty for an operation that has none; `created` is in seconds
    since 1970; `ids` are the variable parts of the path by name; `origin` is the resource's own URL; a multipart body
    is a `form`, its `body` is empty.
    """

    serial: int
    created: int
    origin: str
    state: State = field(repr=False)
    ids: Mapping[str, str]
    query: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    form: Form | None = None
    deployment: str = ""
    model: str = ""
    by_path: bool = False

    def members(self) -> Record:
        """Return the members of a JSON body (none when there is no body), or the fields of a form."""
        if self.form is not None:
            return dict(self.form.fields)
        return msgspec.json.decode(self.body, type=Record) if self.body.strip() else {}

    def place(self, template: str) -> str:
        """Return the path of a collection."""
        return template.format_map(self.ids)


class Mark(Enum):
    """What a chunk is for, so that an oddity finds its place without reading JSON."""

    PROMPT_FILTER = auto()
    PREAMBLE = auto()
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
    """Wait for one permit of the simulator's gate."""


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more until the client disconnects."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the TCP connection."""


Step = Chunk | Comment | Hold | Stall | Reset


@dataclass(frozen=True, slots=True)
class Document:
    """A whole answer."""

    body: bytes
    status: int = 200
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Download:
    """The bytes of a file; bytes that were not kept come as so many zeros."""

    content: Content


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer in chunks; with `done` a final `[DONE]` follows them. `deployment` is whose oddity shows."""

    chunks: Iterator[Chunk]
    done: bool = True
    deployment: str = ""


Answer = Document | Download | Stream
Operation = Callable[[Ask], Answer]


def encode(value: Json) -> bytes:
    """Encode a body or the data of an event."""
    return msgspec.json.encode(value)


def document(value: Json, status: int = 200) -> Document:
    """Answer one JSON object."""
    return Document(encode(value), status)


def event(mark: Mark, value: Json, *, named: bool = True) -> Chunk:
    """Build the chunk of an event that has its name as `type`, and with `named` also as the name of the event."""
    return Chunk(mark=mark, data=encode(value), event=str(value["type"]).encode() if named else b"")
