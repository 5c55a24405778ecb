"""The end of the process in the middle of everything."""

from collections.abc import Iterator

from tests.oracle.case import (
    Case,
    ClientStep,
    End,
    Group,
    Mark,
    Read,
    Reply,
    Send,
    Sleep,
    Terminate,
    UpstreamStep,
    Wait,
)
from tests.oracle.corpus import make, streams

_READY = Mark("all ready")
_ASKED = Wait("all terminated", 10.0)


def groups() -> Iterator[Group]:
    """Yield the groups: all goes on within the grace, or nothing does."""
    for name, grace, goes_on in (("in-time", "3", True), ("too-late", "0.5", False)):
        hasty = {"SHUTDOWN_GRACE": grace, "STREAM_HEAD_TIMEOUT": "1.2", "STREAM_KEEP_ALIVE_INTERVAL": "0.3"}
        for layout in ("alone", "two"):
            cases = list(_cases(goes_on, "azure" if layout == "alone" else "one"))
            settings = make.one_resource(**hasty)
            if layout == "two":
                settings = make.resources(make.entry("one"), make.entry("two", priority=1), **hasty)
            ends = [*cases, _terminator(len(cases))]
            names = ("azure",) if layout == "alone" else ("one", "two")
            yield make.group(f"shutdown-{name}-{layout}", settings, ends, *names, at_once=50)
    yield make.group("shutdown-idle", make.one_resource(), [_idle()], at_once=2)


def _terminator(count: int) -> Case:
    """Return the case that ends the process when all others are in the middle, and then asks for more."""
    name = "terminator"
    late = make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": []})
    return make.raw(
        name,
        Wait("all ready", 15.0, count),
        Sleep(0.2),
        Terminate(),
        Sleep(0.2),
        Mark("all terminated"),
        Send(late),
        Read(seconds=5.0),
    )


def _idle() -> Case:
    name = "idle"
    return make.raw(name, Send(make.request(name, "GET", "/health")), Read(), Terminate(), Sleep(0.1), method="GET")


def _case(
    name: str, raw: bytes, where: str, before: tuple[UpstreamStep, ...], rest: bytes, goes_on: bool, *client: ClientStep
) -> Case:
    after: tuple[UpstreamStep, ...] = (_ASKED, Sleep(0.1), Send(rest)) if goes_on else (_ASKED, Wait("closed", 6.0))
    reply = Reply((*before, _READY, *after), End.REUSE if goes_on else End.HOLD)
    good = make.answer(make.whole("200 OK", {"id": "second"}))
    replies = {where: [reply, good]} | ({"two": [good]} if where == "one" else {})
    return make.raw(name, Send(raw), *client, Read(), replies=replies)


def _cases(goes_on: bool, where: str) -> Iterator[Case]:
    whole = make.whole("200 OK", {"id": "x", "choices": []})
    for what, path, members in (
        ("chat", "/v1/chat/completions", {"messages": []}),
        ("response", "/v1/responses", {"input": "x"}),
        ("embeddings", "/v1/embeddings", {"input": "x"}),
    ):
        name = f"{what} that waits"
        yield _case(name, make.request(name, "POST", path, {"model": "MODEL", **members}), where, (), whole, goes_on)
    for stream in streams.RECORDED:
        events = streams.events(stream)
        raw = make.stream(b"".join(events))
        for count in sorted({0, 1, len(events) // 2, len(events)}):
            name = f"behind {count} events"
            begins = make.stream(b"".join(events[:count]), end=b"")
            rest = make.stream(b"".join(events[count:]))[len(make.begun()) :]
            ask = streams.ask(stream, name, [])
            first = ask.exchanges[0].steps[0]
            assert isinstance(first, Send)
            yield _case(ask.name, first.data, where, (Send(begins),), rest, goes_on)
        ask = streams.ask(stream, "that is silent", [])
        first = ask.exchanges[0].steps[0]
        assert isinstance(first, Send)
        yield _case(ask.name, first.data, where, (Sleep(2.0),), raw, goes_on)
    name = "download"
    download = make.request(name, "GET", "/v1/files/file-1/content")
    begun = make.begun(kind="application/octet-stream") + make.chunk(b"first")
    yield _case(name, download, where, (Send(begun),), make.chunk(b"last") + make.LAST, goes_on)
    name = "file by its id"
    yield _case(name, make.request(name, "GET", "/v1/files/file-1"), where, (), whole, goes_on)
    name = "form"
    form = make.form(("model", "", b"MODEL"), ("file", '; filename="a"', b"RIFF"))
    yield _case(
        name,
        make.request(name, "POST", "/v1/audio/transcriptions", form, {"content-type": make.FORM}),
        where,
        (),
        whole,
        goes_on,
    )
    name = "throttled"
    limited = make.whole("429 No", make.error("429"), "retry-after: 2")
    reply = Reply((Send(limited), _READY))
    good = make.answer(whole)
    replies = {where: [reply, good]} | ({"two": [good]} if where == "one" else {})
    yield make.raw(
        name, Send(make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL"})), Read(), replies=replies
    )
    name = "upload that waits for its client"
    raw = make.chunked(
        name,
        "POST",
        "/v1/files",
        [make.form(("purpose", "", b"assistants"), ("file", "", b"x" * 5000))],
        {"content-type": make.FORM},
    )
    steps: tuple[ClientStep, ...] = (Send(raw[:-2000]), Sleep(0.3), _READY, _ASKED, Sleep(0.2))
    yield make.raw(
        name, *steps, *((Send(raw[-2000:]),) if goes_on else ()), Read(seconds=12.0), replies={where: [good]}
    )
