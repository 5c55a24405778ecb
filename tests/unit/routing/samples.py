"""Targets and failures as tests write them down."""

from proxy.routing.failures import Failure, Kind
from proxy.routing.targets import Target

CONNECT = Failure(kind=Kind.CONNECT)
INCOMPLETE = Failure(kind=Kind.INCOMPLETE)
RESET = Failure(kind=Kind.RESET)
TIMEOUT = Failure(kind=Kind.TIMEOUT)
UNSUITABLE = Failure(kind=Kind.UNSUITABLE)
MISSING = Failure(kind=Kind.ANSWER, status=404, code="DeploymentNotFound")
FILTERED = Failure(kind=Kind.ANSWER, status=400, code="content_filter")
BLOCKED = Failure(kind=Kind.ANSWER, status=403, code="upstream_blocked")
BARRED = Failure(kind=Kind.ANSWER, status=403, code="upstream_network")
REFUSED = Failure(kind=Kind.ANSWER, status=403, code="upstream_refused")
UNSUPPORTED = Failure(kind=Kind.ANSWER, status=501, code="upstream_operation")


def answered(status: int, wait: float | None = None) -> Failure:
    return Failure(kind=Kind.ANSWER, status=status, wait=wait)


def in_stream(status: int) -> Failure:
    return Failure(kind=Kind.IN_STREAM, status=status)


def target(resource: int = 0, *, priority: int = 0, weight: float = 1.0, version: str | None = None) -> Target:
    return Target(
        resource=resource, deployment="chat", priority=priority, weight=weight, model="gpt-4o", version=version
    )
