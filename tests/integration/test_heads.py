"""When the head of a stream leaves: an error before it is a real one, one behind it is an event, silence is broken."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping

import aiohttp
import openai
import pytest
import pytest_asyncio
from openai import AsyncOpenAI

from tests.integration.conftest import CLIENT_KEY, environ_for
from tests.integration.endings import read_broken
from tests.integration.test_http import CHAT, chat
from tests.load.clients import without_blanks
from tests.processes import REPOSITORY, HostProcess, running_host
from tools.azure_openai_simulator import Simulator

# Seconds; what a real head takes is too long for a test.
HEAD, KEEP_ALIVE = 0.3, 0.1
BLANK = b"\n\n"
JSON_STREAMS: Mapping[str, Mapping[str, object]] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": "Hi"}], "stream": True},
    "/v1/completions": {"prompt": "Hi", "stream": True},
    "/v1/responses": {"input": "Hi", "stream": True},
    "/v1/images/generations": {"prompt": "Hi", "stream": True, "partial_images": 2},
    "/v1/audio/speech": {"input": "Hi", "voice": "alloy", "stream_format": "sse"},
}
FORM_STREAMS = ("/v1/audio/transcriptions", "/v1/images/edits")
EARLY_ERRORS = ("stream-error-429", "stream-error-429-first", "stream-error-capacity", "stream-error-event")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def patient_app(simulator: Simulator) -> AsyncIterator[HostProcess]:
    environ = {"STREAM_HEAD_TIMEOUT": str(HEAD), "STREAM_KEEP_ALIVE_INTERVAL": str(KEEP_ALIVE)}
    async with running_host(REPOSITORY, environ_for(simulator) | environ) as host:
        yield host


@pytest_asyncio.fixture(loop_scope="session")
async def quick(patient_app: HostProcess) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    async with aiohttp.ClientSession(patient_app.url, headers=headers) as session:
        yield session


def form(model: str) -> aiohttp.FormData:
    data = aiohttp.FormData({"model": model, "stream": "true", "prompt": "Hi"})
    data.add_field("file", b"RIFF", filename="a.wav", content_type="audio/wav")
    data.add_field("image", b"\x89PNG", filename="a.png", content_type="image/png")
    return data


def post(http: aiohttp.ClientSession, path: str, model: str) -> "aiohttp.client._RequestContextManager":
    if path in FORM_STREAMS:
        return http.post(path, data=form(model))
    return http.post(path, json={"model": model, **JSON_STREAMS[path]})


@pytest.mark.parametrize("name", EARLY_ERRORS)
@pytest.mark.parametrize("path", [*JSON_STREAMS, *FORM_STREAMS])
async def test_an_error_before_the_first_content_is_a_real_429_with_a_wait(
    http: aiohttp.ClientSession, path: str, name: str
) -> None:
    async with post(http, path, name) as answer:
        error = (await answer.json())["error"]
    assert answer.status == 429
    assert answer.headers["retry-after"] == "10"
    assert answer.headers["retry-after-ms"] == "10000"
    assert error["code"] == "rate_limit_exceeded"
    assert set(error) == {"message", "type", "param", "code"}


async def test_a_response_that_fails_before_it_began_is_a_real_429(http: aiohttp.ClientSession) -> None:
    async with post(http, "/v1/responses", "stream-error-response-failed") as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (429, "rate_limit_exceeded")


async def test_the_sdk_reads_the_wait_of_such_an_error(client: AsyncOpenAI) -> None:
    with pytest.raises(openai.RateLimitError) as raised:
        await client.chat.completions.create(
            model="stream-error-429", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
    assert raised.value.response.headers["retry-after"] == "10"
    assert "x-should-retry" not in raised.value.response.headers


@pytest.mark.parametrize("name", ["stream-empty", "connection-reset"])
async def test_a_stream_that_ends_before_it_began_is_a_real_502(http: aiohttp.ClientSession, name: str) -> None:
    async with http.post(CHAT, data=chat(name, stream=True)) as answer:
        assert answer.status == 502
        assert (await answer.json())["error"]["code"] == "upstream_error"


async def test_an_error_behind_the_first_content_is_an_event_and_a_break(
    http: aiohttp.ClientSession,
) -> None:
    async with http.post(CHAT, data=chat("stream-error-after-content", stream=True)) as answer:
        *_, error = await read_broken(answer)
    assert answer.status == 200
    assert json.loads(error)["error"]["code"] == "rate_limit_exceeded"


async def test_a_silent_stream_gets_its_head_and_blanks_and_then_its_content(
    quick: aiohttp.ClientSession, simulator: Simulator
) -> None:
    async with quick.post(CHAT, data=chat("gated-answer", "Hi there", stream=True)) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert answer.headers["x-request-id"]
        for _ in range(3):
            assert await answer.content.readuntil(b"\n\n") == BLANK
        simulator.gate.release()
        rest = without_blanks(await answer.read())
    assert rest.startswith(b'data: {"choices":[{')
    assert rest.endswith(b"data: [DONE]\n\n")
    assert b'"error"' not in rest


async def test_an_error_behind_an_early_head_is_an_event_and_a_break(
    quick: aiohttp.ClientSession, simulator: Simulator
) -> None:
    async with quick.post(CHAT, data=chat("gated-error", stream=True)) as answer:
        assert await answer.content.readuntil(b"\n\n") == BLANK
        simulator.gate.release()
        (error,) = await read_broken(answer)
    assert json.loads(error)["error"]["code"] == "rate_limit_exceeded"


async def test_blanks_go_out_in_the_silence_within_a_stream(quick: aiohttp.ClientSession, simulator: Simulator) -> None:
    async with quick.post(CHAT, data=chat("gated", "one two", stream=True)) as answer:
        first = await answer.content.readuntil(b"\n\n")
        assert first == BLANK or b'"role":"assistant"' in first
        simulator.gate.release()
        while await answer.content.readuntil(b"\n\n") != BLANK:
            pass
        assert await answer.content.readuntil(b"\n\n") == BLANK
        for _ in range(20):
            simulator.gate.release()
        assert (await answer.read()).endswith(b"data: [DONE]\n\n")
        while not simulator.gate.locked():
            await simulator.gate.acquire()  # what is left over is not for other tests


@pytest.mark.parametrize("name", ["no-answer", "stream-stall"])
async def test_a_client_that_leaves_a_silent_stream_ends_the_call_to_azure(
    quick: aiohttp.ClientSession, simulator: Simulator, name: str
) -> None:
    before = len(simulator.disconnects)
    async with quick.post(CHAT, data=chat(name, stream=True)) as answer:
        assert await answer.content.readuntil(b"\n\n")
        assert answer.status == 200
        answer.close()
    await simulator.disconnected(before + 1)


async def test_a_form_does_not_lose_its_status_to_an_early_head(
    quick: aiohttp.ClientSession, simulator: Simulator
) -> None:
    asyncio.get_running_loop().call_later(2 * HEAD, simulator.gate.release)
    async with quick.post("/v1/audio/transcriptions", data=form("gated-answer")) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        assert b"transcript.text.done" in await answer.read()


@pytest.mark.parametrize(
    ("path", "last"),
    [("/v1/responses", b"event: response.completed\n"), ("/v1/chat/completions", b"data: [DONE]\n")],
)
async def test_a_client_that_leaves_right_behind_the_last_event_has_had_all_of_it(
    app: HostProcess, http: aiohttp.ClientSession, path: str, last: bytes
) -> None:
    for _ in range(8):
        async with post(http, path, "gpt-4o") as answer:
            while last not in await answer.content.readuntil(b"\n\n"):
                pass
            answer.close()
            request_id = answer.headers["x-request-id"]
        await app.wait_for_output(f'"{request_id}"')
        (line,) = [json.loads(line) for line in app.output().splitlines() if f'"{request_id}"' in line]
        assert line["outcome"] == "completed"
