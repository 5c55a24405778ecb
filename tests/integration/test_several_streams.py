"""Streams and waits over several resources: a silent stream is kept alive, and another resource may answer."""

import json
from collections.abc import AsyncIterator

import aiohttp
import openai
import pytest
import pytest_asyncio

from tests.integration.several import FORGETFUL, App, Seen, entry, run_app, told
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import ECHO, HELLO
from tests.load.clients import without_blanks
from tools.azure_openai_simulator import Simulator

# Seconds; what a real head and a real timeout take is too long for a test.
HEAD, KEEP_ALIVE, FIRST_BYTE = 0.3, 0.1, 1.0
BLANK = b"\n\n"
GOOD = "gpt-4o"
ODD = ("gated-error", "gated-answer", "gated", "no-answer", "stream-stall", "stream-error-429")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def quick() -> AsyncIterator[App]:
    """An app whose heads leave early and whose patience for whole answers is short."""
    settings = {
        "STREAM_HEAD_TIMEOUT": str(HEAD),
        "STREAM_KEEP_ALIVE_INTERVAL": str(KEEP_ALIVE),
        "UPSTREAM_FIRST_BYTE_TIMEOUT": str(FIRST_BYTE),
        "AZURE_OPENAI_ROUTING": FORGETFUL,
    }
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={name: name for name in ODD}),
            entry("other", other.url, models=dict.fromkeys(ODD, GOOD), priority=1),
        ]
        async with run_app(resources, one, other, **settings) as running:
            yield running


async def post(http: aiohttp.ClientSession, model: str, *, stream: bool = True) -> aiohttp.ClientResponse:
    return await http.post(CHAT, data=chat(model, "hello world", stream=stream))


async def test_behind_an_early_head_the_second_resource_answers_where_the_first_one_fails(quick: App) -> None:
    seen = Seen(quick.resources)
    async with quick.http() as http, await post(http, "gated-error") as answer:
        for _ in range(3):
            assert await answer.content.readuntil(b"\n\n") == BLANK
        quick.resources[0].gate.release()
        events = without_blanks(await answer.read()).split(b"\n\n")
    assert answer.status == 200
    assert events[-2:] == [b"data: [DONE]", b""]
    chunks = [json.loads(event.removeprefix(b"data: ")) for event in events[:-2]]
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks) == ECHO
    assert seen.counts() == [1, 1]


async def test_the_sdk_notices_nothing_of_a_failover_behind_an_early_head(quick: App) -> None:
    async with quick.sdk() as sdk:
        stream = await sdk.chat.completions.create(model="gated-error", messages=HELLO, stream=True)
        quick.resources[0].gate.release()
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ECHO


async def test_a_silent_stream_is_waited_for_and_asked_nowhere_else(quick: App) -> None:
    seen = Seen(quick.resources)
    left = len(quick.resources[0].disconnects)
    async with quick.http() as http, await post(http, "stream-stall") as answer:
        for _ in range(8):
            assert await answer.content.readuntil(b"\n\n") == BLANK
        answer.close()
    await quick.resources[0].disconnected(left + 1)
    assert seen.counts() == [1, 0]


async def test_an_answer_that_does_not_come_in_time_is_a_504_and_asked_nowhere_else(quick: App) -> None:
    seen = Seen(quick.resources)
    async with quick.http() as http, await post(http, "no-answer", stream=False) as answer:
        assert answer.status == 504
        error = (await answer.json())["error"]
    assert error["code"] == "upstream_timeout"
    assert seen.counts() == [1, 0]


@pytest.mark.parametrize("stream", [False, True])
async def test_where_timeouts_are_tried_again_the_second_resource_answers(*, stream: bool) -> None:
    settings = {
        "UPSTREAM_FIRST_BYTE_TIMEOUT": "3",  # for both resources
        "STREAM_HEAD_TIMEOUT": str(HEAD),
        "AZURE_OPENAI_ROUTING": '{"retries_timeouts": true}',
    }
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={"a": "no-answer"}),
            entry("other", other.url, models={"a": GOOD}, priority=1),
        ]
        async with run_app(resources, one, other, **settings) as two, two.http() as http:
            async with await post(http, "a", stream=stream) as answer:
                assert answer.status == 200
                assert b"error" not in await answer.read()
            if not stream:
                assert told(answer.headers) == ("1", "2")


async def test_a_stream_is_cut_nowhere_and_asked_nowhere_else_behind_its_first_content(quick: App) -> None:
    seen = Seen(quick.resources)
    async with quick.sdk() as sdk:
        stream = await sdk.chat.completions.create(model="gated", messages=HELLO, stream=True)
        for _ in range(20):
            quick.resources[0].gate.release()
        assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == ECHO
    while not quick.resources[0].gate.locked():
        await quick.resources[0].gate.acquire()  # what is left over is not for other tests
    assert seen.counts() == [1, 0]


async def test_when_every_resource_fails_behind_an_early_head_the_error_is_an_event() -> None:
    settings = {"STREAM_HEAD_TIMEOUT": str(HEAD), "STREAM_KEEP_ALIVE_INTERVAL": str(KEEP_ALIVE)}
    async with Simulator().serving() as one, Simulator().serving() as other:
        resources = [
            entry("one", one.url, models={"a": "gated-error"}),
            entry("other", other.url, models={"a": "error-429-old"}, priority=1),
        ]
        async with run_app(resources, one, other, **settings) as two, two.sdk() as sdk:
            stream = await sdk.chat.completions.create(model="a", messages=HELLO, stream=True)
            one.gate.release()
            with pytest.raises(openai.APIError) as raised:
                [chunk async for chunk in stream]
    assert raised.value.code == "rate_limit_exceeded"
