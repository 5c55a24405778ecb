import json

import aiohttp
import openai
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

from tools.azure_openai_simulator import DEFAULT_KEY, STREAM_ODDITIES, Simulator
from tools.azure_openai_simulator.oddities import SLOW_PACE

HELD = {"gated", "gated-cut", "gated-error", "stream-stall", "stream-slow", "stream-cut"}
ERRORS = {name for name in STREAM_ODDITIES if name.startswith("stream-error")}
UNFINISHED = ERRORS | {"stream-clean-cut", "stream-empty", "stream-async-filter-block", "stream-filter-block"}


def ask(deployment: str) -> dict[str, object]:
    return {"model": deployment, "stream": True, "messages": [{"role": "user", "content": "grüß dich"}]}


async def raw(http: aiohttp.ClientSession, deployment: str) -> bytes:
    async with http.post("/openai/v1/chat/completions", json=ask(deployment)) as response:
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize("deployment", sorted(STREAM_ODDITIES.keys() - HELD - UNFINISHED))
async def test_the_sdk_reads_the_whole_text_of_an_odd_stream(v1: AsyncOpenAI, deployment: str) -> None:
    stream = await v1.chat.completions.create(
        model=deployment, stream=True, messages=[{"role": "user", "content": "grüß dich"}]
    )
    deltas = [choice.delta async for chunk in stream for choice in chunk.choices]
    assert "".join(delta.content or "" for delta in deltas if delta) == "You said: grüß dich"


@pytest.mark.parametrize("deployment", sorted(ERRORS - {"stream-error-response-failed"}))  # no chat client reads that
async def test_the_sdk_raises_the_error_inside_a_stream(azure: AsyncAzureOpenAI, deployment: str) -> None:
    stream = await azure.chat.completions.create(model=deployment, stream=True, messages=[])
    with pytest.raises(openai.APIError, match=r"token rate limit|high demand"):
        async for _ in stream:
            pass


@pytest.mark.parametrize("deployment", sorted(STREAM_ODDITIES))
async def test_an_oddity_does_not_show_in_a_document(azure: AsyncAzureOpenAI, deployment: str) -> None:
    completion = await azure.chat.completions.create(model=deployment, messages=[])
    assert completion.choices[0].finish_reason == "stop"


@pytest.mark.parametrize(
    ("deployment", "ending"),
    [
        ("gpt-4o", b"}\n\ndata: [DONE]\n\n"),
        ("stream-no-final-newline", b"}\n\ndata: [DONE]"),
        ("stream-double-blank-lines", b"}\n\n\ndata: [DONE]\n\n\n"),
        ("stream-crlf", b"}\r\n\r\ndata: [DONE]\r\n\r\n"),
        ("stream-error-after-content", b' have exceeded token rate limit."}}\n\n'),
    ],
)
async def test_a_stream_ends_with_these_bytes(http: aiohttp.ClientSession, deployment: str, ending: bytes) -> None:
    assert (await raw(http, deployment)).endswith(ending)


@pytest.mark.parametrize(
    ("deployment", "contents", "finished", "done"),
    [
        ("stream-no-done", 4, True, False),
        ("stream-clean-cut", 2, False, False),
        ("stream-empty", 0, False, False),
        ("stream-error-429", 0, False, False),
        ("stream-error-done", 0, False, True),
        ("stream-error-after-content", 2, False, False),
        ("stream-async-filter-block", 2, False, True),
    ],
)
async def test_a_stream_stops_here(
    http: aiohttp.ClientSession, deployment: str, contents: int, finished: bool, done: bool
) -> None:
    body = await raw(http, deployment)
    assert body.count(b'"delta":{"content":') - body.count(b'"delta":{"content":""') == contents
    assert (b'"finish_reason":"stop"' in body) is finished
    assert (b"[DONE]" in body) is done


async def test_an_error_may_be_the_very_first_event(http: aiohttp.ClientSession) -> None:
    assert (await raw(http, "stream-error-429-first")).startswith(b'data: {"error":{"code":"429"')
    assert (await raw(http, "stream-error-429")).startswith(b'data: {"choices":[],')


async def test_named_events_carry_their_name(http: aiohttp.ClientSession) -> None:
    assert b'\n\nevent: error\ndata: {"type":"error","error":{' in await raw(http, "stream-error-event")
    assert b'\n\nevent: response.failed\ndata: {"type":' in await raw(http, "stream-error-response-failed")


async def test_comments_stand_between_the_events(http: aiohttp.ClientSession) -> None:
    assert (await raw(http, "stream-comments")).startswith(b": keep-alive\n\ndata: {")


async def test_old_versions_named_the_prompt_filter_otherwise(http: aiohttp.ClientSession) -> None:
    assert b'"prompt_annotations":[' in (await raw(http, "stream-prompt-annotations")).partition(b"\n")[0]


async def test_the_asynchronous_filter_annotates_without_a_delta_after_the_finish_too(
    http: aiohttp.ClientSession,
) -> None:
    lines = (await raw(http, "stream-async-filter")).decode().split("\n\n")
    finish, annotation = [json.loads(line.removeprefix("data: ")) for line in lines[-4:-2]]
    assert finish["choices"][0]["finish_reason"] == "stop"
    assert (annotation["object"], annotation["id"], "delta" in annotation["choices"][0]) == ("", "", False)
    assert annotation["choices"][0]["content_filter_offsets"]["end_offset"] == 198


async def test_a_blocked_completion_finishes_with_content_filter(http: aiohttp.ClientSession) -> None:
    for deployment in ("stream-async-filter-block", "stream-filter-block"):
        assert b'"finish_reason":"content_filter"' in await raw(http, deployment)


async def test_a_cut_is_a_reset_of_the_connection(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientError):
        await raw(http, "stream-cut")


async def test_a_gated_cut_comes_when_the_content_has_been_read(
    simulator: Simulator, http: aiohttp.ClientSession
) -> None:
    async with http.post("/openai/v1/chat/completions", json=ask("gated-cut")) as response:
        for word in (b'"You"', b'" said:"'):
            simulator.gate.release()
            while word not in await response.content.readuntil(b"\n\n"):
                pass
        simulator.gate.release()
        with pytest.raises(aiohttp.ClientError):
            await response.content.read()


async def test_a_gated_error_comes_late(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    async with http.post("/openai/v1/chat/completions", json=ask("gated-error")) as response:
        assert b"prompt_filter_results" in await response.content.readuntil(b"\n\n")
        simulator.gate.release()
        assert b'"code":"429"' in await response.content.read()


async def test_a_connection_may_be_reset_before_any_answer(http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.ClientConnectionError):
        await raw(http, "connection-reset")


async def test_fragments_split_characters(simulator: Simulator, http: aiohttp.ClientSession) -> None:
    body = await raw(http, "stream-split")
    assert body.endswith(b"data: [DONE]\n\n")
    assert b"gr\xc3\xbc\xc3\x9f" in body


@pytest.mark.parametrize(("deployment", "pause"), [("gpt-4o", 0.25), ("stream-slow", SLOW_PACE)])
async def test_chunks_are_paced(deployment: str, pause: float) -> None:
    pauses: list[float] = []

    async def note(seconds: float) -> None:
        pauses.append(seconds)

    async with (
        Simulator(pace=0.25, sleep=note).serving() as simulator,
        aiohttp.ClientSession(simulator.url, headers={"api-key": DEFAULT_KEY}) as http,
    ):
        await raw(http, deployment)
    assert pauses == [pause] * 7
