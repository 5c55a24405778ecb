"""Why an attempt failed, and what that means for the request: it is tried again, or not."""

from dataclasses import dataclass
from enum import Enum

from proxy.azure_api.errors import FILTER_CODES, MISSING_CODES
from proxy.config.policy import Policy

REQUEST_TIMEOUT, THROTTLED, UNAUTHORIZED, NOT_FOUND, SERVER_ERROR = 408, 429, 401, 404, 500


class Kind(Enum):
    """How far an attempt came."""

    CONNECT = "no connection, so nothing was sent"
    RESET = "the connection broke before the answer began"
    TIMEOUT = "no answer in time"
    ANSWER = "an error as the answer"
    IN_STREAM = "an error in a stream, or its end, before the first content"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed, as far as it matters for the next one.

    `status` is that of the answer or of the error in the stream; `code` is as Azure or OpenAI spells it; `wait` is in
    seconds, None when the target does not say.
    """

    kind: Kind
    status: int | None = None
    code: str = ""
    wait: float | None = None

    @property
    def is_throttled(self) -> bool:
        """Tell whether the target has too much to do."""
        return self.status == THROTTLED

    @property
    def is_missing(self) -> bool:
        """Tell whether the resource has no such deployment."""
        return self.status == NOT_FOUND and self.code.lower() in MISSING_CODES

    @property
    def is_filtered(self) -> bool:
        """Tell whether a content filter refused, as every other target's would."""
        return self.code.lower() in FILTER_CODES

    @property
    def is_fault(self) -> bool:
        """Tell whether the target is to blame, so that it counts against its health."""
        if self.is_filtered:
            return False
        return self.status is None or self.status == REQUEST_TIMEOUT or self.status >= SERVER_ERROR


class Repeat(Enum):
    """After which failures a request may be sent again."""

    IDEMPOTENT = "it creates nothing lasting"
    IF_NOT_PROCESSED = "it creates something: only when it was surely refused"
    IF_NOT_SENT = "its body can be read once: only when nothing of it was sent"


class Verdict(Enum):
    """What comes next."""

    AGAIN = "another target, or this one where it is the only one"
    REFRESH = "the same target with a fresh credential"
    GIVE_UP = "the client reads the failure"


_ALL = frozenset(Repeat)
_SENDABLE = frozenset({Repeat.IDEMPOTENT, Repeat.IF_NOT_PROCESSED})
_HARMLESS = frozenset({Repeat.IDEMPOTENT})
_NOTHING: frozenset[Repeat] = frozenset()


def judge(failure: Failure, repeat: Repeat, policy: Policy, *, refreshed: bool = False) -> Verdict:
    """Return what comes next; `refreshed` tells that this target has got a fresh credential already.

    A failure after content has reached the client is none to judge: there is no way back.
    """
    if failure.kind is Kind.ANSWER and failure.status == UNAUTHORIZED:
        return Verdict.REFRESH if repeat in _SENDABLE and not refreshed else Verdict.GIVE_UP
    return Verdict.AGAIN if repeat in _allowed(failure, policy) else Verdict.GIVE_UP


def _allowed(failure: Failure, policy: Policy) -> frozenset[Repeat]:
    if failure.kind is Kind.CONNECT:
        return _ALL
    if failure.kind is Kind.TIMEOUT:
        return _HARMLESS if policy.retries_timeouts else _NOTHING
    if failure.kind is Kind.ANSWER and failure.is_throttled:
        return _SENDABLE
    if failure.kind is Kind.ANSWER and failure.is_missing:
        return _SENDABLE
    return _HARMLESS if failure.is_fault or failure.is_throttled or failure.is_missing else _NOTHING
