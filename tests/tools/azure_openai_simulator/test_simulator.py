import asyncio

import aiohttp
import pytest
from openai import AsyncAzureOpenAI

from tools.azure_openai_simulator import DEFAULT_KEY, Simulator

STREAM = {"stream": True, "messages": [{"role": "user", "content": "hi"}]}
PATH = "/openai/v1/chat/completions"


async def test_what_arrives_is_recorded_as_it_came(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post("/openai/deployments/a%20b/embeddings?api-version=1&x=%2F", data=b"\x00{") as response:
        assert response.status == 404
    [request] = simulator.requests
    assert (request.method, request.raw_path) == ("POST", "/openai/deployments/a%20b/embeddings")
    assert dict(request.query) == {"api-version": "1", "x": "/"}
    assert request.headers["API-KEY"] == DEFAULT_KEY
    assert request.body == b"\x00{"
    assert DEFAULT_KEY not in repr(request)


async def test_only_the_last_requests_are_kept() -> None:
    async with (
        Simulator(keep=2).serving() as simulator,
        aiohttp.ClientSession(simulator.url) as http,
    ):
        for number in range(4):
            async with http.get(f"/{number}"):
                pass
    assert [request.raw_path for request in simulator.requests] == ["/2", "/3"]


async def test_a_gated_stream_sends_one_content_chunk_per_permission(
    simulator: Simulator, azure: AsyncAzureOpenAI
) -> None:
    stream = await azure.chat.completions.create(
        model="gated", messages=[{"role": "user", "content": "hi"}], stream=True
    )
    chunks = aiter(stream)
    opening = [await anext(chunks), await anext(chunks)]
    assert [choice.delta.content for chunk in opening for choice in chunk.choices] == [""]
    for word in ("You", " said:", " hi"):
        waiting = asyncio.ensure_future(anext(chunks))
        async with aiohttp.ClientSession(simulator.url) as other, other.get("/"):
            assert not waiting.done()  # a whole round trip later nothing has come
        simulator.gate.release()
        assert (await waiting).choices[0].delta.content == word
    assert (await anext(chunks)).choices[0].finish_reason == "stop"


@pytest.mark.parametrize("deployment", ["gated", "stream-stall", "no-answer"])
async def test_a_client_that_leaves_early_is_noticed(simulator: Simulator, deployment: str) -> None:
    async with aiohttp.ClientSession(simulator.url, headers={"api-key": DEFAULT_KEY}) as http:
        call = asyncio.ensure_future(http.post(PATH, json={"model": deployment} | STREAM))
        await simulator.requested()
        if deployment == "no-answer":
            call.cancel()
        else:
            (await call).close()
        await simulator.disconnected()
    assert simulator.disconnects == simulator.requests


async def test_a_client_that_leaves_between_writes_is_noticed() -> None:
    resumed = asyncio.Event()

    async def pause(_seconds: float) -> None:
        await resumed.wait()

    async with (
        Simulator(pace=1, sleep=pause).serving() as simulator,
        aiohttp.ClientSession(simulator.url, headers={"api-key": DEFAULT_KEY}) as http,
    ):
        (await http.post(PATH, json={"model": "gpt-4o"} | STREAM)).close()
        await simulator.disconnected()
        resumed.set()
    assert len(simulator.disconnects) == 1


async def test_a_client_that_stays_has_not_left(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    for deployment in ("gpt-4o", "stream-clean-cut", "error-500"):
        async with http.post(PATH, json={"model": deployment} | STREAM) as response:
            await response.read()
    for deployment in ("stream-cut", "connection-reset"):
        with pytest.raises(aiohttp.ClientError):
            async with http.post(PATH, json={"model": deployment} | STREAM) as response:
                await response.read()
    assert simulator.disconnects == []


async def test_a_gated_answer_waits_for_its_permission(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    call = asyncio.ensure_future(http.post(PATH, json={"model": "gated-answer", "messages": []}))
    await simulator.requested()
    assert not call.done()
    simulator.gate.release()
    async with await call as response:
        assert (await response.json())["choices"][0]["message"]["content"] == "You said: "


async def test_closing_does_not_wait_for_a_held_stream() -> None:
    async with aiohttp.ClientSession(headers={"api-key": DEFAULT_KEY}) as http:
        async with Simulator().serving() as simulator:
            response = await http.post(simulator.url + PATH, json={"model": "gated"} | STREAM)
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert simulator.disconnects == []
