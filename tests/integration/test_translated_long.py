"""Whole chats on models that think for many minutes: Azure streams them, and the platform sees no silence."""

import json

import aiohttp
import openai
import pytest

from tests.integration.conftest import CLIENT_KEY
from tests.integration.test_sdk import ECHO, HELLO
from tests.integration.test_translated_chats import CODEX, WEATHER, called, headers_of, text_of
from tests.integration.translated import DEPLOYED, REPAIRED, RESPONSES, TRANSLATED, Translating, translating

PRO = "o3-pro"
BODY = {"model": PRO, "messages": HELLO}


def served_by(deployment: str, **settings: str) -> dict[str, str]:
    """Return the settings under which a deployment, which says how it fails, serves the model."""
    mapper = {"AZURE_OPENAI_MODEL_MAPPER": f"{PRO}={deployment}"}
    return {**mapper, "AZURE_OPENAI_DEPLOYMENT_APIS": f"{deployment}=responses", **settings}


def late(deployment: str) -> dict[str, str]:
    return served_by(deployment, UPSTREAM_FIRST_BYTE_TIMEOUT="0.3", STREAM_KEEP_ALIVE_INTERVAL="0.1")


def asking(alone: Translating) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(alone.app.url, headers={"authorization": f"Bearer {CLIENT_KEY}"})


async def test_a_whole_answer_of_a_pro_model_is_collected_from_a_stream() -> None:
    async with translating() as alone:
        answer = await alone.sdk.chat.completions.with_raw_response.create(model=PRO, messages=HELLO)
        chat = answer.parse()
        assert chat.choices[0].message.content == ECHO
        assert chat.usage is not None
        assert chat.usage.completion_tokens_details is not None
        assert chat.usage.completion_tokens_details.reasoning_tokens == 64
        assert (answer.headers[TRANSLATED], answer.headers["content-type"]) == ("responses", "application/json")
        assert REPAIRED not in answer.headers
        assert alone.body()["stream"] is True
        line = await alone.line(answer.headers["x-request-id"])
        assert (line["outcome"], line["status"], line["output_tokens"]) == ("completed", 200, 68)
        conversation = await called(alone.sdk, PRO, stream=False)
        assert await text_of(alone.sdk, PRO, tools=[WEATHER], messages=conversation) == ECHO
        assert alone.input_types() == ["message", "reasoning", "function_call", "function_call_output"]


async def test_that_of_any_other_model_is_not() -> None:
    async with translating() as alone:
        assert await text_of(alone.sdk, CODEX) == ECHO
        assert "stream" not in alone.body()


async def test_a_model_that_knows_no_streams_is_asked_for_the_whole_which_is_remembered() -> None:
    async with translating(DEPLOYED, **served_by("refuses-stream")) as alone:
        for _ in range(2):
            assert REPAIRED not in await headers_of(alone.sdk, PRO)
        assert alone.paths() == [RESPONSES] * 3
        assert "stream" not in alone.body()


async def test_an_answer_that_takes_too_long_for_the_platform_begins_with_blank_lines() -> None:
    async with translating(DEPLOYED, **late("gated")) as alone, asking(alone) as http:
        async with http.post("/v1/chat/completions", json=BODY) as answer:
            assert (answer.status, answer.content_type) == (200, "application/json")
            begun = await answer.content.readany()
            for _ in range(9):
                alone.azure.gate.release()
            whole = begun + await answer.read()
        assert not begun.strip()
        assert json.loads(whole)["choices"][0]["message"]["content"] == ECHO


async def test_one_that_fails_then_looks_broken_and_has_the_error() -> None:
    async with translating(DEPLOYED, **late("gated-error")) as alone:
        raw = await alone.read_broken("/v1/chat/completions", BODY, is_late=True)
        assert json.loads(raw)["error"]["code"] == "rate_limit_exceeded"


@pytest.mark.parametrize(
    ("deployment", "error"),
    [
        ("stream-cut", openai.InternalServerError),
        ("stream-clean-cut", openai.InternalServerError),
        ("stream-error-after-content", openai.RateLimitError),
        ("stream-error-429", openai.RateLimitError),
    ],
)
async def test_one_that_breaks_earlier_is_an_error_with_its_status(
    deployment: str, error: type[openai.APIStatusError]
) -> None:
    async with translating(DEPLOYED, **served_by(deployment)) as alone:
        with pytest.raises(error) as raised:
            await text_of(alone.sdk, PRO)
        assert raised.value.response.headers[TRANSLATED] == "responses"


async def test_the_error_of_any_other_answer_that_takes_too_long_says_to_stream() -> None:
    settings = {"AZURE_OPENAI_DEPLOYMENT_APIS": "gated-answer=responses", "UPSTREAM_FIRST_BYTE_TIMEOUT": "0.3"}
    async with translating(DEPLOYED, **settings) as alone:
        with pytest.raises(openai.APIStatusError, match="stream: true") as raised:
            await text_of(alone.sdk, "gated-answer")
        assert raised.value.status_code == 504
