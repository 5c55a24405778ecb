"""Connections to Azure that are used again, or that Azure closed meanwhile; one call after the other."""

from collections.abc import Iterator, Mapping

from tests.oracle.case import Case, End, Exchange, Group, Read, Reply, Send, Sleep, Wait
from tests.oracle.corpus import make, streams

_GOOD = make.answer(make.whole("200 OK", {"id": "x", "choices": []}))
_FORM = make.form(("model", "", b"MODEL"), ("file", '; filename="a"', b"RIFF"))
_LARGE = make.form(("model", "", b"MODEL"), ("file", '; filename="a"', b"R" * 500_000))


def groups() -> Iterator[Group]:
    """Yield the groups."""
    yield make.group("connections", make.one_resource(), _cases("azure"), serial=True)
    two = make.resources(make.entry("one"), make.entry("two", priority=1))
    yield make.group("connections-two", two, _cases("one"), "one", "two", serial=True)


def _requests(name: str) -> Mapping[str, bytes]:
    form = {"content-type": make.FORM}
    chunks = [_FORM.replace(b"MODEL", b"a-model")]
    return {
        "chat": make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": []}),
        "chat stream": make.request(
            name, "POST", "/v1/chat/completions", {"model": "MODEL", "stream": True, "messages": []}
        ),
        "large chat": make.request(
            name, "POST", "/v1/chat/completions", {"model": "MODEL", "messages": ["x" * 400_000]}
        ),
        "response": make.request(name, "POST", "/v1/responses", {"model": "MODEL", "input": "x"}),
        "embeddings": make.request(name, "POST", "/v1/embeddings", {"model": "MODEL", "input": "x"}),
        "idempotent": make.request(
            name, "POST", "/v1/images/generations", {"model": "MODEL", "prompt": "x"}, {"idempotency-key": "k"}
        ),
        "file": make.request(name, "GET", "/v1/files/file-1"),
        "delete": make.request(name, "DELETE", "/v1/files/file-1"),
        "batch": make.request(name, "POST", "/v1/batches", {"input_file_id": "file-1"}),
        "download": make.request(name, "GET", "/v1/files/file-1/content"),
        "form": make.request(name, "POST", "/v1/audio/transcriptions", _FORM, form),
        "large form": make.request(name, "POST", "/v1/audio/transcriptions", _LARGE, form),
        "form in chunks": make.chunked(name, "POST", "/v1/audio/transcriptions", chunks, form),
        "file to keep": make.request(
            name, "POST", "/v1/files", make.form(("purpose", "", b"x"), ("file", "", b"y")), form
        ),
    }


def _endings(stream: bool) -> Mapping[str, tuple[Reply, ...]]:
    """Return what Azure does with the second request, once the first has been answered."""
    good = make.answer(make.stream(streams.events_of("CHAT"))) if stream else _GOOD
    raw = good.steps[0]
    closing = Reply((raw, Wait("client end", 1.0)), End.CLOSE)
    told = (
        make.answer(raw.data.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1), end=End.CLOSE)
        if isinstance(raw, Send)
        else good
    )
    return {
        "used again": (good,),
        "reset without an answer": (good, Reply((), End.RESET), good),
        "closed without an answer": (good, Reply((), End.CLOSE), good),
        "reset twice": (good, Reply((), End.RESET), Reply((), End.RESET), good),
        "reset at the first": (Reply((), End.RESET), good),
        "closed while idle": (closing, good),
        "closed as told": (told, good),
        "refused": (good, make.answer(make.whole("400 No", make.error("x"))), good),
    }


def _cases(where: str) -> Iterator[Case]:
    for call in _requests(""):
        for what, replies in _endings("stream" in call).items():
            name = f"{call}, {what}"
            raw = _requests(name)[call]
            again = (Exchange((Send(raw), Read(), Sleep(0.05))),) * 3
            second = {"two": [_GOOD]} if where == "one" else {}
            yield make.sequence(name, *again, replies={where: replies, **second})
