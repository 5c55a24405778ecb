"""Why an attempt failed, and whether the request is tried again."""

from dataclasses import dataclass
from enum import Enum

from proxy.azure_api.errors import FILTER_CODES, MISSING_CODES, NO_OPERATION, REFUSED, WITHDRAWN
from proxy.config.policy import Policy

REQUEST_TIMEOUT, THROTTLED, UNAUTHORIZED, SERVER_ERROR = 408, 429, 401, 500
# Azure answers a call of a deployment that is not there with 404, some surfaces with 400.
_MISSING_STATUSES = frozenset({400, 404})


class Kind(Enum):
    """How far an attempt came."""

    CONNECT = "no connection, so nothing was sent"
    INCOMPLETE = "the connection broke before the whole request was sent"
    RESET = "the connection broke before the answer began"
    TIMEOUT = "no answer in time"
    ANSWER = "an error as the answer"
    IN_STREAM = "an error in a stream, or its end, before the first content"
    UNSUITABLE = "the target does not offer what the request has, so nothing was sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """How an attempt failed, as far as the next attempt depends on it.

    `status` is the status of the answer or of the error in the stream, which had said something before where it had
    `begun`. `code` is spelt as Azure or OpenAI does; where
    the proxy is refused, it is the reason. `wait` is how many seconds the target asks to wait, None when it does not
    say.
    """

    kind: Kind
    status: int | None = None
    code: str = ""
    wait: float | None = None
    begun: bool = False

    @property
    def is_throttled(self) -> bool:
        """Tell whether the target is over its rate limit."""
        return self.status == THROTTLED

    @property
    def is_missing(self) -> bool:
        """Tell whether the resource has no such deployment."""
        return self.status in _MISSING_STATUSES and self.code.lower() in MISSING_CODES

    @property
    def is_withdrawn(self) -> bool:
        """Tell whether the resource refuses every call: it is blocked or suspended, or its network keeps us out."""
        return self.code in WITHDRAWN

    @property
    def is_refused(self) -> bool:
        """Tell whether the resource refuses the call for a reason that lies neither in it nor in the credential."""
        return self.code in REFUSED

    @property
    def is_unsupported(self) -> bool:
        """Tell whether the server does not have the operation; for others it is as good as before."""
        return self.code == NO_OPERATION

    @property
    def is_filtered(self) -> bool:
        """Tell whether a content filter refused the request; the filter of any other target would do the same."""
        return self.code.lower() in FILTER_CODES

    @property
    def is_fault(self) -> bool:
        """Tell whether the failure is the target's fault and counts against its health."""
        if self.is_filtered or self.is_unsupported:
            return False
        return self.status is None or self.status == REQUEST_TIMEOUT or self.status >= SERVER_ERROR


class Repeat(Enum):
    """When a request may be sent again after a failure."""

    IDEMPOTENT = "it changes nothing that Azure keeps: after every failure"
    IF_NOT_PROCESSED = "it creates or changes something: only when the first attempt was certainly refused"
    IF_NOT_SENT = "its body can be read only once: only when none of it was sent"


class Verdict(Enum):
    """What happens after a failure."""

    AGAIN = "another target, or the same one if there is no other"
    REFRESH = "the same target with a fresh credential"
    GIVE_UP = "the client gets the error"


_ALL = frozenset(Repeat)
_NOT_PROCESSED = frozenset({Repeat.IDEMPOTENT, Repeat.IF_NOT_PROCESSED})
_IDEMPOTENT = frozenset({Repeat.IDEMPOTENT})
_NOTHING: frozenset[Repeat] = frozenset()


def judge(failure: Failure, repeat: Repeat, policy: Policy, *, refreshed: bool = False) -> Verdict:
    """Return what happens after a failure before the first content.

    `refreshed` tells that this target has already been called with a fresh credential.
    """
    if failure.kind is Kind.ANSWER and failure.status == UNAUTHORIZED and not failure.is_refused:
        return Verdict.REFRESH if repeat in _NOT_PROCESSED and not refreshed else Verdict.GIVE_UP
    return Verdict.AGAIN if repeat in _allowed(failure, policy) else Verdict.GIVE_UP


def _allowed(failure: Failure, policy: Policy) -> frozenset[Repeat]:
    if failure.kind is Kind.CONNECT:
        return _ALL
    if failure.kind is Kind.INCOMPLETE:
        return _NOT_PROCESSED
    if failure.kind is Kind.TIMEOUT:
        return _IDEMPOTENT if policy.retries_timeouts else _NOTHING
    if failure.kind is Kind.ANSWER and _is_elsewhere(failure):
        return _NOT_PROCESSED
    return _IDEMPOTENT if failure.is_fault or failure.is_throttled or failure.is_missing else _NOTHING


def _is_elsewhere(failure: Failure) -> bool:
    """Tell whether a target has refused what another one may take."""
    return failure.is_throttled or failure.is_missing or failure.is_refused or failure.is_unsupported
