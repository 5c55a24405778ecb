"""What there is to know about one operation of OpenAI's API."""

from dataclasses import dataclass
from enum import Enum


class Surface(Enum):
    """Where Azure OpenAI takes an operation, or who answers it instead."""

    DEPLOYMENT = "classic"
    """`/openai/deployments/{deployment}/...?api-version=`"""
    CLASSIC = "classic resource"
    """`/openai/...?api-version=`"""
    V1 = "v1"
    """`/openai/v1/...`"""
    HERE = "proxy"
    """The proxy itself."""
    NOWHERE = "not offered"
    """Nobody: Azure does not offer it."""


class Body(Enum):
    """What a request carries, and where the model sits in it."""

    NONE = "nothing"
    OPAQUE = "bytes that nobody reads"
    MODEL = "JSON with a model"
    MODEL_IF_ANY = "JSON, perhaps with a model"
    SESSION = "JSON with a model in its session"
    DATA_SOURCE = "JSON, perhaps with a model in its data source"
    STREAM = "bytes that pass while they come"
    FORM = "a form, perhaps with a model"
    SESSION_FORM = "a form with a session, or bytes and a model in the query"
    FILE = "a form with a file, whose lines name models when it is a batch"


class StreamFormat(Enum):
    """How a stream of events goes on, and how it ends: `last` has the types of its last events, or `[DONE]`."""

    CHAT = "chunks whose choices have a delta", "[DONE]"
    COMPLETION = "chunks whose choices have a text", "[DONE]"
    RESPONSE = "numbered events of a response", "response.completed", "response.incomplete", "response.failed"
    IMAGE = "partial images", "image_generation.completed", "image_edit.completed"
    TRANSCRIPT = "pieces of a transcript", "transcript.text.done"
    SPEECH = "pieces of audio, unless bytes were asked for", "speech.audio.done"
    RUN = "events of an assistant's run", "done"

    def __init__(self, events: str, *last: str) -> None:
        self.events = events
        self.last = frozenset(last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation: a method and a path below `/v1`, where it goes and what it carries.

    `stream` is the format of an answer that comes as events. `clean` tells that a JSON answer has fields that only
    Azure has. `download` answers are not held: they leave while they come. `stored` operations are about objects that
    Azure keeps, which all client keys share. `on_v1` tells whether `/openai/v1` takes a deployment operation. `header`
    is what Azure wants besides. `substitute` says what to use where Azure offers nothing. `public` operations need no
    client key.
    """

    name: str
    method: str
    path: str
    surface: Surface
    body: Body = Body.NONE
    stream: StreamFormat | None = None
    clean: bool = False
    download: bool = False
    stored: bool = False
    on_v1: bool = True
    public: bool = False
    header: tuple[str, str] | None = None
    substitute: str = ""
