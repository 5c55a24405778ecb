"""How the cases of the corpus are written: requests of clients and answers of Azure as bytes."""

import json
from collections.abc import Iterable, Mapping, Sequence

from tests.oracle.case import (
    AZURE,
    Case,
    ClientStep,
    End,
    Exchange,
    Group,
    Read,
    Reads,
    Reply,
    Resource,
    Send,
    UpstreamStep,
    key_of,
    tag_of,
)

AZURE_KEY = "azure-key-0123456789abcdef"
BOUNDARY = "part-of-a-form"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JSON, EVENTS = "application/json", "text/event-stream; charset=utf-8"
# Many cases share an app; the retries of one shall not use up those of another.
ROUTING: Mapping[str, object] = {"min_retries": 80000}
# Where one target serves many cases that fail.
RESTLESS: Mapping[str, object] = {
    **ROUTING,
    "breaker_failures": 80000,
    "breaker_calls": 80000,
    "min_wait": 0,
    "cooldown": 0,
}
LAST = b"0\r\n\r\n"
Headers = Mapping[str, str | None]
Replies = Sequence[Reply] | Mapping[str, Sequence[Reply]]
"""The answers of the one upstream, or of each by its name."""


def encode(document: object) -> bytes:
    """Return JSON as it is sent."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def head(name: str, method: str, target: str, headers: Headers, body: bytes | None) -> bytes:
    """Return the head of a request; a header that is None is left out."""
    default: dict[str, str | None] = {
        "host": "proxy.test",
        "authorization": f"Bearer {key_of(name)}",
        "x-ms-client-request-id": tag_of(name),
    }
    if body is not None:
        default |= {"content-type": JSON, "content-length": str(len(body))}
    merged = {**default, **{key.lower(): value for key, value in headers.items()}}
    lines = [f"{key}: {value}" for key, value in merged.items() if value is not None]
    return "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "\r\n")).encode("latin-1")


def request(
    name: str, method: str, target: str, body: bytes | object | None = None, headers: Headers | None = None
) -> bytes:
    """Return a request of a case; `MODEL` in it is the model of the case."""
    raw = body if isinstance(body, bytes) or body is None else encode(body)
    if raw is not None:
        raw = raw.replace(b"MODEL", tag_of(name).encode())
    return head(name, method, target.replace("MODEL", tag_of(name)), headers or {}, raw) + (raw or b"")


def call(
    name: str,
    method: str,
    target: str,
    body: bytes | object | None = None,
    *,
    headers: Headers | None = None,
    replies: Replies = (),
    steps: Sequence[ClientStep] | None = None,
) -> Case:
    """Return a case of one request; `steps` are the client's behind the sending."""
    raw = request(name, method, target, body, headers)
    one = Exchange((Send(raw), *(steps or (Read(),))), "HEAD" if method == "HEAD" else "POST")
    return Case(name=name, exchanges=(one,), replies=_by_name(replies))


def _by_name(replies: Replies) -> dict[str, tuple[Reply, ...]]:
    found = replies if isinstance(replies, Mapping) else {AZURE: replies}
    return {where: tuple(each) for where, each in found.items()}


def whole(status: str, body: bytes | object, *headers: str, kind: str | None = JSON) -> bytes:
    """Return an answer of Azure with its length; `status` has its reason, as `200 OK`."""
    raw = body if isinstance(body, bytes) else encode(body)
    typed = (f"content-type: {kind}",) if kind else ()
    return (
        "\r\n".join((f"HTTP/1.1 {status}", *typed, f"content-length: {len(raw)}", *headers, "\r\n")).encode("latin-1")
        + raw
    )


def begun(*headers: str, status: str = "200 OK", kind: str = EVENTS) -> bytes:
    """Return the head of an answer that comes in chunks."""
    lines = (f"HTTP/1.1 {status}", f"content-type: {kind}", "transfer-encoding: chunked", *headers, "\r\n")
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """Return one chunk, nothing for nothing."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def stream(*parts: bytes, end: bytes = LAST, headers: Iterable[str] = ()) -> bytes:
    """Return a stream of Azure, each part in a chunk of its own."""
    return begun(*headers) + b"".join(map(chunk, parts)) + end


def answer(raw: bytes, *more: UpstreamStep, end: End = End.REUSE, reads: Reads = Reads.ALL) -> Reply:
    """Return a reply that sends these bytes."""
    return Reply((Send(raw), *more), end, reads)


def error(code: str, message: str = "Azure says no.", **members: object) -> dict[str, object]:
    """Return an error of Azure."""
    return {"error": {"code": code, "message": message, **members}}


def event(body: object, name: str = "") -> bytes:
    """Return an event as Azure sends it."""
    return (f"event: {name}\n" if name else "").encode() + b"data: " + encode(body) + b"\n\n"


def form(*parts: tuple[str, str, bytes]) -> bytes:
    """Return a form; a part is a name, what follows the name in its header, and the bytes."""
    begins = b"--" + BOUNDARY.encode()
    made = [
        begins + f'\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode() + data + b"\r\n"
        for name, more, data in parts
    ]
    return b"".join(made) + begins + b"--\r\n"


def routing(**numbers: object) -> str:
    """Return the setting of failover's numbers."""
    return json.dumps({**ROUTING, **numbers})


def one_resource(**settings: str) -> dict[str, str]:
    """Return the settings for one resource, with others over them."""
    return {
        "AZURE_OPENAI_ENDPOINT": "{url:azure}",
        "AZURE_OPENAI_API_KEY": AZURE_KEY,
        "CLIENT_KEYS": "{keys}",
        "AZURE_OPENAI_ROUTING": json.dumps(ROUTING),
        **settings,
    }


def entry(name: str, **members: object) -> dict[str, object]:
    """Return an entry of several resources."""
    return {"name": name, "endpoint": f"{{url:{name}}}", "api_key": f"key-of-{name}-0123456789", **members}


def resources(*entries: Mapping[str, object], **settings: str) -> dict[str, str]:
    """Return the settings for several resources, with others over them."""
    return {
        "AZURE_OPENAI_RESOURCES": json.dumps(entries),
        "CLIENT_KEYS": "{keys}",
        "AZURE_OPENAI_ROUTING": json.dumps(ROUTING),
        **settings,
    }


def group(
    name: str,
    environ: Mapping[str, str],
    cases: Iterable[Case],
    *names: str | Resource,
    serial: bool = False,
    at_once: int = 8,
) -> Group:
    """Return a group whose upstreams have these names."""
    made = tuple(one if isinstance(one, Resource) else Resource(name=one) for one in names or (AZURE,))
    return Group(name=name, environ=environ, cases=tuple(cases), resources=made, serial=serial, at_once=at_once)


def chunked(name: str, method: str, target: str, pieces: Iterable[bytes], headers: Headers | None = None) -> bytes:
    """Return a request whose body comes in chunks."""
    mine = {"content-type": JSON, "transfer-encoding": "chunked", **(headers or {})}
    tag = tag_of(name).encode()
    body = b"".join(chunk(piece.replace(b"MODEL", tag)) for piece in pieces)
    return head(name, method, target.replace("MODEL", tag.decode()), mine, None) + body + LAST


def raw(name: str, *steps: ClientStep, replies: Replies = (), method: str = "POST") -> Case:
    """Return a case of one connection whose steps are written out."""
    return Case(name=name, exchanges=(Exchange(steps, method),), replies=_by_name(replies))


def sequence(name: str, *exchanges: Exchange, replies: Mapping[str, Sequence[Reply]], parallel: bool = False) -> Case:
    """Return a case of several connections."""
    return Case(name=name, exchanges=exchanges, replies=_by_name(replies), parallel=parallel)
