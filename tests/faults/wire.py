"""HTTP as it goes over the wire: whole answers, and those that come in chunks."""

from tests.faults.operations import Operation
from tests.faults.raw import End, Play

EVENTS, JSON, HTML = "text/event-stream; charset=utf-8", "application/json", "text/html"
END = b"0\r\n\r\n"
STREAMS_ONLY = "only a stream has events"


def head(status: str, *headers: str) -> bytes:
    """Return a status line and headers; `status` has its reason, as `200 OK`."""
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, "\r\n")).encode()


def whole(status: str, body: bytes, *headers: str, kind: str = JSON) -> bytes:
    """Return an answer with its length."""
    return head(status, f"content-type: {kind}", f"content-length: {len(body)}", *headers) + body


def chunked(kind: str, *headers: str) -> bytes:
    """Return the head of an answer that comes in chunks."""
    return head("200 OK", f"content-type: {kind}", "transfer-encoding: chunked", *headers)


def piece(data: bytes) -> bytes:
    """Return one chunk, nothing for nothing."""
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def stream(*parts: bytes, end: bytes = END) -> bytes:
    """Return a stream, each part in a chunk of its own."""
    return chunked(EVENTS) + b"".join(map(piece, parts)) + end


def good(operation: Operation) -> bytes:
    """Return the answer when all is well."""
    return stream(operation.events) if operation.streams else whole("200 OK", operation.whole)


def answer(raw: bytes) -> Play:
    """Return a whole answer of HTTP, after which the connection goes on."""
    return Play(parts=(raw,), whole=True)


def after_content(operation: Operation, *parts: bytes, end: End = End.CLOSE, last: bytes = b"") -> Play:
    """Return a stream that has said something; then come the parts, and the end once the client has heard it."""
    raw = stream(operation.before + operation.content, *parts, end=last)
    return Play(parts=(raw,), end=end, held=end is End.RESET, whole=last == END and end is End.STAY)
