"""Every error and every odd stream of Azure, as clients see them through the app."""

import json
from collections.abc import Mapping

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI

from tests.integration.endings import read_to_end
from tests.integration.test_http import CHAT, chat
from tests.integration.test_sdk import ECHO, HELLO
from tools.azure_openai_simulator import ERROR_SAMPLES, STREAM_ODDITIES, ErrorSample

# What the proxy answers where it is not Azure's own status; 401 and 403 are about the proxy's credential.
STATUS = {"error-401-key": 502, "error-401-token": 502, "error-401-role": 502}
STATUS |= {"error-403-role": 502, "error-403-network": 502, "error-403-firewall": 502}
STATUS |= {"error-403-blocked": 502, "error-403-suspended": 502, "error-403-quota": 502, "error-400-model": 404}
# The call is repeated without an api-version, which this URL cannot do without.
STATUS |= {"error-400-api-version": 404}
CODES: Mapping[str, str | None] = {
    "error-400-operation": "unsupported_model",
    "error-400-unknown-parameter": "unknown_parameter",
    "error-400-unsupported-parameter": "unsupported_parameter",
    "error-400-unsupported-value": "unsupported_value",
    "error-400-context": "context_length_exceeded",
    "error-400-content-filter": "content_filter",
    "error-400-content-filter-v1": "content_filter",
    "error-400-content-filter-responses": "content_filter",
    "error-400-content-policy": "content_policy_violation",
    "error-400-model": "model_not_found",
    "error-403-blocked": "upstream_refused",
    "error-403-quota": "upstream_refused",
    "error-403-suspended": "upstream_refused",
    "error-404-deployment": "model_not_found",
    "error-404-route": "unknown_url",
}
COMPLETE = {
    "stream-async-filter",
    "stream-async-filter-block",
    "stream-comments",
    "stream-crlf",
    "stream-double-blank-lines",
    "stream-filter-block",
    "stream-no-done",
    "stream-no-final-newline",
    "stream-prompt-annotations",
    "stream-split",
}
# What fails before it said anything is a real error.
EARLY = {
    "stream-empty": 502,
    "stream-error-429": 429,
    "stream-error-429-first": 429,
    "stream-error-capacity": 429,
    "stream-error-done": 429,
    "stream-error-event": 429,
    "stream-error-response-failed": 502,
}
HELD = {"gated", "gated-cut", "gated-error", "stream-stall", "stream-slow"}


@pytest.mark.parametrize("sample", ERROR_SAMPLES.values(), ids=ERROR_SAMPLES.keys())
async def test_an_error_of_azure_has_openai_s_shape_status_and_code(
    http: aiohttp.ClientSession, sample: ErrorSample
) -> None:
    async with http.post(CHAT, data=chat(sample.name)) as answer:
        text = await answer.text()
        assert answer.status == STATUS.get(sample.name, sample.status)
        assert answer.content_type == "application/json"
        assert answer.headers["x-request-id"]
    error = json.loads(text)["error"]
    assert set(error) - {"innererror"} == {"message", "type", "param", "code"}
    assert error["message"]
    assert error["type"]
    expected = CODES.get(sample.name, "upstream_auth_error" if answer.status == 502 else None)
    if answer.status == 429:
        expected = "rate_limit_exceeded"
        assert error["type"] in ("tokens", "requests")
    assert error["code"] == expected or (expected is None and error["code"] not in ("401", "404", "429", "BadRequest"))


async def test_the_wait_of_a_throttled_call_reaches_the_client(http: aiohttp.ClientSession) -> None:
    async with http.post(CHAT, data=chat("error-429-old")) as answer:
        assert answer.headers["retry-after"] == "7"
    async with http.post(CHAT, data=chat("error-429-milliseconds")) as answer:
        assert "retry-after-ms" in answer.headers


async def test_the_sdk_raises_its_own_exceptions(client: AsyncOpenAI) -> None:
    for name, kind in {
        "error-400-context": openai.BadRequestError,
        "error-404-deployment": openai.NotFoundError,
        "error-429-2026": openai.RateLimitError,
        "error-500": openai.InternalServerError,
        "error-401-key": openai.InternalServerError,
    }.items():
        with pytest.raises(kind):
            await client.chat.completions.create(model=name, messages=HELLO)


@pytest.mark.parametrize("name", sorted(EARLY))
async def test_an_odd_stream_that_says_nothing_is_a_real_error(http: aiohttp.ClientSession, name: str) -> None:
    async with http.post(CHAT, data=chat(name, stream=True)) as answer:
        assert answer.status == EARLY[name]
        assert set((await answer.json())["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("name", sorted(set(STREAM_ODDITIES) - HELD - EARLY.keys()))
async def test_an_odd_stream_is_made_of_whole_clean_events_and_ends_with_one_done_or_an_error(
    http: aiohttp.ClientSession, name: str
) -> None:
    async with http.post(CHAT, data=chat(name, "hello world", stream=True)) as answer:
        raw, is_cut = await read_to_end(answer)
    assert answer.status == 200
    assert is_cut is (name not in COMPLETE)
    events = [line[6:] for line in raw.split(b"\n") if line.startswith(b"data: ")]
    assert events.count(b"[DONE]") == raw.endswith(b"data: [DONE]\n\n") == (not is_cut)
    chunks = [json.loads(event) for event in events if event != b"[DONE]"]
    assert b"filter_results" not in raw
    assert b"content_filter_offsets" not in raw
    broken = [chunk["error"] for chunk in chunks if "error" in chunk]
    assert len(broken) == (0 if name in COMPLETE else 1)
    for error in broken:
        assert set(error) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("name", sorted(set(STREAM_ODDITIES) - HELD))
async def test_the_sdk_sees_a_broken_stream_as_an_error_and_a_whole_one_as_whole(
    client: AsyncOpenAI, name: str
) -> None:
    text = ""

    async def read() -> None:
        nonlocal text
        async for chunk in await client.chat.completions.create(model=name, messages=HELLO, stream=True):
            text += chunk.choices[0].delta.content or "" if chunk.choices[0].delta else ""

    if name in COMPLETE:
        await read()
        assert ECHO.startswith(text)
        assert text
    else:
        with pytest.raises(openai.APIError):
            await read()
