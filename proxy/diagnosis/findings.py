"""Findings about a set-up, the events of a run that looks for them, and how a run ends."""

from collections.abc import Iterable, Mapping
from enum import Enum

import msgspec

from proxy.diagnosis.table import FINDINGS, Severity


class State(Enum):
    """How a check ends; a check is skipped where what it needs is wrong already, or is not set."""

    RUNNING = "running"
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="finding"):
    """Something that is wrong with `subject`: what, why it matters, and the command that mends it."""

    check: str
    code: str
    severity: Severity
    subject: str
    what: str
    why: str
    cure: str


class Progress(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="check"):
    """A check that begins or has ended, with what it has seen."""

    check: str
    state: State
    detail: str = ""


class Summary(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="summary"):
    """What a run has found; `is_complete` tells that every check has ended in time."""

    faults: int
    warnings: int
    exit_code: int
    is_complete: bool = True


Event = Finding | Progress | Summary


class _Places(dict[str, str]):
    """What fills the places of a text; a place without a value is written as a word in capitals."""

    def __missing__(self, name: str) -> str:
        return name.upper()


def finding(check: str, code: str, subject: str, facts: Mapping[str, str]) -> Finding:
    """Return the finding of a code, its texts filled with `facts`."""
    row, places = FINDINGS[code], _Places({**facts, "subject": subject})
    return Finding(
        check=check,
        code=code,
        severity=row.severity,
        subject=subject,
        what=row.what.format_map(places),
        why=row.why.format_map(places),
        cure=row.cure.format_map(places),
    )


def state_of(found: Iterable[Finding]) -> State:
    """Return how a check with these findings has ended."""
    severities = {one.severity for one in found}
    if Severity.FAULT in severities:
        return State.FAULT
    return State.WARNING if severities else State.OK


def summary(found: Iterable[Finding], *, is_complete: bool) -> Summary:
    """Return what a run has found; the exit code is 0 for nothing, 1 for warnings and 2 for faults.

    A run that is not complete is no better than one with a fault: what it has not looked at may be wrong.
    """
    severities = [one.severity for one in found]
    faults, warnings = severities.count(Severity.FAULT), severities.count(Severity.WARNING)
    code = 2 if faults or not is_complete else 1 if warnings else 0
    return Summary(faults=faults, warnings=warnings, exit_code=code, is_complete=is_complete)


def encode(event: Event) -> bytes:
    """Return an event as a line of JSON."""
    return msgspec.json.encode(event) + b"\n"
