"""What the tests of the local Functions host talk to: it echoes, streams, waits for signals and fails on request.

The tests keep order with named signals: `/signal/x` sets x, `/await/x` returns once it is set.
"""

import asyncio
import gzip
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import AsyncIterator

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
signals: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
order: list[str] = []
METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS"]


def answer_json(value: object) -> Response:
    return Response(json.dumps(value), media_type="application/json")


@app.route(route="items/{id}", methods=["GET"])
async def item(req: Request) -> Response:
    return answer_json({"function": "item", "params": req.path_params})


@app.route(route="administrators", methods=["GET"])
async def refused_admin(req: Request) -> Response:
    return Response("never")


@app.route(route="runtime/mine", methods=["GET"])
async def refused_runtime(req: Request) -> Response:
    return Response("never")


@app.route(route="{*path}", methods=METHODS)
async def catch_all(req: Request) -> Response:
    verb, _, name = req.path_params.get("path", "").partition("/")
    return await VERBS.get(verb, echo)(req, name)


async def echo(req: Request, name: str) -> Response:
    order.append(f"echo {req.scope['path']}")
    body = await req.body()
    return answer_json(
        {
            "method": req.method,
            "raw_path": req.scope["raw_path"].decode(),
            "query": req.scope["query_string"].decode(),
            "params": req.path_params,
            "headers": [[key.decode(), value.decode()] for key, value in req.scope["headers"]],
            "length": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    )


async def signal(req: Request, name: str) -> Response:
    signals[name].set()
    return Response()


async def wait(req: Request, name: str) -> Response:
    await signals[name].wait()
    return Response(name)


async def tell_order(req: Request, name: str) -> Response:
    return answer_json(order)


async def process(req: Request, name: str) -> Response:
    return answer_json({"pid": os.getpid(), "environ": dict(os.environ)})


async def say(req: Request, name: str) -> Response:
    print(f"the app says {name}")  # noqa: T201 - what is tested
    return Response()


async def stream(req: Request, name: str) -> Response:
    """Yield one chunk, and another once `name` is signalled."""

    async def body() -> AsyncIterator[bytes]:
        try:
            signals[f"{name} started"].set()
            yield b"first"
            await signals[name].wait()
            yield b"second"
            order.append(f"{name} produced")
        except asyncio.CancelledError:
            signals[f"{name} cancelled"].set()
            raise

    return StreamingResponse(body(), media_type="text/event-stream")


async def burst(req: Request, name: str) -> Response:
    """Yield as many chunks as `name` says, letting everything else run in between."""

    async def body() -> AsyncIterator[bytes]:
        for number in range(int(name)):
            yield f"data: {number}\n\n".encode()
            await asyncio.sleep(0)

    return StreamingResponse(body(), media_type="text/event-stream")


async def upload(req: Request, name: str) -> Response:
    """Signal the first piece of the body and how the body ended."""
    length = 0
    order.append(f"{name} reached")
    try:
        async for piece in req.stream():
            length += len(piece)
            signals[f"{name} piece"].set()
    except Exception:
        signals[f"{name} cut"].set()
        raise
    return answer_json({"length": length})


async def early(req: Request, name: str) -> Response:
    """Answer without reading the body."""
    signals[f"{name} answered"].set()
    return Response("early", headers={"x-early": "yes"})


async def patient(req: Request, name: str) -> Response:
    """Return nothing until `name` is signalled; tell when the client is seen to be gone."""
    signals[f"{name} reached"].set()
    try:
        while not await req.is_disconnected() and not signals[name].is_set():  # noqa: ASYNC110 - all there is
            await asyncio.sleep(0.005)
        signals[f"{name} noticed"].set()
        await signals[name].wait()
    except asyncio.CancelledError:
        order.append(f"{name} cancelled")
        raise
    order.append(f"{name} returned")
    signals[f"{name} returned"].set()
    return Response("patience")


async def rich(req: Request, name: str) -> Response:
    """Answer with every header that a careless proxy would touch."""
    response = Response(gzip.compress(b"rich"), status_code=203, media_type="text/x-rich")
    response.headers["content-encoding"] = "gzip"
    response.headers["connection"] = "close"
    response.headers["server"] = "mine"
    response.headers["date"] = "Mon, 01 Jan 2001 00:00:00 GMT"
    response.headers["access-control-allow-origin"] = "https://app.example"
    response.headers.append("set-cookie", "a=1")
    response.headers.append("set-cookie", "b=2")
    return response


async def fail(req: Request, name: str) -> Response:
    raise RuntimeError("the handler is broken")


async def nothing(req: Request, name: str) -> Response:
    return None  # type: ignore[return-value]


async def hollow(req: Request, name: str) -> Response:
    """Fail in the body, before any chunk."""

    async def body() -> AsyncIterator[bytes]:
        raise RuntimeError("the body is broken")
        yield b""

    return StreamingResponse(body())


async def torn(req: Request, name: str) -> Response:
    """Fail in the body, after a chunk and a signal."""

    async def body() -> AsyncIterator[bytes]:
        yield b"first"
        await signals[name].wait()
        raise RuntimeError("the body is broken")

    return StreamingResponse(body())


VERBS = {
    "signal": signal,
    "await": wait,
    "order": tell_order,
    "process": process,
    "say": say,
    "stream": stream,
    "burst": burst,
    "upload": upload,
    "early": early,
    "patient": patient,
    "rich": rich,
    "fail": fail,
    "nothing": nothing,
    "hollow": hollow,
    "torn": torn,
}
