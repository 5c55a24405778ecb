"""The same forwarding, written the default way: the official HTTP extension and an aiohttp session.

The session's connections are not limited, else aiohttp's own 100 would end the comparison at 100 open streams.
"""

import json
import os
from collections.abc import AsyncIterator

import aiohttp
import azure.functions as func
from azurefunctions.extensions.http.fastapi import JSONResponse, Request, Response, StreamingResponse

ENDPOINT = os.environ["AZURE_OPENAI_ENDPOINT"]
API_KEY = os.environ["AZURE_OPENAI_API_KEY"]
API_VERSION = "2025-04-01-preview"
CLIENT_KEY = os.environ["CLIENT_KEYS"].partition("=")[2]

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
_sessions: list[aiohttp.ClientSession] = []


def session() -> aiohttp.ClientSession:
    """Return the one session, opened with the first call."""
    if not _sessions:
        _sessions.append(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
    return _sessions[0]


@app.route(route="health", methods=["GET"])
async def health(req: Request) -> JSONResponse:
    """Answer without Azure."""
    return JSONResponse({"status": "ok"})


@app.route(route="v1/chat/completions", methods=["POST"])
async def chat(req: Request) -> Response:
    """Forward a chat to its deployment."""
    if req.headers.get("authorization") != f"Bearer {CLIENT_KEY}":
        return JSONResponse({"error": {"message": "Incorrect API key provided."}}, status_code=401)
    body = json.loads(await req.body())
    url = f"{ENDPOINT}/openai/deployments/{body['model']}/chat/completions?api-version={API_VERSION}"
    answer = await session().post(url, json=body, headers={"api-key": API_KEY})
    if body.get("stream"):
        return StreamingResponse(relay(answer), status_code=answer.status, media_type="text/event-stream")
    async with answer:
        return JSONResponse(await answer.json(), status_code=answer.status)


async def relay(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the stream as it comes."""
    async with answer:
        async for chunk in answer.content.iter_any():
            yield chunk
