"""What takes minutes on Microsoft's hosts: a stream longer than the silence that they bear, and functionTimeout."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest

from tests.integration.endings import RETRY, read_to_end
from tests.real_host.app import CHAT, CLIENT_KEY, data_of, running_app
from tests.real_host.hosts import KINDS, Kind

pytestmark = pytest.mark.nightly
HEADERS = {"authorization": f"Bearer {CLIENT_KEY}"}
# The host bears 240 s without a byte, the front end of Azure 230. A word comes behind each comment of the app.
KEEP_ALIVE = 15.0
SECONDS = 400
NO_TIMEOUT = aiohttp.ClientTimeout(total=None)
WORDS = " ".join(f"word{number}" for number in range(round(SECONDS / KEEP_ALIVE)))
COMMENTS = {"STREAM_KEEP_ALIVE": "comment"}
COMMENT = b": keep-alive\n\n"
# The app ends a request 10 s before the host would.
SHORT = {"AzureFunctionsJobHost__functionTimeout": "00:00:20"}
each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)


def chat(model: str, content: str, *, stream: bool = True) -> dict[str, object]:
    return {"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]}


@pytest.mark.timeout(2 * SECONDS)
async def test_a_stream_of_400_s_arrives_whole(tmp_path: Path) -> None:
    ended = await asyncio.gather(*(read_slow_stream(kind, tmp_path) for kind in KINDS))
    for came, seconds in ended:
        assert came.endswith(b"data: [DONE]\n\n")
        assert b"word0" in came
        assert came.count(COMMENT) >= SECONDS // KEEP_ALIVE
        assert seconds > SECONDS * 0.9


async def read_slow_stream(kind: Kind, folder: Path) -> tuple[bytes, float]:
    """Read a stream whose Azure says a word behind each comment; return it and the seconds that it took."""
    clock = asyncio.get_running_loop().time
    async with (
        running_app(kind, folder, COMMENTS) as app,
        aiohttp.ClientSession(app.url, headers=HEADERS, timeout=NO_TIMEOUT) as http,
        http.post(CHAT, json=chat("gated", WORDS)) as answer,
    ):
        began, came = clock(), b""
        async for piece in answer.content.iter_any():
            came += piece
            if COMMENT in piece:
                app.azure.gate.release()
        return came, clock() - began


@each_kind
async def test_before_functiontimeout_the_app_itself_answers_and_the_worker_stays(kind: Kind, tmp_path: Path) -> None:
    async with (
        running_app(kind, tmp_path, SHORT) as app,
        aiohttp.ClientSession(app.url, headers=HEADERS) as http,
        http.post(CHAT, json=chat("gated", "one two")) as stream,
    ):
        worker = app.host.worker_pid
        app.azure.gate.release()
        async with http.post(CHAT, json=chat("no-answer", "one two", stream=False)) as answer:
            assert answer.status == 504
            assert (await answer.json())["error"]["code"] == "upstream_timeout"
        came, is_broken = await read_to_end(stream)
        assert is_broken
        assert "error" in json.loads(list(data_of(came.replace(RETRY, b"")))[-1])
        async with http.post(CHAT, json=chat("gpt-4o", "one two")) as answer:
            assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        assert app.host.worker_pid == worker
