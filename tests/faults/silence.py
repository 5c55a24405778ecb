"""Silence, and bytes that come too slowly; a call that got no answer in time may have been billed."""

from collections.abc import Mapping

from tests.faults.fault import Expected, Fault, Made, Outcome
from tests.faults.operations import CHAT_STREAM, Operation
from tests.faults.raw import Play
from tests.faults.wire import EVENTS, JSON, STREAMS_ONLY, chunked, good, head, piece, stream

GROUP = "Silence"
TOO_LATE = Expected(outcome=Outcome.NOWHERE, status=504, code="upstream_timeout", late=True)
BROKEN_OFF = Expected(outcome=Outcome.BROKEN_OFF, code="upstream_timeout")
COMPLETE = Expected(outcome=Outcome.COMPLETE)
# Only this setting has it tried elsewhere.
ABANDONED = Expected(outcome=Outcome.ELSEWHERE, status=504, late=True)
LATE_ERROR = Expected(outcome=Outcome.ELSEWHERE, code="server_error", late=True)
RETRIES = {
    "AZURE_OPENAI_ROUTING": '{"retries_timeouts":true}',
    # The targets share this.
    "UPSTREAM_FIRST_BYTE_TIMEOUT": "2",
    "UPSTREAM_TOTAL_TIMEOUT": "4",
    "STREAM_HEAD_TIMEOUT": "0.5",
}
# In seconds, longer than a head is held; all the time there is must be longer.
LONG, ENOUGH = 1.2, {"UPSTREAM_TOTAL_TIMEOUT": "9"}


def _silent(name: str, *parts: bytes, at_once: bool = False, environ: Mapping[str, str] | None = None) -> Fault:
    play = Play(parts=parts, at_once=at_once)
    expected = ABANDONED if environ else TOO_LATE
    return Fault(name=name, group=GROUP, expected=expected, play=lambda _: play, hasty=True, environ=environ or {})


def _headers(operation: Operation) -> Play:
    return Play(parts=(chunked(EVENTS if operation.streams else JSON),))


def _middle(operation: Operation) -> Play:
    if operation.streams:
        return Play(parts=(chunked(EVENTS) + piece(operation.before + operation.content),))
    return Play(parts=(head("200 OK", f"content-length: {len(operation.whole)}") + operation.whole[:-5],))


def _drips(operation: Operation) -> Play:
    """Begin as a good answer, then a byte at a time that never comes to an end."""
    return Play(parts=(_headers(operation).parts[0], *(piece(b":"),) * 200), pause=0.02)


def _drips_behind(operation: Operation) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    return Play(parts=(*_middle(operation).parts, *(piece(b":"),) * 200), pause=0.02)


def _slowly(operation: Operation) -> Play:
    """Return the good answer in pieces of a few bytes."""
    raw = good(operation)
    return Play(parts=tuple(raw[at : at + 23] for at in range(0, len(raw), 23)), pause=0.001, whole=True)


def _thinks(operation: Operation, then: bytes) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    return Play(
        parts=(chunked(EVENTS) + piece(operation.before), stream(then)[len(chunked(EVENTS)) :]), pause=LONG, whole=True
    )


def _reasons(operation: Operation) -> Made:
    if not operation.streams:
        return STREAMS_ONLY
    begun = chunked(EVENTS) + piece(operation.before + operation.content)
    return Play(parts=(begun, stream(operation.behind)[len(chunked(EVENTS)) :]), pause=LONG, whole=True)


def _thinks_then_fails(operation: Operation) -> Made:
    error = b'{"error":{"message":"It broke.","type":"server_error","code":"server_error"}}'
    named = b"event: error\n" if operation is not CHAT_STREAM else b""
    return _thinks(operation, named + b"data: " + error + b"\n\n")


def _stalled_error(_: Operation) -> Play:
    return Play(parts=(head("500 No", "content-length: 99") + b'{"error":',))


SILENCE = (
    _silent("silence from the first moment", at_once=True),
    _silent("no answer to the request"),
    _silent("half a status line, then silence", b"HTTP/1.1 20"),
    _silent("no answer to the request, with `retries_timeouts`", environ=RETRIES),
    Fault(name="silence behind the headers", group=GROUP, expected=TOO_LATE, play=_headers, hasty=True),
    Fault(
        name="silence behind the headers, with `retries_timeouts`",
        group=GROUP,
        expected=ABANDONED,
        play=_headers,
        hasty=True,
        environ=RETRIES,
    ),
    Fault(
        name="silence in the middle",
        group=GROUP,
        expected=lambda operation: BROKEN_OFF if operation.streams else TOO_LATE,
        play=_middle,
        hasty=True,
    ),
    Fault(
        name="silence in the middle of an error",
        group=GROUP,
        expected=Expected(outcome=Outcome.NOWHERE, status=504, code="upstream_timeout", late=True),
        play=_stalled_error,
        hasty=True,
    ),
    Fault(name="a byte at a time, for ever", group=GROUP, expected=TOO_LATE, play=_drips, hasty=True),
    Fault(
        name="a byte at a time behind the first content, for ever",
        group=GROUP,
        expected=BROKEN_OFF,
        play=_drips_behind,
        hasty=True,
    ),
    Fault(name="some bytes at a time, to the end", group=GROUP, expected=COMPLETE, play=_slowly),
    Fault(
        name="a pause in the middle of a reasoning model",
        group=GROUP,
        expected=COMPLETE,
        play=_reasons,
        model="o3",
        environ={"UPSTREAM_IDLE_TIMEOUT": "0.1", "UPSTREAM_REASONING_IDLE_TIMEOUT": "9"},
    ),
    Fault(
        name="a long silence before the first content",
        group=GROUP,
        expected=Expected(outcome=Outcome.COMPLETE, late=True),
        play=lambda operation: _thinks(operation, operation.content + operation.behind),
        hasty=True,
        environ=ENOUGH,
    ),
    Fault(
        name="a long silence, then an error event",
        group=GROUP,
        expected=LATE_ERROR,
        play=_thinks_then_fails,
        hasty=True,
        environ=ENOUGH,
    ),
)
