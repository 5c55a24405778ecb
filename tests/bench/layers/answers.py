"""The ASGI application of both: `/server` is answered at once, `/aiohttp` with what Azure answers, by aiohttp alone."""

import os

import aiohttp
from yarl import URL

from proxy.values import Receive, Scope, Send
from tests.bench import samples

FORWARDED = "/aiohttp"
_BODY = samples.answer().partition(b"\r\n\r\n")[2]
# As many as ours are, of about the same length.
_HEADERS = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"content-length", b"%d" % len(_BODY)),
    *((b"x-ratelimit-remaining-%d" % number, b"0a1b2c3d-0000-4000-8000") for number in range(8)),
]
_URL = URL(os.environ["AZURE_OPENAI_ENDPOINT"] + "/openai/deployments/whole/chat/completions?api-version=2024-10-21")
_SENT = {"api-key": "azure-key-of-the-bench", "content-type": "application/json", "user-agent": "bench"}
_sessions: list[aiohttp.ClientSession] = []


async def answer(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request after its body has come."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    sent = await _forward(body) if scope["path"] == FORWARDED else _BODY
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
    await send({"type": "http.response.body", "body": sent})


async def _forward(body: bytes) -> bytes:
    response = await _session().request("POST", _URL, data=body, headers=_SENT, allow_redirects=False)
    received = await response.content.readany()
    response.close()
    return received


def _session() -> aiohttp.ClientSession:
    if not _sessions:
        _sessions.append(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                skip_auto_headers=("user-agent", "accept", "accept-encoding", "content-type"),
            )
        )
    return _sessions[0]
