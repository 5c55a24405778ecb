"""The raw requests that are sent to every host: one list, by name."""

from collections.abc import Mapping

BODY_LIMIT = 1_000_000
HOST = "Host: public.example"


def request(
    method: str, target: str, *headers: str, body: bytes = b"", version: str = "1.1", host: str = HOST
) -> bytes:
    """Return the bytes of a request; a string stands for its UTF-8."""
    lines = (f"{method} {target} HTTP/{version}", *((host,) if host else ()), *headers, "", "")
    return "\r\n".join(lines).encode() + body


def _targets(*targets: str) -> dict[str, bytes]:
    return {f"GET {target}": request("GET", target) for target in targets}


def _posted(name: str, *headers: str, body: bytes = b"", target: str = "/x") -> dict[str, bytes]:
    return {name: request("POST", target, *headers, body=body)}


CHUNKED = "Transfer-Encoding: chunked"
KEPT = (
    "Authorization: Bearer x",
    "api-key: k",
    "x-functions-key: f",
    "Accept-Encoding: br",
    "x-ms-client-request-id: r",
)
HOP_BY_HOP = ("Connection: x", "Keep-Alive: 5", "TE: trailers", "Proxy-Authorization: Basic x", "Forwarded: for=x")
FORWARDED = ("X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "X-Forwarded-Port: 1")

TARGETS = _targets(
    *("/", "//", "//v1/models", "/v1//models", "/v1/models/", "/api/x", "/~a!$&'()*+,;=:@b"),
    *(
        "/v1/a%2Fb",
        "/v1/a%2fb",
        "/v1/%C3%A9%20",
        "/v1/%41%25",
        "/v1/%FF",
        "/v1/%00",
        "/v1/\N{LATIN SMALL LETTER E WITH ACUTE}",
    ),
    *(
        "/v1/../x",
        "/v1/./x",
        "/v1/%2e%2e/x",
        "/../../x",
        "/v1/x/..",
        "/v1/.hidden",
        "/v1/x%zz",
        "/v1/a%5Cb",
        "/v1/a\\b",
    ),
    *("/v1/models?code=secret&a=%2F+%C3%A9&&b&a=2", "/v1/models?a[]=1&b='|{}?", "/v1/models?", "/v1/models#x"),
    *(
        "/admin/host/status",
        "/admin/host",
        "/admin/host/ping",
        "/admin/host/x",
        "/admin/functions/x",
        "/admin/functions",
    ),
    *("/ADMIN/functions", "/ADMIN/host/ping", "/admin/x", "/admin", "/administrators"),
    *("/runtime/x", "/runtime/webhooks/x", "/runtime/webhooks", "/runtime/webhooks/x/y", "/runtime"),
    *("http://other.example/x", "x", "/" + "x" * 9000),
)
METHODS = {
    f"{method} /x": request(method, "/x", "Content-Length: 0") for method in ("PUT", "PATCH", "BREW", "TRACE", "get")
} | {
    "HEAD /stream": request("HEAD", "/stream"),
    "HEAD /rich": request("HEAD", "/rich"),
    "HEAD /empty": request("HEAD", "/empty"),
    "HEAD //": request("HEAD", "//"),
    "OPTIONS *": request("OPTIONS", "*"),
    "CONNECT": request("CONNECT", "other.example:443"),
    "POST /admin/host/ping": request("POST", "/admin/host/ping", "Content-Length: 0"),
    "POST /runtime/webhooks/x": request("POST", "/runtime/webhooks/x", "Content-Length: 0"),
    "OPTIONS without Origin": request("OPTIONS", "/x"),
}
HEADERS = {
    "headers that pass": request("GET", "/x", *KEPT),
    "hop-by-hop headers": request("GET", "/x", *HOP_BY_HOP),
    "forwarding headers": request("GET", "/x", *FORWARDED),
    "a header twice": request("GET", "/x", "X-Tag: a", "X-Other: o", "x-tag: b"),
    "two cookies": request("GET", "/x", "Cookie: a=1", "Cookie: b=2"),
    "two accepts": request("GET", "/x", "Accept: text/plain", "Accept: text/html"),
    "an empty header": request("GET", "/x", "X-Empty:"),
    "spaces around a value": request("GET", "/x", "X-Spaced:   a  b  "),
    "a user agent": request("GET", "/x", "User-Agent: me/1.0 (x)"),
    "an Upgrade": request("GET", "/x", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    "40 KB of headers": request("GET", "/x", *(f"X-{number}: {'x' * 8000}" for number in range(5))),
    "30 KB in one header": request("GET", "/x", f"X-Long: {'x' * 30_000}"),
    "101 headers": request("GET", "/x", *(f"X-{number}: x" for number in range(101))),
    "a Latin-1 value": b"GET /x HTTP/1.1\r\nHost: public.example\r\nX-Name: \xe9\r\n\r\n",
    "no Host": request("GET", "/x", host=""),
    "two Hosts": request("GET", "/x", "Host: other.example"),
    "a space before the colon": request("GET", "/x", "X-Spaced : a"),
    "a folded header": request("GET", "/x", "X-Folded: a", " b"),
    "no colon": request("GET", "/x", "X-Nothing"),
    "a NUL in a value": request("GET", "/x", "X-Nul: a\0b"),
    "a tab in a value": request("GET", "/x", "X-Tab: a\tb"),
}
BODIES = (
    _posted("a body with a length", "Content-Length: 5", "Content-Type: text/plain", body=b"12345")
    | _posted("a chunked body", CHUNKED, body=b"3\r\n123\r\n2\r\n45\r\n0\r\n\r\n")
    | _posted("a chunk extension and a trailer", CHUNKED, body=b"3;a=b\r\n123\r\n0\r\nX-Trailer: a\r\n\r\n")
    | _posted("no body and no length")
    | _posted("a length and chunked", "Content-Length: 99", CHUNKED, body=b"3\r\n123\r\n0\r\n\r\n")
    | _posted("a wrong chunk size", CHUNKED, body=b"zz\r\n123\r\n0\r\n\r\n")
    | _posted("a negative length", "Content-Length: -1")
    | _posted("two lengths", "Content-Length: 1", "Content-Length: 2", body=b"12")
    | _posted("another transfer coding", "Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n")
    | _posted("a compressed body", "Content-Encoding: gzip", "Content-Length: 4", body=b"gzip")
    | _posted("JSON", "Content-Type: application/json", "Content-Length: 7", body=b'{"a":1}')
    | _posted("JSON that is none", "Content-Type: application/json", "Content-Length: 2", body=b"{a")
    | _posted("a form", "Content-Type: application/x-www-form-urlencoded", "Content-Length: 3", body=b"a=1")
    | _posted("Expect with the body at once", "Expect: 100-continue", "Content-Length: 2", body=b"{}")
    | _posted("Expect with a chunked body at once", "Expect: 100-continue", CHUNKED, body=b"2\r\n{}\r\n0\r\n\r\n")
    | _posted("another expectation", "Expect: x", "Content-Length: 2", body=b"{}")
    | _posted("a length over the limit", f"Content-Length: {BODY_LIMIT + 1}", "Expect: 100-continue")
    | _posted("a body over the limit", f"Content-Length: {BODY_LIMIT + 1}", body=bytes(BODY_LIMIT + 1))
    | _posted("a body of the limit", f"Content-Length: {BODY_LIMIT}", body=bytes(BODY_LIMIT))
    | _posted(
        "chunks over the limit", CHUNKED, body=b"%x\r\n%s\r\n1\r\nx\r\n0\r\n\r\n" % (BODY_LIMIT, bytes(BODY_LIMIT))
    )
    | _posted("an early answer to a whole upload", "Content-Length: 5", body=b"12345", target="/early")
    | _posted("an early answer to chunks", CHUNKED, body=b"5\r\n12345\r\n0\r\n\r\n", target="/early")
    | {"GET with a body": request("GET", "/x", "Content-Length: 2", body=b"{}")}
)
ANSWERS = _targets(
    *("/rich", "/stream", "/torn", "/hollow", "/fail", "/early", "/empty", "/status/204", "/status/304", "/status/599")
)
VERSIONS = {
    "HTTP/1.0": request("GET", "/x", version="1.0"),
    "HTTP/1.0 without Host": request("GET", "/x", version="1.0", host=""),
    "HTTP/1.0 keep-alive": request("GET", "/x", "Connection: keep-alive", version="1.0"),
    "HTTP/1.0 of a stream": request("GET", "/stream", version="1.0"),
    "HTTP/1.0 of an error": request("GET", "//", version="1.0"),
    "Connection: close": request("GET", "/x", "Connection: close"),
    "Connection: close of a stream": request("GET", "/stream", "Connection: close"),
    "Connection: close of a 404": request("GET", "//", "Connection: close"),
    "HTTP/1.2": request("GET", "/x", version="1.2"),
    "HTTP/3.0": request("GET", "/x", version="3.0"),
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "garbage": b"garbage\r\n\r\n",
    "two at once": request("GET", "/1") + request("GET", "/2"),
    "an empty line first": b"\r\n" + request("GET", "/x"),
    "bare line feeds": b"GET /x HTTP/1.1\nHost: public.example\n\n",
}
_METHOD = "Access-Control-Request-Method: POST"
PREFLIGHTS: Mapping[str, bytes] = {
    "an allowed origin": request("OPTIONS", "/x", "Origin: https://app.example", _METHOD),
    "an allowed origin that asks for headers": request(
        "OPTIONS", "/x", "Origin: https://app.example", _METHOD, "Access-Control-Request-Headers: authorization,x-a"
    ),
    "another origin": request("OPTIONS", "/x", "Origin: https://other.example", _METHOD),
    "a path that no function has": request("OPTIONS", "//x", "Origin: https://app.example", _METHOD),
}
REQUESTS: Mapping[str, bytes] = TARGETS | METHODS | HEADERS | BODIES | ANSWERS | VERSIONS
# What hosts of October 2024 lose: their functions never get the request.
LOST: Mapping[str, bytes] = {
    "a UTF-8 value": request("GET", "/x", "X-Name: \N{LATIN SMALL LETTER E WITH ACUTE}"),
    "an invocation id": request("GET", "/x", "x-ms-invocation-id: mine"),
}
