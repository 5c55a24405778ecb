"""What a row of the matrix is: what goes wrong, and what must come of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from tests.faults.operations import MODEL, Operation
from tests.faults.raw import Play


class Outcome(Enum):
    """What must come of a fault; the words are those of the table."""

    COMPLETE = "complete"
    ELSEWHERE = "tried again"
    NOWHERE = "not tried again"
    BROKEN_OFF = "error event"
    FAILED = "response.failed"


class Address(Enum):
    """What stands at the address of the faulty target."""

    SERVER = "a server"
    REFUSES = "nobody"
    UNROUTABLE = "nobody who answers"
    TLS = "a server without TLS at an https address"
    STRANGER = "a server with a certificate of its own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What must come of a fault.

    `status` is what the client reads when no other target helps, `code` that of the error, None for any; `asked` is how
    often the faulty target gets the request when it is the only one, and `sendings` how often in one attempt. When
    every target fails so, the client reads the `same`, or that all are `throttled` or down; then `wait` is its
    Retry-After in seconds, None for any. `waits` tells that it reads one even when there is no other target, `lasting`
    that another attempt is in vain although the status says otherwise. `late` tells that the head of a stream leaves
    before there is content, so that an error is an event.
    """

    outcome: Outcome
    status: int = 200
    code: str | None = None
    asked: int = 1
    sendings: int = 1
    throttled: bool = False
    same: bool = False
    waits: bool = False
    wait: int | None = None
    lasting: bool = False
    late: bool = False


Made = Play | str
"""What is sent, or why the fault is none of this operation's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row.

    `hasty` shortens all time limits; `environ` are settings of its own; `second` is what a second key is answered, and
    there is none without it; `model` is what the client asks for.
    """

    name: str
    group: str
    expected: Expected | Callable[[Operation], Expected]
    play: Callable[[Operation], Made] = lambda _: Play()
    address: Address = Address.SERVER
    hasty: bool = False
    model: str = MODEL
    second: Callable[[Operation], Play] | None = None
    environ: Mapping[str, str] = field(default_factory=dict)

    def expects(self, operation: Operation) -> Expected:
        """Return what must come of it for a call."""
        return self.expected if isinstance(self.expected, Expected) else self.expected(operation)
