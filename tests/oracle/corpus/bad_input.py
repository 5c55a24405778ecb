"""What clients send that is wrong or unusual: JSON, headers, keys, methods, paths, framing."""

from collections.abc import Iterator, Mapping

from tests.oracle.case import Case, Group, Read, Send, Sleep, key_of
from tests.oracle.corpus import make

_GOOD = [make.answer(make.whole("200 OK", {"id": "x", "choices": []}))]
_PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "completions": "/v1/completions",
    "speech": "/v1/audio/speech",
    "images": "/v1/images/generations",
    "session": "/v1/realtime/client_secrets",
    "eval run": "/v1/evals/eval_1/runs",
    "transcription": "/v1/audio/transcriptions",
    "batch": "/v1/batches",
}
_BODIES: Mapping[str, bytes] = {
    "empty": b"",
    "space": b"  ",
    "no JSON": b"{nope",
    "cut": b'{"model":"MODEL","messages":[',
    "a list": b'[{"model":"MODEL"}]',
    "a string": b'"MODEL"',
    "null": b"null",
    "a number": b"7",
    "true": b"true",
    "trailing": b'{"model":"MODEL"} x',
    "trailing comma": b'{"model":"MODEL",}',
    "two documents": b'{"model":"MODEL"}{"model":"MODEL"}',
    "single quotes": b"{'model':'MODEL'}",
    "NaN": b'{"model":"MODEL","x":NaN}',
    "a byte order mark": b'\xef\xbb\xbf{"model":"MODEL"}',
    "UTF-16": '{"model":"MODEL"}'.encode("utf-16"),
    "no UTF-8": b'{"model":"MODEL","input":"\xff"}',
    "no UTF-8 in the model": b'{"model":"\xff"}',
    "a lone surrogate": b'{"model":"MODEL","input":"\\ud800"}',
    "a lone surrogate in the model": b'{"model":"\\ud800"}',
    "a nul": b'{"model":"MODEL","input":"\\u0000"}',
    "a control character": b'{"model":"MODEL","input":"\x01"}',
    "deep": b'{"model":"MODEL","input":' + b"[" * 2000 + b"]" * 2000 + b"}",
    "deeper": b'{"model":"MODEL","input":' + b"[" * 200_000,
    "members twice": b'{"model":"a","model":"MODEL"}',
    "an escaped name": b'{"m\\u006fdel":"MODEL"}',
    "spaces": b' {\n"model" :\t"MODEL" , "input" : "x" }\r\n',
    "a big number": b'{"model":"MODEL","x":1e999,"y":123456789012345678901234567890}',
    "no model": b'{"input":"x"}',
    "an empty model": b'{"model":""}',
    "a null model": b'{"model":null}',
    "a number for a model": b'{"model":4}',
    "a list for a model": b'{"model":["MODEL"]}',
    "an object for a model": b'{"model":{}}',
    "a model with a slash": b'{"model":"a/b"}',
    "a model with dots": b'{"model":".."}',
    "a model with a space": b'{"model":"a b"}',
    "a model with a query": b'{"model":"a?b#c%2f"}',
    "a model beyond ASCII": '{"model":"größer"}'.encode(),
    "a long model": b'{"model":"' + b"m" * 300 + b'"}',
    "a model of 65": b'{"model":"' + b"m" * 65 + b'"}',
    "stream as text": b'{"model":"MODEL","stream":"true"}',
    "stream as a number": b'{"model":"MODEL","stream":1}',
    "stream null": b'{"model":"MODEL","stream":null}',
    "stream false": b'{"model":"MODEL","stream":false}',
    "n as text": b'{"model":"MODEL","n":"2","stream":true}',
    "n of 0": b'{"model":"MODEL","n":0}',
    "n below 0": b'{"model":"MODEL","n":-1}',
    "n of 1.5": b'{"model":"MODEL","n":1.5}',
    "n of a million": b'{"model":"MODEL","n":1000000}',
    "n null": b'{"model":"MODEL","n":null}',
    "prompts": b'{"model":"MODEL","n":2,"prompt":["a","b"]}',
    "store true": b'{"model":"MODEL","store":true}',
    "background": b'{"model":"MODEL","background":true}',
    "an image tool": b'{"model":"MODEL","tools":[{"type":"image_generation","model":"img-MODEL"}]}',
    "wrong tools": b'{"model":"MODEL","tools":{"type":"image_generation"}}',
    "a session": b'{"session":{"model":"MODEL"}}',
    "a session without a model": b'{"session":{}}',
    "a wrong session": b'{"session":"MODEL"}',
    "a data source": b'{"data_source":{"model":"MODEL"}}',
    "a wrong data source": b'{"data_source":[]}',
    "a sse format": b'{"model":"MODEL","stream_format":"sse"}',
    "a tag of nobody": b'{"model":"MODEL","previous_response_id":"resp_1~abcd"}',
    "large": b'{"model":"MODEL","input":"' + b"x" * 400_000 + b'"}',
}


def groups() -> Iterator[Group]:
    """Yield the groups."""
    yield make.group("bad-json", make.one_resource(), _json())
    yield make.group("bad-keys", make.one_resource(), _keys(), serial=True)
    yield make.group("bad-http", make.one_resource(), _http(), serial=True)
    yield make.group("bad-headers", make.one_resource(), _headers(), serial=True)
    yield make.group("bad-paths", make.one_resource(), _paths(), serial=True)
    yield make.group("bad-size", make.one_resource(MAX_JSON_BODY_BYTES="100"), _sizes())


def _json() -> Iterator[Case]:
    for operation, path in _PATHS.items():
        for what, body in _BODIES.items():
            yield make.call(f"{operation} {what}", "POST", path, body, replies=_GOOD)
    for what in ("no JSON", "no model", "spaces", "stream as text"):
        for prefix in ("/openai/deployments/MODEL", "/v1/engines/MODEL"):
            path = f"{prefix}/chat/completions"
            yield make.call(f"{prefix} {what}", "POST", path, _BODIES[what], replies=_GOOD)
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "application/json; charset=utf-16",
        "APPLICATION/JSON",
        None,
    ):
        headers = {"content-type": kind}
        yield make.call(
            f"as {kind}", "POST", "/v1/chat/completions", {"model": "MODEL"}, headers=headers, replies=_GOOD
        )
        yield make.call(
            f"a form as {kind}", "POST", "/v1/audio/transcriptions", {"model": "MODEL"}, headers=headers, replies=_GOOD
        )


def _keys() -> Iterator[Case]:
    paths = ("/v1/chat/completions", "/v1/models", "/v1/nowhere", "/health", "/", "/v1/moderations")
    for path in paths:
        method, body = ("POST", {"model": "MODEL"}) if "chat" in path or "moder" in path else ("GET", None)
        for what, headers in _ways_in(f"{path} ").items():
            name = f"{path} {what}"
            mine = {key: value and value.replace("KEY", key_of(name)) for key, value in headers.items()}
            yield make.call(name, method, path, body, headers=mine, replies=_GOOD)


def _ways_in(path: str) -> Mapping[str, make.Headers]:
    return {
        "no key": {"authorization": None},
        "an empty key": {"authorization": ""},
        "a scheme alone": {"authorization": "Bearer"},
        "a wrong key": {"authorization": "Bearer sk-wrong"},
        "another scheme": {"authorization": "Basic KEY"},
        "no scheme": {"authorization": "KEY"},
        "a lower-case scheme": {"authorization": "bearer KEY"},
        "two spaces": {"authorization": "Bearer   KEY  "},
        "a tab": {"authorization": "Bearer\tKEY"},
        "an api-key": {"authorization": None, "api-key": "KEY"},
        "a wrong api-key": {"authorization": None, "api-key": "no"},
        "the same twice": {"api-key": "KEY", "authorization": "Bearer KEY"},
        "two keys": {"api-key": "other", "authorization": "Bearer KEY"},
        "an empty api-key": {"api-key": "", "authorization": "Bearer KEY"},
        "x-api-key": {"authorization": None, "x-api-key": "KEY"},
        "a long key": {"authorization": "Bearer " + "k" * 9000},
        "a key in capitals": {"authorization": "Bearer SK-WRONG"},
    }


def _chat(name: str, headers: make.Headers | None = None) -> bytes:
    return make.request(name, "POST", "/v1/chat/completions", {"model": "MODEL"}, headers)


def _http() -> Iterator[Case]:
    raws: Mapping[str, bytes] = {
        "HTTP/1.0": _chat("HTTP/1.0").replace(b"HTTP/1.1", b"HTTP/1.0"),
        "HTTP/2.0": _chat("HTTP/2.0").replace(b"HTTP/1.1", b"HTTP/2.0"),
        "no version": b"GET /health\r\n\r\n",
        "no host": _chat("no host", {"host": None}),
        "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        "line feeds": _chat("line feeds").replace(b"\r\n", b"\n"),
        "a length that is no number": _chat("a length that is no number", {"content-length": "x"}),
        "a length below 0": _chat("a length below 0", {"content-length": "-1"}),
        "a length with a plus": _chat("a length with a plus", {"content-length": "+9"}),
        "a short length": _chat("a short length", {"content-length": "9"}),
        "a length and chunks": make.chunked(
            "a length and chunks", "POST", "/v1/chat/completions", [b'{"model":"MODEL"}'], {"content-length": "17"}
        ),
        "a folded header": _chat("a folded header", {"x-a": "a\r\n b"}),
        "a header without a colon": _chat("a header without a colon").replace(
            b"host: proxy.test", b"host: proxy.test\r\nnonsense"
        ),
        "a space before the colon": _chat("a space before the colon").replace(
            b"host: proxy.test", b"host : proxy.test"
        ),
        "a wrong chunk": make.chunked("a wrong chunk", "POST", "/v1/chat/completions", [b"{}"]).replace(
            b"2\r\n", b"zz\r\n"
        ),
        "chunk extensions": make.chunked(
            "chunk extensions", "POST", "/v1/chat/completions", [b'{"model":"MODEL"}']
        ).replace(b"11\r\n", b"11;a=b\r\n"),
        "trailers": make.chunked("trailers", "POST", "/v1/chat/completions", [b'{"model":"MODEL"}'])[:-2]
        + b"x-trailer: 1\r\n\r\n",
        "gzip": _chat("gzip", {"content-encoding": "gzip"}),
        "identity": _chat("identity", {"content-encoding": "identity"}),
        "chunked gzip": _chat("chunked gzip", {"transfer-encoding": "gzip, chunked"}),
        "a lower-case method": _chat("a lower-case method").replace(b"POST", b"post", 1),
        "an upgrade": make.request(
            "an upgrade",
            "GET",
            "/v1/realtime?model=MODEL",
            None,
            {
                "connection": "upgrade",
                "upgrade": "websocket",
                "sec-websocket-key": "eA==",
                "sec-websocket-version": "13",
            },
        ),
        "connection close": _chat("connection close", {"connection": "close"}),
        "an absolute target": _chat("an absolute target").replace(b"POST /v1", b"POST http://proxy.test/v1", 1),
        "an asterisk": make.request("an asterisk", "OPTIONS", "*", None),
        "a body with GET": make.request("a body with GET", "GET", "/v1/models", {"model": "MODEL"}),
        "a body with DELETE": make.request("a body with DELETE", "DELETE", "/v1/files/file-1", {"a": 1}),
    }
    for what, raw in raws.items():
        yield make.raw(what, Send(raw), Read(seconds=6.0), replies=_GOOD)
    for method in ("TRACE", "CONNECT", "PURGE", "PROPFIND", "QUERY"):
        yield make.raw(
            method,
            Send(_chat(method).replace(b"POST", method.encode(), 1)),
            Read(seconds=6.0),
            replies=_GOOD,
            method="GET",
        )
    first, second = _chat("pipelined"), _chat("pipelined")
    yield make.raw("pipelined", Send(first + second), Read(), Read(), replies=_GOOD)
    one = _chat("kept alive")
    yield make.raw("kept alive", Send(one), Read(), Send(one), Read(), Send(one), Read(), replies=_GOOD)
    expecting = _chat("expecting", {"expect": "100-continue"})
    cut = expecting.index(b"\r\n\r\n") + 4
    yield make.raw("expecting", Send(expecting[:cut]), Sleep(0.2), Send(expecting[cut:]), Read(), replies=_GOOD)
    yield make.raw(
        "expecting something",
        Send(_chat("expecting something", {"expect": "201-more"})),
        Read(seconds=6.0),
        replies=_GOOD,
    )
    dripped = _chat("byte by byte")
    yield make.raw("byte by byte", *(Send(dripped[at : at + 1]) for at in range(len(dripped))), Read(), replies=_GOOD)


def _headers() -> Iterator[Case]:
    passed = {
        "accept": "text/event-stream",
        "openai-beta": "assistants=v2",
        "openai-organization": "org",
        "idempotency-key": "idem",
        "user-agent": "a client",
        "x-stainless-lang": "python",
        "cookie": "a=b",
        "x-forwarded-for": "1.2.3.4",
        "x-ms-oai-image-generation-deployment": "img",
        "accept-language": "de",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-request-id": "mine",
        "accept-encoding": "gzip, br",
        "te": "trailers",
        "connection": "keep-alive, x-foo",
        "x-foo": "1",
        "forwarded": "for=1",
        "range": "bytes=0-1",
        "if-none-match": "x",
        "origin": "https://page.example",
        "x-ms-invocation-id": "mine",
        "api-version": "2020-01-01",
        "ocp-apim-subscription-key": "k",
    }
    for what, value in passed.items():
        yield make.call(
            f"{what}", "POST", "/v1/chat/completions", {"model": "MODEL"}, headers={what: value}, replies=_GOOD
        )
        yield make.call(f"{what} GET", "GET", "/v1/files", None, headers={what: value}, replies=_GOOD)
    yield make.call(
        "no client request id",
        "POST",
        "/v1/chat/completions",
        {"model": "MODEL"},
        headers={"x-ms-client-request-id": None},
        replies=_GOOD,
    )
    yield make.call(
        "beyond ASCII",
        "POST",
        "/v1/chat/completions",
        {"model": "MODEL"},
        headers={"x-a": "gr\u00f6\u00dfer"},
        replies=_GOOD,
    )
    yield make.call(
        "31 KB", "POST", "/v1/chat/completions", {"model": "MODEL"}, headers={"x-a": "x" * 31_000}, replies=_GOOD
    )
    yield make.call(
        "33 KB", "POST", "/v1/chat/completions", {"model": "MODEL"}, headers={"x-a": "x" * 33_000}, replies=_GOOD
    )
    many = {f"x-{number}": "v" for number in range(300)}
    yield make.call("300 headers", "POST", "/v1/chat/completions", {"model": "MODEL"}, headers=many, replies=_GOOD)
    doubled = _chat("accept twice", {"accept": "a"}).replace(b"accept: a", b"accept: a\r\naccept: b")
    yield make.raw("accept twice", Send(doubled), Read(), replies=_GOOD)
    name = "authorization twice"
    doubled = _chat(name).replace(b"\r\nx-ms", f"\r\nauthorization: Bearer {key_of(name)}\r\nx-ms".encode(), 1)
    yield make.raw(name, Send(doubled), Read(), replies=_GOOD)


def _paths() -> Iterator[Case]:
    targets = (
        *("/", "//", "/v1", "/v1/", "/openai", "/openai/v1/", "/v1/models", "/v1/models/", "/v1//models", "/V1/models"),
        *(
            "/v1/Models",
            "/models",
            "/v1/v1/v1/models",
            "/v1/models/MODEL",
            "/v1/models/a%2Fb",
            "/v1/models/a/b",
            "/v1/models/%",
        ),
        *(
            "/v1/models/%zz",
            "/v1/models/%00",
            "/v1/models/%C3%9F",
            "/v1/models/%FF",
            "/v1/models/..",
            "/v1/../v1/models",
        ),
        *(
            "/v1/./models",
            "/v1/models/.",
            "/v1/models;x=1",
            "/v1/models?limit=1",
            "/v1/models#x",
            "/v1/models?a=%zz&&=b&c",
        ),
        *("/v1/files/file-1%2Fcontent", "/v1/files/file-1%2fcontent", "/v1/files/..%2F..%2Fx", "/v1/files/a%5C..%5Cb"),
        *(
            "/v1/files/%2E%2E",
            "/v1/files/a%20b",
            "/v1/files/a%25b",
            "/v1/files/a%3Fb",
            "/v1/files/a+b",
            "/v1/files/~abcd",
        ),
        *(
            "/v1/files/file-1~abcd",
            "/v1/files/a;b=c",
            "/v1/files/a:b@c",
            "/v1/files/a|b",
            "/v1/files/\u00df",
            "/v1/files/a%252Fb",
        ),
        *(
            "/v1/files?after=file-1&limit=3&order=asc",
            "/v1/files?purpose=a%20b&api-key=x&API-KEY=y",
            "/v1/files?api-version=1",
        ),
        *(
            "/v1/files?",
            "/v1/files??",
            "/v1/files?a=b?c=d",
            "/v1/files?x=%26&y=%3D",
            "/v1/files?x=\u00df",
            "/v1/files?after=f~abcd",
        ),
        *(
            "/openai/deployments",
            "/openai/deployments/",
            "/openai/deployments/MODEL",
            "/openai/deployments/MODEL/models",
        ),
        *("/openai/deployments//chat/completions", "/openai/deployments/a%2Fb/chat/completions", "/openai/models"),
        *(
            "/openai/deployments/MODEL/chat/completions?api-version=2020-01-01",
            "/openai/deployments/a b/chat/completions",
        ),
        *(
            "/v1/chat",
            "/v1/chat/",
            "/v1/chat/completions/",
            "/v1/chat/completions/x",
            "/v1/chat/completions/x/messages",
        ),
        *("/v1/realtime", "/v1/realtime?model=MODEL", "/v1/dashboard/billing/usage", "/dashboard/billing/subscription"),
        *(
            "/v1/dashboard/billing/usage?start_date=2020-01-01",
            "/v1/organization/users",
            "/v1/organization",
            "/v1/projects/a/b/c",
        ),
        *(
            "/health",
            "/health/",
            "/v1/health",
            "/HEALTH",
            "/healthz",
            "/robots.txt",
            "/favicon.ico",
            "/admin/host/status",
            "/runtime/x",
        ),
        *(
            "/api/v1/models",
            "/v1/moderations",
            "/v1/images/variations",
            "/v1/uploads",
            "/v1/assistants",
            "/v1/threads/t/messages",
        ),
        *(
            "/v1/" + "a" * 300,
            "/v1/" + "a/" * 200,
            "/" + "a" * 15_000,
            "/" + "a" * 20_000,
            "/v1/files?x=" + "a" * 15_000,
        ),
        *(
            "/v1/responses/resp_1?stream=true&starting_after=3",
            "/v1/responses/resp_1?include[]=a&include[]=b",
            "/v1/responses/",
        ),
        *(
            "/v1/videos/video_1/content?variant=thumbnail",
            "/v1/batches?limit=x",
            "/v1/vector_stores/vs_1/files?filter=a",
        ),
    )
    for number, target in enumerate(targets):
        for method in ("GET", "POST") if len(target) < 200 else ("GET",):
            body = {"model": "MODEL"} if method == "POST" else None
            yield make.call(f"{number} {method} {target[:60]}", method, target, body, replies=_GOOD)


def _sizes() -> Iterator[Case]:
    for path in _PATHS.values():
        for size in (90, 100, 101, 300, 70_000):
            body = b'{"model":"' + b"m" * (size - 12) + b'"}'
            yield make.call(f"{path} {size}", "POST", path, body, replies=_GOOD)
            name = f"{path} {size} in chunks"
            pieces = [body[at : at + 64] for at in range(0, len(body), 64)]
            yield make.raw(name, Send(make.chunked(name, "POST", path, pieces)), Read(), replies=_GOOD)
