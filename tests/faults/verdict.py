"""What is wrong with a call: each function yields complaints, and none is an acquittal."""

import json
from collections.abc import Iterator, Sequence

from proxy.values import SendingRecord
from tests.faults.cell import Cell, Layout
from tests.faults.fault import Expected, Outcome
from tests.faults.operations import CANARIES
from tests.faults.seen import Seen

# A conflict may pass by itself.
_PASSING = frozenset({408, 409, 429})


def judge(cell: Cell, seen: Seen, asked: Sequence[int | None], attempts: int) -> Iterator[str]:
    """Judge what the client read and how often each target was asked; `attempts` is what the log says."""
    expected = cell.expected
    again = expected.outcome is Outcome.ELSEWHERE
    if not _asked_as_expected(cell.layout, expected, asked, attempts):
        yield f"asked {asked}, by the log {attempts}"
    # They went with the head, before there was anything to tell.
    told = seen.headers.get("x-proxy-attempts", str(attempts) if seen.kept_alive else None)
    if told != str(attempts):
        yield f"the headers tell of {told} attempts"
    if expected.outcome is Outcome.COMPLETE or (again and cell.layout is Layout.SPILL):
        yield from _judge_complete(cell, seen, served=int(again))
    elif expected.outcome in (Outcome.BROKEN_OFF, Outcome.FAILED):
        ends = seen.is_broken if expected.outcome is Outcome.BROKEN_OFF else seen.failed
        if (seen.status, seen.code, ends) != (200, expected.code, True):
            yield f"the client reads {seen.said}"
    elif again and cell.layout is Layout.EQUAL:
        yield from _judge_error(_of_all(expected), seen)
        yield from _judge_wait(expected, seen)
    else:
        yield from _judge_error(expected, seen)


def judge_lines(lines: Sequence[str], seen: Seen) -> Iterator[str]:
    """Judge what was logged, and that neither the log nor the answer tells what it should not."""
    if len(lines) != 1:
        yield f"{len(lines)} lines of log"
    told = "".join(lines) + seen.body.decode(errors="replace") + repr(seen.headers)
    yield from (f"{canary} is told" for canary in CANARIES if canary in told)
    whole = seen.is_complete or (seen.failed and b"event: error\n" not in seen.body)
    outcome = "error" if seen.status >= 400 else "completed" if whole else "stream_broken"
    for line in map(json.loads, lines):
        if (line["outcome"], line["status"]) != (outcome, seen.status):
            yield f"the log says {line['outcome']} with {line['status']}"


def judge_records(records: Sequence[SendingRecord], attempts: int) -> Iterator[str]:
    """Judge the records of the attempts."""
    if len(records) != attempts:
        yield f"{len(records)} attempts are on record"
    yield from (f"{canary} is on record" for canary in CANARIES if canary in repr(records))


def _asked_as_expected(layout: Layout, expected: Expected, asked: Sequence[int | None], attempts: int) -> bool:
    again, often = expected.outcome is Outcome.ELSEWHERE, expected.asked
    if layout is Layout.ALONE:
        wanted: tuple[tuple[int, ...], ...] = ((often,),)
    elif again:
        wanted = ((expected.sendings, 1 if layout is Layout.SPILL else expected.sendings),)
    else:  # The draw says which of two equal ones it is.
        wanted = ((often, 0),) if layout is Layout.SPILL else ((often, 0), (0, often))
    fits = any(all(one in (None, want) for one, want in zip(asked, wants, strict=True)) for wants in wanted)
    return fits and attempts == sum(wanted[0])


def _judge_complete(cell: Cell, seen: Seen, *, served: int) -> Iterator[str]:
    if not seen.is_complete:
        yield f"the client reads {seen.said}"
    elif cell.expected.late and cell.operation.streams and not seen.kept_alive:
        yield "nothing kept the client waiting"
    elif cell.layout is Layout.SPILL and seen.headers.get("x-proxy-target", str(served)) != str(served):
        yield f"target {seen.headers['x-proxy-target']} has served"


def _of_all(expected: Expected) -> Expected:
    """Return what is expected when every target fails so, and there is more than one."""
    if expected.same:
        return expected
    return Expected(
        outcome=expected.outcome,
        status=429 if expected.throttled else 503,
        code="rate_limit_exceeded" if expected.throttled else "service_unavailable",
        waits=True,
        late=expected.late,
    )


def _judge_error(expected: Expected, seen: Seen) -> Iterator[str]:
    """Judge an error that the client must read."""
    late = expected.late and seen.operation.streams
    status = 200 if late else expected.status
    is_error = seen.is_broken if late else seen.ending == "error"
    if seen.status != status or not is_error:
        yield f"the client reads {seen.said}, not {'an error event' if late else status}"
    if late and not seen.kept_alive:
        yield "nothing kept the client waiting"
    if expected.code is not None and seen.code != expected.code:
        yield f"the code is {seen.code}, not {expected.code}"
    if expected.waits and not late and not seen.waits:
        yield f"no wait is told: {seen.headers}"
    yield from _judge_advice(expected, seen)


def _judge_wait(expected: Expected, seen: Seen) -> Iterator[str]:
    """Judge when the client is told to come back; two seconds may have passed since."""
    told = float(seen.headers.get("retry-after", "nan"))
    if expected.wait is not None and not expected.wait - 2 <= told <= expected.wait:
        yield f"the client is told to wait for {told} seconds, not {expected.wait}"


def _judge_advice(expected: Expected, seen: Seen) -> Iterator[str]:
    """Judge whether the client is told when another attempt is in vain."""
    in_vain = seen.headers.get("x-should-retry") == "false"
    if 400 <= seen.status < 500 and seen.status not in _PASSING and not in_vain:
        yield "the client is not told that another attempt is in vain"
    if seen.status >= 500 and in_vain and not expected.lasting:
        yield "the client is told not to try again"
