"""Clients that leave: before, in and behind each part of a request and of its answer; and slow ones."""

from collections.abc import Iterator, Mapping

from tests.oracle.case import Case, ClientStep, End, Group, Leave, Mark, Read, Reply, Send, Sleep, Wait
from tests.oracle.corpus import make, streams

_SENT = Mark("sent")
_SOON = Sleep(0.1)
# The app must close its side by itself: the upstream waits, and says whether the line was written meanwhile.
_WAITING = (Wait("closed"), Wait("line"))
_CALLS: Mapping[str, tuple[str, str, object]] = {
    "chat": ("POST", "/v1/chat/completions", {"model": "MODEL", "messages": []}),
    "chat stream": ("POST", "/v1/chat/completions", {"model": "MODEL", "messages": [], "stream": True}),
    "responses": ("POST", "/v1/responses", {"model": "MODEL", "input": "x"}),
    "responses stream": ("POST", "/v1/responses", {"model": "MODEL", "input": "x", "stream": True}),
    "background": ("POST", "/v1/responses", {"model": "MODEL", "input": "x", "background": True}),
    "background stream": (
        "POST",
        "/v1/responses",
        {"model": "MODEL", "input": "x", "stream": True, "background": True},
    ),
    "embeddings": ("POST", "/v1/embeddings", {"model": "MODEL", "input": "x"}),
    "file": ("GET", "/v1/files/file-1", None),
    "download": ("GET", "/v1/files/file-1/content", None),
    "list": ("GET", "/v1/files", None),
    "audio": (
        "POST",
        "/v1/audio/transcriptions",
        make.form(("model", "", b"MODEL"), ("file", '; filename="a"', b"RIFF")),
    ),
    "speech": ("POST", "/v1/audio/speech", {"model": "MODEL", "input": "x", "voice": "y"}),
}


def groups() -> Iterator[Group]:
    """Yield the groups."""
    yield make.group("leaving", make.one_resource(), _all("azure"), at_once=30)
    two = make.resources(make.entry("one"), make.entry("two", priority=1))
    yield make.group("leaving-two", two, [*_all("one"), *_between()], "one", "two", at_once=30)
    late = make.one_resource(STREAM_HEAD_TIMEOUT="0.2", STREAM_KEEP_ALIVE_INTERVAL="0.1")
    yield make.group("leaving-late", late, _late(), at_once=30)


def _headers(call: str) -> make.Headers:
    return {"content-type": make.FORM} if call == "audio" else {}


def _request(name: str, call: str) -> bytes:
    method, target, body = _CALLS[call]
    return make.request(name, method, target, body, _headers(call))


def _all(where: str) -> Iterator[Case]:
    for call in _CALLS:
        for how in Leave:
            yield from _early(call, how, where)
            yield from _answered(call, how, where)
    for name in ("chat", "response", "completion", "image", "speech"):
        for how in Leave:
            yield from _in_stream(name, how, where)
    yield from _slow(where)


def _case(name: str, call: str, how: Leave, where: str, *before: ClientStep, reply: Reply) -> Case:
    after: tuple[ClientStep, ...] = (Read(),) if how is Leave.HALF else ()
    full = f"{call} {name}, {how.value}"
    return make.raw(full, Send(_request(full, call)), *before, how, *after, replies={where: [reply]})


def _early(call: str, how: Leave, where: str) -> Iterator[Case]:
    nothing = Reply((*_WAITING,), End.HOLD)
    yield _case("before anything comes", call, how, where, Wait("asked"), reply=nothing)
    begun = Reply((Send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"), _SENT, *_WAITING), End.HOLD)
    yield _case("within Azure's head", call, how, where, Wait("gate sent"), _SOON, reply=begun)
    for cut in (20, -10):
        name = f"{call} within the request at {cut}, {how.value}"
        raw = _request(name, call)[:cut]
        after: tuple[ClientStep, ...] = (Read(seconds=3.0),) if how is Leave.HALF else ()
        yield make.raw(name, Send(raw), _SOON, how, *after, Sleep(0.2), replies={where: [nothing]})


def _answered(call: str, how: Leave, where: str) -> Iterator[Case]:
    kind = make.EVENTS if "stream" in call else make.JSON
    head = Reply((Send(make.begun(kind=kind)), _SENT, *_WAITING), End.HOLD)
    yield _case("behind Azure's head", call, how, where, Wait("gate sent"), _SOON, reply=head)
    half = Reply((Send(make.begun(kind=kind) + make.chunk(b'{"id":')), _SENT, *_WAITING), End.HOLD)
    yield _case("within the answer", call, how, where, Wait("gate sent"), _SOON, reply=half)
    good = make.answer(make.whole("200 OK", {"id": "x"}))
    yield _case("behind the answer", call, how, where, Read(), reply=good)
    if call in ("file", "download", "list"):
        return  # All calls without a model wait together.
    throttled = Reply((Send(make.whole("429 No", make.error("429"), "retry-after: 2")), _SENT))
    yield _case("while another attempt is due", call, how, where, Wait("gate sent"), _SOON, reply=throttled)


def _in_stream(name: str, how: Leave, where: str) -> Iterator[Case]:
    events = streams.events(name)
    for count in range(1, len(events) + 1):
        sent = make.stream(b"".join(events[:count]), end=b"")
        reply = Reply((Send(sent), _SENT, *_WAITING), End.HOLD)
        case = streams.ask(name, f"behind {count} events, {how.value}", {where: [reply]})
        first = case.exchanges[0].steps[0]
        after: tuple[ClientStep, ...] = (Read(seconds=3.0),) if how is Leave.HALF else ()
        yield make.raw(case.name, first, Wait("gate sent"), Sleep(0.15), how, *after, replies={where: [reply]})
    reply = Reply((Send(make.stream(b"".join(events))),))
    case = streams.ask(name, f"behind the last event, {how.value}", {where: [reply]})
    yield make.raw(case.name, case.exchanges[0].steps[0], Read(), how, Sleep(0.1), replies={where: [reply]})


def _slow(where: str) -> Iterator[Case]:
    """Yield clients that read nothing for a while, of streams that are larger than all buffers."""
    piece = make.chunk(make.event({"choices": [{"index": 0, "delta": {"content": "x" * 60_000}}]}))
    stop = make.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    end = make.chunk(stop + b"data: [DONE]\n\n") + make.LAST
    for call in ("chat stream", "download"):
        reply = Reply((Send(make.begun()), Send(piece, 200), Send(end)))
        name = f"{call} read late"
        yield make.raw(name, Send(_request(name, call)), Sleep(1.0), Read(), replies={where: [reply]})
        name = f"{call} left while it comes"
        endless = Reply((Send(make.begun()), Send(piece, 4000)))
        yield make.raw(
            name, Send(_request(name, call)), Read(b"x" * 9000), Leave.CLOSE, Wait("line"), replies={where: [endless]}
        )


def _between() -> Iterator[Case]:
    """Yield clients that leave while a second resource is asked."""
    for call in _CALLS:
        name = f"{call} at the second resource"
        silent = Reply(_WAITING, End.HOLD)
        failed = make.answer(make.whole("500 No", make.error("500")))
        replies = {"one": [failed], "two": [silent]}
        yield make.raw(name, Send(_request(name, call)), Wait("asked", count=2), Leave.CLOSE, replies=replies)


def _late() -> Iterator[Case]:
    """Yield clients that leave a stream which has a head and comments alone."""
    for call in ("chat stream", "responses stream", "background stream"):
        for how in Leave:
            name = f"{call} in the comments, {how.value}"
            reply = Reply(_WAITING, End.HOLD)
            after: tuple[ClientStep, ...] = (Read(seconds=2.0),) if how is Leave.HALF else ()
            yield make.raw(name, Send(_request(name, call)), Read("head"), _SOON, how, *after, replies=[reply])
            name = f"{call} in the comments behind a refusal, {how.value}"
            reply = Reply((Sleep(0.5), Send(make.whole("429 No", make.error("429"), "retry-after: 2"))))
            yield make.raw(
                name, Send(_request(name, call)), Read("head"), Wait("answered"), _SOON, how, *after, replies=[reply]
            )
