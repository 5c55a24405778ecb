"""What stands in the events of a stream."""

from collections.abc import Callable

from tests.faults.cuts import ONLY_CHAT
from tests.faults.fault import Expected, Fault, Made, Outcome
from tests.faults.operations import (
    CHAT,
    CHAT_STREAM,
    DONE,
    RESPONSE,
    RESPONSES,
    USAGE,
    Operation,
    chunk,
    event,
    typed,
)
from tests.faults.raw import End
from tests.faults.wire import STREAMS_ONLY, after_content, answer, stream, whole

GROUP = "Events"
MEGABYTE = 1024 * 1024
COMPLETE = Expected(outcome=Outcome.COMPLETE)
ONLY_RESPONSES = "only a stream of responses has this event"
NO_FILTER = "no such answer is stopped half-way by the content filter"


def _error(code: str, message: str = "It broke.") -> Callable[[Operation], bytes]:
    """Return the event of an error as each format has it."""
    flat = event({"type": "error", "code": code, "message": message, "param": None, "sequence_number": 2}, "error")
    nested = event({"error": {"message": message, "type": code, "code": code, "param": None}})
    return lambda operation: flat if operation is RESPONSES else nested


def _first(code: str, expected: Expected, name: str) -> Fault:
    made = _error(code)

    def play(operation: Operation) -> Made:
        return answer(stream(operation.before + made(operation))) if operation.streams else STREAMS_ONLY

    return Fault(name=f"{name} before the first content", group=GROUP, expected=expected, play=play)


def _behind(code: str, name: str) -> Fault:
    made = _error(code)

    def play(operation: Operation) -> Made:
        if not operation.streams:
            return STREAMS_ONLY
        return after_content(operation, made(operation), end=End.STAY)

    expected = Expected(outcome=Outcome.BROKEN_OFF, code=code)
    return Fault(name=f"{name} behind the first content", group=GROUP, expected=expected, play=play)


def _failed(*, behind: bool) -> Callable[[Operation], Made]:
    error = {"code": "server_error", "message": "It broke."}
    raw = typed("failed", 4 if behind else 2, response={**RESPONSE, "status": "failed", "error": error})

    def play(operation: Operation) -> Made:
        if operation is not RESPONSES:
            return ONLY_RESPONSES
        said = operation.content if behind else b""
        return answer(stream(operation.before + said + raw))

    return play


def _stopped(operation: Operation) -> Made:
    if operation is CHAT_STREAM:
        return answer(stream(operation.before, operation.content, chunk({}, "content_filter"), DONE))
    if operation is CHAT:
        return answer(whole("200 OK", operation.whole.replace(b'"stop"', b'"content_filter"')))
    if operation is RESPONSES:
        reason = {"incomplete_details": {"reason": "content_filter"}}
        last = typed("incomplete", 4, response={**RESPONSE, "status": "incomplete", **reason})
        return answer(stream(operation.before, operation.content, last))
    return NO_FILTER


def _without_usage(operation: Operation) -> Made:
    if operation is not CHAT_STREAM:
        return ONLY_CHAT.replace("ends with `[DONE]`", "has its usage in an event of its own")
    return answer(stream(operation.events.replace(USAGE, b"")))


def _done_twice(operation: Operation) -> Made:
    return answer(stream(operation.events, DONE, DONE)) if operation.streams else STREAMS_ONLY


def _long(size: int, *, behind: bool) -> Callable[[Operation], Made]:
    """Send an event of so many bytes in the first content, or behind it, and all the rest."""

    def play(operation: Operation) -> Made:
        if not operation.streams:
            return STREAMS_ONLY
        text = "x" * size
        long = chunk({"content": text}) if operation is CHAT_STREAM else typed("output_text.delta", 4, delta=text)
        said = (operation.content, long) if behind else (long, operation.content)
        return answer(stream(operation.before, *said, operation.behind))

    return play


def _row(name: str, play: Callable[[Operation], Made], expected: Expected) -> Fault:
    return Fault(name=name, group=GROUP, expected=expected, play=play)


_SERVER = Expected(outcome=Outcome.ELSEWHERE, status=500, code="server_error")
_BUSY = Expected(outcome=Outcome.ELSEWHERE, status=429, code="rate_limit_exceeded", throttled=True, waits=True)
_REFUSED = Expected(outcome=Outcome.NOWHERE, status=400)

EVENT_FAULTS = (
    _first("server_error", _SERVER, "an error"),
    _first("rate_limit_exceeded", _BUSY, "too much to do"),
    _first("content_filter", _REFUSED, "the content filter"),
    _first("invalid_prompt", _REFUSED, "an error of the client's"),
    _behind("server_error", "an error"),
    _behind("rate_limit_exceeded", "too much to do"),
    _row("`response.failed` before the first content", _failed(behind=False), _SERVER),
    _row(
        "`response.failed` behind the first content",
        _failed(behind=True),
        Expected(outcome=Outcome.BROKEN_OFF, code="server_error"),
    ),
    _row("stopped by the content filter", _stopped, COMPLETE),
    _row("no usage", _without_usage, COMPLETE),
    _row("`[DONE]` three times", _done_twice, COMPLETE),
    _row("an event of 10 MB", _long(10 * MEGABYTE, behind=True), COMPLETE),
    _row(
        "an event of 40 MB before all content",
        _long(40 * MEGABYTE, behind=False),
        Expected(outcome=Outcome.ELSEWHERE, status=502, code="upstream_error"),
    ),
    _row(
        "an event of 40 MB behind the first content",
        _long(40 * MEGABYTE, behind=True),
        Expected(outcome=Outcome.BROKEN_OFF, code="upstream_error"),
    ),
)
