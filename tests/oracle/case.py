"""What a case is: the steps of the client, and those of the upstream."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from hashlib import blake2b

AZURE = "azure"
"""The name of the upstream of a group that says nothing else."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write `data`, `times` times in a row."""

    data: bytes
    times: int = 1


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait, where the app itself measures time."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Wait:
    """Wait until `event` has happened `count` times in the case, or for so many seconds; the recording says which.

    Events: `asked head`, `asked` (a request came, with its body), `client data` (the client has read something of a
    body), `client end`, `client left`, `closed` (the app has closed the connection), `line` (the log line is written),
    `gate NAME` of a `Mark`. Those that begin with `all ` are marks for all cases of the group.
    """

    event: str
    seconds: float = 4.0
    count: int = 1


@dataclass(frozen=True, slots=True)
class Mark:
    """Let `gate NAME` happen, or `NAME` itself for all cases of the group where it begins with `all `."""

    name: str


class End(Enum):
    """What comes behind the steps of the upstream."""

    REUSE = "the connection takes another request"
    CLOSE = "the connection is closed"
    RESET = "the connection is reset"
    HOLD = "the connection stays until the app closes it"


class Reads(Enum):
    """How much of a request the upstream waits for before its steps begin."""

    ALL = "all"
    HEAD = "the head"
    NOTHING = "nothing"


UpstreamStep = Send | Sleep | Wait | Mark


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered to one request."""

    steps: tuple[UpstreamStep, ...] = ()
    end: End = End.REUSE
    reads: Reads = Reads.ALL


class Leave(Enum):
    """How a client leaves before the end."""

    CLOSE = "close"
    RESET = "reset"
    HALF = "close for writing"


@dataclass(frozen=True, slots=True)
class Read:
    """Read until the answer's head is here, its end, or some bytes stand in the body."""

    until: bytes | str = "end"
    seconds: float = 25.0


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask the host to end, as the platform does."""


ClientStep = Send | Sleep | Wait | Mark | Leave | Read | Terminate


@dataclass(frozen=True, slots=True)
class Exchange:
    """One connection of a client; `method` says how to read the answers on it."""

    steps: tuple[ClientStep, ...]
    method: str = "POST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Exchanges one after another, or `parallel`.

    `replies` are the answers of each upstream, the last one again and again. A case whose requests do not carry its tag
    must be in a serial group.
    """

    name: str
    exchanges: tuple[Exchange, ...]
    replies: Mapping[str, tuple[Reply, ...]] = field(default_factory=dict)
    parallel: bool = False

    @property
    def tag(self) -> str:
        """Return what marks the requests of the case."""
        return tag_of(self.name)


class Address(Enum):
    """What stands at the address of an upstream."""

    SERVER = "a server"
    REFUSES = "nobody"
    UNROUTABLE = "nobody who answers"
    TLS = "a server with a certificate that nobody trusts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An upstream; with `greeting` it does not wait for a request. `scheme` is that of the address in the settings.

    `standing` are answers to requests of no case, by what stands in their first line.
    """

    name: str = AZURE
    address: Address = Address.SERVER
    scheme: str = "http"
    greeting: Reply | None = None
    standing: tuple[tuple[str, Reply], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Cases for one app.

    In `environ`, `{url:NAME}` is the address of a resource and `{keys}` the client keys of all cases. A `serial` group
    makes one case after the other, others so many `at_once`. `arguments` are the host's. `starts` is False for settings
    that stop the app.
    """

    name: str
    environ: Mapping[str, str]
    cases: tuple[Case, ...]
    resources: tuple[Resource, ...] = (Resource(),)
    serial: bool = False
    at_once: int = 8
    arguments: tuple[str, ...] = ()
    starts: bool = True


def tag_of(name: str) -> str:
    """Return the tag of a case: its client's name, its model and a part of its keys."""
    return "c" + blake2b(name.encode(), digest_size=5).hexdigest()


def key_of(name: str) -> str:
    """Return the client key of a case."""
    return f"sk-{tag_of(name)}-0123456789"
