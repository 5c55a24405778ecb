"""What else crosses with a translated call: images, the results of the content filter, and why a prompt was blocked."""

import json
from typing import Any

import openai
import pytest

from tests.integration.test_sdk import ECHO, HELLO
from tests.integration.translated import DEPLOYED, translating

CODEX, CHATTY = "gpt-5-codex", "gpt-4"
PICTURE = "data:image/png;base64,iVBORw0KGgo="
KEEPING = {"CONTENT_FILTER_RESULTS": "keep"}


async def test_images_cross_both_ways() -> None:
    async with translating() as alone:
        parts: Any = [{"type": "text", "text": "hello world"}, {"type": "image_url", "image_url": {"url": PICTURE}}]
        chat = await alone.sdk.chat.completions.create(model=CODEX, messages=[{"role": "user", "content": parts}])
        assert (chat.choices[0].message.content or "").strip() == ECHO
        sent: Any = alone.body()["input"]
        assert sent[0]["content"][1] == {"type": "input_image", "image_url": PICTURE, "detail": "auto"}
        parts = [
            {"type": "input_text", "text": "hello world"},
            {"type": "input_image", "image_url": PICTURE, "detail": "low"},
        ]
        response = await alone.sdk.responses.create(model=CHATTY, input=[{"role": "user", "content": parts}])
        assert response.output_text.strip() == ECHO
        sent = alone.body()["messages"]
        assert sent[0]["content"][1] == {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}}


@pytest.mark.parametrize("settings", [{}, KEEPING], ids=["taken out", "kept"])
async def test_the_results_of_the_content_filter_are_in_the_answer_where_they_are_kept(
    settings: dict[str, str],
) -> None:
    async with translating(DEPLOYED, **settings) as alone:
        raw = await alone.sdk.responses.with_raw_response.create(model=CHATTY, input="hello world")
        places = {found["source_type"] for found in json.loads(raw.text).get("content_filters", [])}
        assert places == ({"prompt", "completion"} if settings else set())


async def test_why_a_prompt_was_blocked_is_told_as_the_clients_api_tells_it() -> None:
    on_responses, on_chat = "error-400-content-filter-responses", "error-400-content-filter"
    apis = {"AZURE_OPENAI_DEPLOYMENT_APIS": f"{on_responses}=responses,{on_chat}=chat"}
    async with translating(DEPLOYED, **apis, **KEEPING) as alone:
        with pytest.raises(openai.BadRequestError) as raised:
            await alone.sdk.chat.completions.create(model=on_responses, messages=HELLO)
        told: Any = raised.value.body
        assert (raised.value.code, raised.value.param) == ("content_filter", "prompt")
        assert told["innererror"] == {
            "code": "ResponsibleAIPolicyViolation",
            "content_filter_result": {"jailbreak": {"detected": True, "filtered": True}},
        }
        with pytest.raises(openai.BadRequestError) as raised:
            await alone.sdk.responses.create(model=on_chat, input="hello world")
        told = raised.value.body
        assert (raised.value.code, raised.value.param) == ("content_filter", None)
        (found,) = told["content_filters"]
        assert (found["blocked"], found["source_type"]) == (True, "prompt")
        assert found["content_filter_results"]["hate"] == {"filtered": True, "severity": "high"}
