"""What clients do on the wire: curl, chunked uploads, large bodies, leaving early; and what passes through."""

import asyncio
import hashlib
import io
import json
from collections.abc import AsyncIterator

import aiohttp
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY
from tests.integration.test_sdk import HELLO
from tests.processes import HostProcess
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

CHAT = "/v1/chat/completions"


def chat(model: str = "gpt-4o", content: str = "hi", *, stream: bool = False) -> bytes:
    return json.dumps({"model": model, "stream": stream, "messages": [{"role": "user", "content": content}]}).encode()


async def test_curl_streams(app: HostProcess) -> None:
    curl = await asyncio.create_subprocess_exec(
        *("curl", "-sS", "-N", f"{app.url}{CHAT}", "-H", f"Authorization: Bearer {CLIENT_KEY}"),
        *("-H", "Content-Type: application/json", "-d", chat(stream=True).decode()),
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await curl.communicate()
    assert curl.returncode == 0
    assert printed.startswith(b'data: {"choices":[{"delta":')
    assert printed.endswith(b"\n\ndata: [DONE]\n\n")
    assert b"content_filter" not in printed


async def test_a_chunked_request_passes_byte_for_byte(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    body = b'{ "model" : "gpt-4o","messages":[{"role":"user","content":"\\u00e9 \\/ 1.0"}], "seed": 10000000000000000}'

    async def parts() -> AsyncIterator[bytes]:
        for index in range(len(body)):
            yield body[index : index + 1]

    async with http.post(CHAT, data=parts()) as answer:
        assert answer.status == 200
    assert simulator.requests[-1].body == body


async def test_twenty_megabytes_pass(http: aiohttp.ClientSession, simulator: Simulator) -> None:
    body = chat(content="x" * 20_000_000)
    async with http.post(CHAT, data=io.BytesIO(body)) as answer:
        assert answer.status == 200
        assert (await answer.json())["choices"][0]["finish_reason"] == "stop"
    assert simulator.requests[-1].body_sha256 == hashlib.sha256(body).hexdigest()


async def test_only_listed_headers_pass_and_the_client_s_credentials_never(
    http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    sent = {
        "x-functions-key": "CANARY-function",
        "cookie": "CANARY=cookie",
        "openai-organization": "CANARY-organization",
        "x-forwarded-for": "CANARY-forwarded",
        "x-ms-client-principal": "CANARY-principal",
        "x-stainless-lang": "CANARY-stainless",
        "idempotency-key": "kept",
    }
    async with http.post(
        f"{CHAT}?code=CANARY-code&api-version=CANARY-version&kept=1", data=chat(), headers=sent
    ) as got:
        assert got.status == 200
        assert "x-ms-region" not in got.headers
        assert got.headers["cache-control"] == "no-store"
    arrived = simulator.requests[-1]
    headers = {name.lower(): value for name, value in arrived.headers.items()}
    assert "CANARY" not in str(dict(arrived.headers)) + str(dict(arrived.query))
    assert CLIENT_KEY not in str(headers)
    assert headers["api-key"] == DEFAULT_KEY
    assert headers["accept-encoding"] == "identity"
    assert headers["idempotency-key"] == "kept"
    assert arrived.query == {"api-version": "2025-04-01-preview", "kept": "1"}


async def test_a_client_that_leaves_in_the_middle_of_a_stream_ends_the_call(
    client: AsyncOpenAI, simulator: Simulator
) -> None:
    before = len(simulator.disconnects)
    simulator.gate.release()
    stream = await client.chat.completions.create(model="gated", messages=HELLO, stream=True)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    await stream.close()
    await simulator.disconnected(before + 1)


async def test_a_client_that_leaves_before_the_headers_ends_the_call(
    app: HostProcess, http: aiohttp.ClientSession, simulator: Simulator
) -> None:
    arrived, left = len(simulator.requests), len(simulator.disconnects)
    call = asyncio.create_task(http.post(CHAT, data=chat("no-answer")).__aenter__())
    await simulator.requested(arrived + 1)
    call.cancel()
    await simulator.disconnected(left + 1)
    await app.wait_for_output('"deployment":"no-answer","status":499')


async def test_every_request_writes_one_line_without_key_or_prompt(
    app: HostProcess, http: aiohttp.ClientSession
) -> None:
    async with http.post(CHAT, data=chat(content="CANARY-prompt", stream=True)) as answer:
        request_id = answer.headers["x-request-id"]
        await answer.read()
    await app.wait_for_output(f'{{"request_id":"{request_id}"')
    lines = [line for line in app.output().splitlines() if request_id in line]
    assert len(lines) == 1
    record = json.loads(lines[0])
    assert record["client"] == "tester"
    assert record["operation"] == "createChatCompletion"
    assert record["deployment"] == "gpt-4o"
    assert record["status"] == 200
    assert record["outcome"] == "completed"
    assert 0 < record["first_byte_ms"] <= record["duration_ms"]
    assert "CANARY" not in app.output()
    assert CLIENT_KEY not in app.output()
    assert DEFAULT_KEY not in app.output()


async def test_health_and_index_need_no_key(app: HostProcess) -> None:
    async with aiohttp.ClientSession(app.url) as session:
        async with session.get("/health") as health:
            assert health.status == 200
            assert await health.json() == {"status": "ok", "reasons": []}
        async with session.get("/") as index:
            assert index.status == 200
            assert "/v1" in await index.text()
