"""What the raw requests talk to, on every host: it answers with what it got, or as the path says.

It needs no package that the app itself does not need.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable

import azure.functions as func

from proxy.server.worker_extension import Request, Response
from proxy.values import Receive, Scope, Send

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD")
RICH = (
    (b"content-type", b"text/x-rich"),
    (b"content-encoding", b"x-rich"),
    (b"connection", b"close"),
    (b"server", b"mine"),
    (b"date", b"Mon, 01 Jan 2001 00:00:00 GMT"),
    (b"access-control-allow-origin", b"https://app.example"),
    (b"set-cookie", b"a=1"),
    (b"set-cookie", b"b=2"),
)

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.function_name("raw")
@app.route(route="{*path}", methods=METHODS)
async def raw(req: Request) -> Response:
    return Response(answer)


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    await PATHS.get(scope["path"], echo)(scope, receive, send)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with all of the request."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return
        body += message["body"]
        if not message["more_body"]:
            break
    seen = {
        "method": scope["method"],
        "raw_path": scope["raw_path"].decode("latin-1"),
        "query": scope["query_string"].decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "length": len(body),
        "sha256": hashlib.sha256(body).hexdigest(),
    }
    await whole(send, 200, [(b"content-type", b"application/json")], json.dumps(seen).encode())


async def whole(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    length = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
    await send({"type": "http.response.body", "body": body})


async def rich(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with every header that a careless host would touch."""
    await whole(send, 203, list(RICH), b"rich")


def with_status(status: int) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    async def empty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return empty


async def stream(scope: Scope, receive: Receive, send: Send) -> None:
    await start(send)
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"data: second\n\n"})


async def start(send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})


async def torn(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail behind a chunk."""
    await start(send)
    await send({"type": "http.response.body", "body": b"data: first\n\n", "more_body": True})
    await asyncio.sleep(0.3)  # what Microsoft's host still holds when the stream breaks off is lost
    raise RuntimeError("the body is broken")


async def hollow(scope: Scope, receive: Receive, send: Send) -> None:
    """Fail behind the head, before any chunk."""
    await start(send)
    raise RuntimeError("the body is broken")


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("the handler is broken")


async def early(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer without reading the body."""
    await whole(send, 200, [(b"x-early", b"yes")], b"early")


PATHS = {
    "/rich": rich,
    "/stream": stream,
    "/torn": torn,
    "/hollow": hollow,
    "/fail": fail,
    "/early": early,
    "/status/204": with_status(204),
    "/status/304": with_status(304),
    "/status/599": with_status(599),
    "/empty": with_status(200),
}
