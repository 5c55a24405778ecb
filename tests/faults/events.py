"""What stands in the events of a stream."""

from collections.abc import Callable, Mapping

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
KEEP_ALIVE = event({"type": "keepalive", "sequence_number": 3})
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


_CAUSE: Mapping[str, object] = {"code": "server_error", "message": "It broke."}


def _failed(
    *, behind: bool, error: Mapping[str, object] | None = _CAUSE, cause: str | None = None
) -> Callable[[Operation], Made]:
    raw = typed("failed", 4 if behind else 2, response={**RESPONSE, "status": "failed", "error": error})

    def play(operation: Operation) -> Made:
        if operation is not RESPONSES:
            return ONLY_RESPONSES
        said = operation.content if behind else b""
        return answer(stream(operation.before + said + raw, _error(cause)(operation) if cause else b""))

    return play


def _told_twice(*, late: bool) -> Callable[[Operation], Made]:
    """Tell an error and the failure of the response, the one without the other's cause."""
    raw = typed("failed", 5, response={**RESPONSE, "status": "failed", "error": None})

    def play(operation: Operation) -> Made:
        if operation is not RESPONSES:
            return ONLY_RESPONSES
        error = _error("server_error")(operation)
        return answer(stream(operation.before + operation.content, *((raw, error) if late else (error, raw))))

    return play


def _kept_alive(operation: Operation) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    return answer(stream(operation.before + KEEP_ALIVE, _error("rate_limit_exceeded")(operation)))


def _kept_alive_behind(operation: Operation) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    return answer(stream(operation.before + operation.content + KEEP_ALIVE, operation.behind))


def _nothing_in_it(operation: Operation) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    return answer(stream(b"data:\n\n" + operation.before, b"data: \n\n", operation.content + operation.behind))


def _blank_reason(operation: Operation) -> Made:
    if operation is not CHAT_STREAM:
        return ONLY_CHAT.replace("ends with `[DONE]`", "has a `finish_reason`")
    return answer(stream(operation.before, operation.content, chunk({"content": "x"}, "")))


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
_TOLD_TWICE = Expected(outcome=Outcome.FAILED, code="server_error")

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
        Expected(outcome=Outcome.FAILED, code="server_error"),
    ),
    _row("an error and `response.failed` behind the first content", _told_twice(late=False), _TOLD_TWICE),
    _row("`response.failed` without a cause, then the error", _told_twice(late=True), _TOLD_TWICE),
    _row(
        "`response.failed` without a cause, then too much to do, before the first content",
        _failed(behind=False, error=None, cause="rate_limit_exceeded"),
        _BUSY,
    ),
    _row(
        "`response.failed` without a cause, then the client's error, before the first content",
        _failed(behind=False, error=None, cause="invalid_prompt"),
        _REFUSED,
    ),
    _row("`keepalive`, then too much to do, before the first content", _kept_alive, _BUSY),
    _row("`keepalive` in the middle", _kept_alive_behind, COMPLETE),
    _row("`data:` with nothing in it", _nothing_in_it, COMPLETE),
    _row(
        "a blank `finish_reason`, then an end",
        _blank_reason,
        Expected(outcome=Outcome.BROKEN_OFF, code="upstream_error"),
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
