"""Answers that end before they are complete."""

from collections.abc import Callable

from tests.faults.fault import Expected, Fault, Made, Outcome
from tests.faults.operations import CHAT_STREAM, Operation, chunk, typed
from tests.faults.raw import End, Play
from tests.faults.wire import (
    END,
    EVENTS,
    HTML,
    JSON,
    STREAMS_ONLY,
    after_content,
    answer,
    chunked,
    good,
    head,
    piece,
    stream,
    whole,
)

CUT, ODD = "The answer breaks off", "The answer is odd"
BEFORE = Expected(outcome=Outcome.ELSEWHERE, status=502, code="upstream_error")
BEHIND = Expected(outcome=Outcome.BROKEN_OFF, code="upstream_error")
NOWHERE = Expected(outcome=Outcome.NOWHERE, status=502, code="upstream_error")
COMPLETE = Expected(outcome=Outcome.COMPLETE)
ONLY_CHAT = "only a stream of chat ends with `[DONE]`"

Plays = Callable[[Operation], Made]


def _by_place(operation: Operation) -> Expected:
    """Return what is expected of a cut in the middle: behind the first content of a stream, or in a whole body."""
    return BEHIND if operation.streams else BEFORE


def _whole_cut(operation: Operation, end: End) -> Play:
    return Play(parts=(chunked(JSON) + piece(operation.whole[:-5]),), end=end)


def _middle(end: End) -> Plays:
    return lambda one: after_content(one, end=end) if one.streams else _whole_cut(one, end)


def _start(end: End) -> Plays:
    kinds = {True: EVENTS, False: JSON}
    return lambda one: Play(parts=(chunked(kinds[one.streams]) + piece(one.before),), end=end)


def _no_chunk(last: bytes, end: End) -> Plays:
    """Say something, and then what is no chunk of HTTP."""

    def play(operation: Operation) -> Play:
        said = after_content(operation).parts if operation.streams else _whole_cut(operation, end).parts
        return Play(parts=said, end=end, held=operation.streams, last=last)

    return play


def _clean_end(operation: Operation) -> Made:
    if operation.streams:
        return after_content(operation, end=End.STAY, last=END)
    return answer(whole("200 OK", operation.whole[:-5]))


def _in_a_letter(operation: Operation) -> Made:
    """End within the two bytes of a letter, with a proper end of HTTP."""
    raw = operation.behind if operation.streams else operation.whole
    if operation.streams:
        letter = chunk({"content": "ß"}) if operation is CHAT_STREAM else typed("output_text.delta", 4, delta="ß")
        return after_content(operation, letter[: letter.index("ß".encode()) + 1], end=End.STAY, last=END)
    at = next((number for number, byte in enumerate(raw) if byte > 127), 0)
    return answer(whole("200 OK", raw[: at + 1]))


def _without_done(operation: Operation) -> Made:
    if operation is not CHAT_STREAM:
        return ONLY_CHAT
    return answer(stream(operation.before, operation.content, chunk({}, "stop")))


def _short(operation: Operation) -> Made:
    """Tell a length that is too short: what is behind it breaks the protocol before anything is told."""
    raw = operation.events if operation.streams else operation.whole
    told = len(operation.before + operation.content) + 9 if operation.streams else len(raw) - 5
    kind = EVENTS if operation.streams else JSON
    return Play(parts=(head("200 OK", f"content-length: {told}", f"content-type: {kind}") + raw,), end=End.CLOSE)


def _long(operation: Operation) -> Made:
    raw = operation.events if operation.streams else operation.whole
    kind = EVENTS if operation.streams else JSON
    return Play(
        parts=(head("200 OK", f"content-length: {len(raw) + 5}", f"content-type: {kind}") + raw,), end=End.CLOSE
    )


def _until_closed(operation: Operation) -> Play:
    """Tell no length at all, as HTTP/1.0 does."""
    raw = operation.events if operation.streams else operation.whole
    kind = EVENTS if operation.streams else JSON
    return Play(parts=(head("200 OK", f"content-type: {kind}", "connection: close") + raw,), end=End.CLOSE)


def _first(*headers: bytes) -> Plays:
    return lambda operation: answer(b"".join(headers) + good(operation))


def _packed(encoding: str, content: bytes) -> Plays:
    return lambda one: answer(
        whole("200 OK", content, f"content-encoding: {encoding}", kind=EVENTS if one.streams else JSON)
    )


def _garbage(operation: Operation) -> Made:
    if operation.streams:
        return answer(stream(b"data: {nothing of JSON\n\n"))
    return answer(whole("200 OK", b"{nothing of JSON"))


def _garbage_behind(operation: Operation) -> Made:
    return after_content(operation, b"data: {nope\n\n", end=End.STAY) if operation.streams else STREAMS_ONLY


def _mislabelled(operation: Operation) -> Made:
    """Send a good stream as JSON, or good JSON as a stream."""
    if operation.streams:
        return answer(whole("200 OK", operation.events))
    if operation.name == "embeddings":
        return "embeddings are never a stream: whatever its type says, the JSON passes"
    return answer(whole("200 OK", operation.whole, kind=EVENTS))


def _no_stream(operation: Operation) -> Made:
    return answer(whole("200 OK", b'{"id":"cmpl-1"}')) if operation.streams else "no stream was asked for"


def _moved(_: Operation) -> Made:
    return answer(whole("302 Found", b"", "location: http://127.0.0.1:9/"))


def _other_protocol(_: Operation) -> Made:
    return Play(parts=(head("101 Switching Protocols", "upgrade: x", "connection: upgrade"),))


def _row(name: str, play: Plays, expected: Expected | Callable[[Operation], Expected], group: str = CUT) -> Fault:
    return Fault(name=name, group=group, expected=expected, play=play)


CUTS = (
    _row("closed behind the headers", _start(End.CLOSE), BEFORE),
    _row("reset behind the headers", _start(End.RESET), BEFORE),
    _row("nothing, and a proper end", lambda one: answer(stream() if one.streams else whole("200 OK", b"")), BEFORE),
    _row("closed in the middle", _middle(End.CLOSE), _by_place),
    _row("reset in the middle", _middle(End.RESET), _by_place),
    _row("what is no chunk in the middle, and closed", _no_chunk(b"<html>Bad gateway</html>", End.CLOSE), _by_place),
    _row("what is no chunk in the middle, held open", _no_chunk(b"event: ping\n\n", End.STAY), _by_place),
    _row("a chunk that is longer than its size", _no_chunk(b"2\r\nlonger\r\n", End.STAY), _by_place),
    _row("a proper end in the middle", _clean_end, _by_place),
    _row("a proper end within a letter", _in_a_letter, _by_place),
    _row("no `[DONE]` behind the last word", _without_done, COMPLETE),
    _row("a length that is too short", _short, BEFORE),
    _row(
        "a length that is too long",
        _long,
        lambda one: COMPLETE if one.streams else BEFORE,
    ),
    _row("no length at all, as HTTP/1.0 has it", _until_closed, COMPLETE),
    _row("what is no JSON", _garbage, BEFORE, ODD),
    _row("an event that is no JSON behind the first content", _garbage_behind, BEHIND, ODD),
    _row("200 with a page of HTML", lambda _: answer(whole("200 OK", b"<html>Hello</html>", kind=HTML)), BEFORE, ODD),
    _row("another content type", _mislabelled, BEFORE, ODD),
    _row("JSON in place of a stream", _no_stream, BEFORE, ODD),
    _row("gzip that nobody asked for", _packed("gzip", b"\x1f\x8b\x08\x00"), BEFORE, ODD),
    _row("br that nobody asked for", _packed("br", b"\x0b\x02\x80"), BEFORE, ODD),
    _row("302 to another address", _moved, NOWHERE, ODD),
    _row("100 before the answer", _first(head("100 Continue")), COMPLETE, ODD),
    _row("103 before the answer", _first(head("103 Early Hints", "link: </a>; rel=preload")), COMPLETE, ODD),
    _row("101, to speak another protocol", _other_protocol, NOWHERE, ODD),
    _row("204 with nothing", lambda _: answer(head("204 No Content")), BEFORE, ODD),
)
