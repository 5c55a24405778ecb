"""Streams that say a last word when the process is asked to end, as a careful app does."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import azure.functions as func
from azurefunctions.extensions.http.fastapi import Request, Response, StreamingResponse

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
asked = asyncio.Event()
heard = asyncio.Event()


@app.route(route="stream", methods=["GET"])
async def stream(req: Request) -> StreamingResponse:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked.set)
    return StreamingResponse(words())


async def words() -> AsyncIterator[bytes]:
    yield b"first"
    await asked.wait()
    yield b"asked"
    await heard.wait()
    yield b"last"
    asyncio.get_running_loop().call_later(0.2, os._exit, 0)


@app.route(route="heard", methods=["GET"])
async def hear(req: Request) -> Response:
    heard.set()
    return Response("heard")
