"""Uploads: forms with the model first or last or wrong, batches line by line, with a length and in chunks."""

import json
from collections.abc import Iterator, Mapping, Sequence

from tests.oracle.case import Case, End, Group, Leave, Read, Reads, Reply, Send, Sleep, Wait
from tests.oracle.corpus import make

_GOOD = make.answer(make.whole("200 OK", {"id": "file-1", "object": "file", "text": "x"}))
_FILE = ("file", '; filename="a.wav"\r\nContent-Type: audio/wav', b"RIFF\x00\xff--part\r\n--part-of-a-for\r\n")
_MODEL = ("model", "", b"MODEL")
_B = make.BOUNDARY.encode()
_BIG = ("file", '; filename="a.wav"', b"0123456789abcdef" * 40_000)
FORMS: Mapping[str, bytes] = {
    "model first": make.form(_MODEL, _FILE, ("language", "", b"de")),
    "model last": make.form(_FILE, ("language", "", b"de"), _MODEL),
    "model alone": make.form(_MODEL),
    "no model": make.form(_FILE),
    "an empty model": make.form(("model", "", b""), _FILE),
    "model twice": make.form(_MODEL, ("model", "", b"other"), _FILE),
    "model with a type": make.form(("model", "\r\nContent-Type: text/plain", b"MODEL"), _FILE),
    "model with a file name": make.form(("model", '; filename="m.txt"', b"MODEL"), _FILE),
    "model with line ends": make.form(("model", "", b"MODEL\r\n"), _FILE),
    "model beyond ASCII": make.form(("model", "", "größer".encode()), _FILE),
    "model that is no UTF-8": make.form(("model", "", b"\xff"), _FILE),
    "a model with a slash": make.form(("model", "", b"a/b"), _FILE),
    "a long model": make.form(("model", "", b"m" * 300), _FILE),
    "a model of 300 KB": make.form(("model", "", b"m" * 300_000), _FILE),
    "a large file first": make.form(_BIG, _MODEL),
    "a large file last": make.form(_MODEL, _BIG),
    "many fields": make.form(*((f"f{number}", "", b"v") for number in range(200)), _MODEL, _FILE),
    "stream": make.form(_MODEL, ("stream", "", b"true"), _FILE),
    "stream last": make.form(_MODEL, _FILE, ("stream", "", b"true")),
    "stream false": make.form(_MODEL, ("stream", "", b"false"), _FILE),
    "stream wrong": make.form(_MODEL, ("stream", "", b"yes"), _FILE),
    "a response format": make.form(_MODEL, ("response_format", "", b"srt"), _FILE),
    "empty": b"",
    "no part": b"--" + _B + b"--\r\n",
    "no last boundary": make.form(_MODEL, _FILE)[: -len(_B) - 6],
    "cut in a header": make.form(_FILE, _MODEL)[:-60],
    "a preamble": b"before\r\n" + make.form(_MODEL, _FILE),
    "an epilogue": make.form(_MODEL, _FILE) + b"behind\r\n",
    "line feeds": make.form(_MODEL, _FILE).replace(b"\r\n", b"\n"),
    "another boundary": make.form(_MODEL, _FILE).replace(_B, b"another"),
    "spaces behind the boundary": make.form(_MODEL, _FILE).replace(b"--" + _B + b"\r\n", b"--" + _B + b"  \r\n"),
    "no disposition": b"--" + _B + b"\r\nX-A: b\r\n\r\nv\r\n" + make.form(_MODEL, _FILE),
    "a part without headers": b"--" + _B + b"\r\n\r\nv\r\n" + make.form(_MODEL, _FILE),
    "a part with a long header": b"--"
    + _B
    + b"\r\nX-A: "
    + b"b" * 70_000
    + b"\r\n\r\nv\r\n"
    + make.form(_MODEL, _FILE),
    "names without quotes": make.form(_MODEL, _FILE).replace(b'name="model"', b"name=model"),
    "names in single quotes": make.form(_MODEL, _FILE).replace(b'name="model"', b"name='model'"),
    "an escaped name": make.form(_MODEL, _FILE).replace(b'name="model"', b'name="mo\\"del"'),
    "a name with a star": make.form(_MODEL, _FILE).replace(b'name="model"', b"name*=UTF-8''model"),
    "a lower-case header": make.form(_MODEL, _FILE).replace(b"Content-Disposition", b"content-disposition"),
    "a name in capitals": make.form(("MODEL", "", b"x"), _FILE).replace(b'name="MODEL"', b'name="Model"'),
    "session": make.form(("sdp", "", b"v=0"), ("session", "", b'{"model":"MODEL"}')),
    "session without a model": make.form(("sdp", "", b"v=0"), ("session", "", b"{}")),
    "session that is no JSON": make.form(("sdp", "", b"v=0"), ("session", "", b"{no")),
    "an image": make.form(("image[]", '; filename="a.png"', b"PNG"), ("prompt", "", b"hi"), _MODEL),
}
_TYPES = (
    "multipart/form-data",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary="part-of-a-form"',
    "Multipart/Form-Data; Boundary=part-of-a-form",
    "multipart/form-data; charset=utf-8; boundary=part-of-a-form",
    "multipart/form-data; boundary=part-of-a-form; a=b",
    "multipart/form-data; boundary=" + "b" * 200,
    "multipart/form-data; boundary=a b",
    "multipart/mixed; boundary=part-of-a-form",
    "application/octet-stream",
    "application/sdp",
    "application/json",
    None,
)
_PATHS = {
    "transcription": "/v1/audio/transcriptions",
    "translation": "/v1/audio/translations",
    "image edit": "/v1/images/edits",
    "video": "/v1/videos",
    "call": "/v1/realtime/calls",
    "file": "/v1/files",
    "container file": "/v1/containers/cntr_1/files",
    "upload part": "/v1/uploads/upload_1/parts",
    "deployment": "/openai/deployments/MODEL/audio/transcriptions",
}


def _line(number: int, model: str = "MODEL", more: str = "") -> bytes:
    body = f'{{"model":"{model}"{more}}}'
    return f'{{"custom_id":"{number}","method":"POST","url":"/chat/completions","body":{body}}}'.encode()


LINES: Mapping[str, bytes] = {
    "one": _line(1),
    "one with an end": _line(1) + b"\n",
    "three": b"\n".join(_line(number) for number in range(3)) + b"\n",
    "mapped": _line(1, "alias") + b"\n" + _line(2, "alias-longer") + b"\n",
    "CRLF": b"\r\n".join(_line(number) for number in range(3)) + b"\r\n",
    "blank lines": b"\n\n" + _line(1) + b"\n  \n" + _line(2) + b"\n\n",
    "a byte order mark": b"\xef\xbb\xbf" + _line(1) + b"\n",
    "nothing": b"",
    "no JSON": _line(1) + b"\nnope\n",
    "a list": b"[1]\n",
    "no body": b'{"custom_id":"1"}\n',
    "a body that is no object": b'{"body":"x"}\n',
    "no model": b'{"body":{"input":"x"}}\n',
    "a wrong model": b'{"body":{"model":7}}\n',
    "a model that cannot be": _line(1, "a/b") + b"\n",
    "spaces": b' { "body" : { "x":1 , "model" : "alias" } } \n',
    "escapes": _line(1, "\\u0061lias") + b"\n",
    "no UTF-8": b'{"body":{"model":"alias","x":"\xff"}}\n',
    "many": b"".join(_line(number, "alias") + b"\n" for number in range(5000)),
    "a long line": _line(1, "alias", ',"x":"' + "x" * 500_000 + '"') + b"\n",
    "a tagged file": _line(1, "alias", ',"previous_response_id":"resp_1~abcd"') + b"\n",
}


def groups() -> Iterator[Group]:
    """Yield the groups."""
    mapper = {"AZURE_OPENAI_MODEL_MAPPER": "alias=the-deployment,alias-longer=d"}
    yield make.group("uploads-forms", make.one_resource(**mapper), _forms({"azure": [_GOOD]}))
    two = make.resources(
        make.entry("one", models={"alias": "first"}, default_deployment="one-default"),
        make.entry("two", priority=1, models={"alias": "second"}),
    )
    yield make.group("uploads-forms-two", two, _forms({"one": [_GOOD], "two": [_GOOD]}), "one", "two")
    failing = {"one": [make.answer(make.whole("500 No", b"{}"))], "two": [_GOOD]}
    restless = two | {"AZURE_OPENAI_ROUTING": json.dumps(make.RESTLESS)}
    yield make.group("uploads-forms-spill", restless, _some_forms(failing), "one", "two")
    yield make.group("uploads-batches", make.one_resource(**mapper), _batches({"azure": [_GOOD]}))
    yield make.group("uploads-batches-two", two, _batches({"one": [_GOOD], "two": [_GOOD]}), "one", "two")
    yield make.group("uploads-odd", make.one_resource(**mapper), _odd())
    hasty = make.one_resource(UPSTREAM_FIRST_BYTE_TIMEOUT="1", UPSTREAM_TOTAL_TIMEOUT="2")
    yield make.group("uploads-slow", hasty, _slow())


def _post(
    name: str,
    path: str,
    body: bytes,
    replies: Mapping[str, Sequence[Reply]],
    size: int = 0,
    kind: str | None = make.FORM,
) -> Case:
    """Return an upload, in chunks of `size` unless that is 0."""
    if not size:
        return make.call(name, "POST", path, body, headers={"content-type": kind}, replies=replies)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    raw = make.chunked(name, "POST", path, pieces, {"content-type": kind})
    return make.raw(name, Send(raw), Read(), replies=replies)


def _forms(replies: Mapping[str, Sequence[Reply]]) -> Iterator[Case]:
    for operation, path in _PATHS.items():
        for what, body in FORMS.items():
            yield _post(f"{operation} {what}", path, body, replies)
    for operation in ("transcription", "image edit", "file"):
        for what, body in FORMS.items():
            for size in (1, 64, 4096) if len(body) < 2000 else (10_000,):
                # `MODEL` must not stand across two chunks.
                whole = body.replace(b"MODEL", b"one-model")
                yield _post(f"{operation} {what} in chunks of {size}", _PATHS[operation], whole, replies, size)
        for kind in _TYPES:
            yield _post(f"{operation} as {kind}", _PATHS[operation], FORMS["model first"], replies, 0, kind)


def _some_forms(replies: Mapping[str, Sequence[Reply]]) -> Iterator[Case]:
    for operation, path in _PATHS.items():
        for what in ("model first", "model last", "a large file first", "a large file last", "session"):
            yield _post(f"{operation} {what}", path, FORMS[what], replies)
            whole = FORMS[what].replace(b"MODEL", f"m-{operation}-{what}".replace(" ", "-").encode())
            yield _post(f"{operation} {what} in chunks", path, whole, replies, 4096)


def _batches(replies: Mapping[str, Sequence[Reply]]) -> Iterator[Case]:
    for what, lines in LINES.items():
        for order in ("purpose first", "purpose last"):
            parts = [("purpose", "", b"batch"), ("file", '; filename="a.jsonl"', lines)]
            body = make.form(*(parts if order == "purpose first" else parts[::-1]))
            yield _post(f"{what}, {order}", "/v1/files", body, replies)
            whole = body.replace(b"MODEL", b"one-model")
            for size in (7, 1000) if len(lines) < 2000 else (60_000,):
                yield _post(f"{what}, {order}, in chunks of {size}", "/v1/files", whole, replies, size)
    for purpose in (b"assistants", b"fine-tune", b"Batch", b"batch ", b""):
        body = make.form(("purpose", "", purpose), ("file", '; filename="a.jsonl"', LINES["mapped"]))
        yield _post(f"purpose {purpose!r}", "/v1/files", body, replies)
    expires = make.form(
        ("purpose", "", b"batch"), ("expires_after[anchor]", "", b"created_at"), ("file", "", LINES["mapped"])
    )
    yield _post("expires", "/v1/files", expires, replies)
    twice = make.form(("purpose", "", b"batch"), ("file", "", LINES["one"]), ("file", "", LINES["mapped"]))
    yield _post("two files", "/v1/files", twice, replies)


def _odd() -> Iterator[Case]:
    """Yield uploads that Azure answers early, or that clients send slowly or not to the end."""
    path, body = _PATHS["transcription"], FORMS["a large file last"]
    refused = make.whole("413 Too Large", make.error("413"), "connection: close")
    early = Reply((Send(refused), Sleep(0.5)), End.CLOSE, Reads.HEAD)
    yield _post("answered early and closed", path, body, {"azure": [early]})
    name = "answered early"
    raw = make.chunked(name, "POST", path, [FORMS["model first"], b"x" * 5000], {"content-type": make.FORM})
    early = Reply((Send(make.whole("400 No", make.error("400"))), Wait("client end")), End.HOLD, Reads.HEAD)
    yield make.raw(name, Send(raw[:-3000]), Read(seconds=6.0), Send(raw[-3000:]), Sleep(0.2), replies=[early])
    for name, replies in (("slow", [_GOOD]), ("slow with a failure", [make.answer(make.whole("500 No", b"")), _GOOD])):
        raw = make.chunked(
            name, "POST", path, [FORMS["model first"][:80], FORMS["model first"][80:]], {"content-type": make.FORM}
        )
        yield make.raw(name, Send(raw[:-150]), Sleep(0.3), Send(raw[-150:]), Read(), replies=replies)
    for how in (Leave.CLOSE, Leave.RESET):
        for target in ("transcription", "file", "container file"):
            name = f"{target} left in a chunk, {how.value}"
            raw = make.chunked(
                name, "POST", _PATHS[target], [FORMS["model first"], b"x" * 50_000], {"content-type": make.FORM}
            )
            reply = Reply((Wait("closed"), Wait("line")), End.HOLD)
            yield make.raw(
                name, Send(raw[:-20_000]), Wait("asked head", 1.0), Sleep(0.1), how, Wait("line", 2.0), replies=[reply]
            )
    name = "a chunk that is none"
    raw = make.chunked(name, "POST", path, [FORMS["model first"]], {"content-type": make.FORM})
    yield make.raw(name, Send(raw[:-5] + b"zz\r\n"), Read(seconds=5.0), replies=[_GOOD])
    for encoding in ("gzip", "identity", "br"):
        yield make.call(
            f"encoded {encoding}",
            "POST",
            path,
            FORMS["model first"],
            headers={"content-type": make.FORM, "content-encoding": encoding},
            replies=[_GOOD],
        )
    for kind in ("application/octet-stream", "application/json", "text/plain"):
        for target in ("container file", "upload part", "call", "transcription"):
            yield make.call(
                f"{target} with bytes as {kind}",
                "POST",
                _PATHS[target] + "?model=MODEL&x=1",
                b"v=0\r\nbytes",
                headers={"content-type": kind},
                replies=[_GOOD],
            )
    streamed = make.stream(
        b'data: {"type":"transcript.text.delta","delta":"a"}\n\n',
        b'data: {"type":"transcript.text.done","text":"a"}\n\n',
    )
    yield _post("answered with events", path, FORMS["stream"], {"azure": [make.answer(streamed)]})
    yield _post("events without asking", path, FORMS["model first"], {"azure": [make.answer(streamed)]})
    yield _post(
        "text",
        path,
        FORMS["a response format"],
        {"azure": [make.answer(make.whole("200 OK", b"1\n00:00 --> 00:01\n", kind="text/plain"))]},
    )
    for status in ("400 No", "401 No", "404 No", "429 No", "500 No", "503 No"):
        yield _post(
            f"refused with {status}",
            path,
            FORMS["model first"],
            {"azure": [make.answer(make.whole(status, make.error(status[:3], "It is said."))), _GOOD]},
        )
    broken = Reply((Send(b"HTTP/1.1 2x0 OK\r\n\r\n"),), End.HOLD)
    yield _post("garbage", path, FORMS["model first"], {"azure": [broken, _GOOD]})
    yield _post(
        "throttled shortly",
        path,
        FORMS["model first"],
        {"azure": [make.answer(make.whole("429 No", make.error("429"), "retry-after-ms: 20")), _GOOD]},
    )
    yield _post(
        "throttled shortly, in chunks",
        path,
        FORMS["model first"].replace(b"MODEL", b"shortly"),
        {"azure": [make.answer(make.whole("429 No", make.error("429"), "retry-after-ms: 20")), _GOOD]},
        50,
    )


def _slow() -> Iterator[Case]:
    path = _PATHS["transcription"]
    silent = Reply((Wait("line"),), End.HOLD)
    yield _post("never answered", path, FORMS["model first"], {"azure": [silent]})
    yield _post(
        "never answered, in chunks", path, FORMS["model first"].replace(b"MODEL", b"slow"), {"azure": [silent]}, 64
    )
    for name in ("stops in the middle", "stops in the middle of a file"):
        target = path if name.endswith("middle") else _PATHS["file"]
        raw = make.chunked(name, "POST", target, [FORMS["model first"], b"x" * 1000], {"content-type": make.FORM})
        yield make.raw(name, Send(raw[:-300]), Read(seconds=8.0), replies=[silent])
    name = "takes long"
    raw = make.chunked(name, "POST", path, [FORMS["model first"]], {"content-type": make.FORM})
    yield make.raw(name, Send(raw[:-100]), Sleep(1.4), Send(raw[-100:]), Read(), replies=[_GOOD])
