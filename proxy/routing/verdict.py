"""What a failure means for the request: it is tried again, or not."""

from enum import Enum

from proxy.config.policy import Policy
from proxy.routing.failure import UNAUTHORIZED, Failure, Kind


class Repeat(Enum):
    """After which failures a request may be sent again."""

    FREELY = "it creates nothing lasting"
    IF_REFUSED = "it creates something: only when it was surely refused"
    IF_UNSENT = "its body can be read once: only when nothing of it was sent"


class Verdict(Enum):
    """What comes next."""

    AGAIN = "another target, or this one where it is the only one"
    REFRESH = "the same target with a fresh credential"
    GIVE_UP = "the client reads the failure"


_ALL = frozenset(Repeat)
_SENDABLE = frozenset({Repeat.FREELY, Repeat.IF_REFUSED})
_HARMLESS = frozenset({Repeat.FREELY})
_NONE: frozenset[Repeat] = frozenset()


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
        return _HARMLESS if policy.retries_timeouts else _NONE
    if failure.kind is Kind.ANSWER and failure.is_throttled:
        return _SENDABLE
    if failure.kind is Kind.ANSWER and failure.is_missing:
        return _SENDABLE
    return _HARMLESS if failure.is_fault or failure.is_throttled or failure.is_missing else _NONE
