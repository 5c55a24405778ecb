import json
from collections.abc import Sequence

import aiohttp
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI, BaseModel
from openai.types.chat import (
    ChatCompletionChunk,
    ChatCompletionFunctionToolParam,
    ChatCompletionMessageParam,
    ChatCompletionNamedToolChoiceParam,
)

HELLO: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "hello there"},
]
WEATHER: ChatCompletionFunctionToolParam = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer"},
                "unit": {"enum": ["celsius", "kelvin"]},
                "hours": {"type": "array", "items": {"type": "number"}},
            },
        },
    },
}
ARGUMENTS = {"city": "hello there", "days": 1, "unit": "celsius", "hours": [1.5]}
NAMED: ChatCompletionNamedToolChoiceParam = {"type": "function", "function": {"name": "weather"}}


class Forecast(BaseModel):
    city: str
    days: int


def text_of(chunks: Sequence[ChatCompletionChunk]) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)


async def test_a_completion_echoes_the_last_user_message_and_names_the_snapshot(azure: AsyncAzureOpenAI) -> None:
    raw = await azure.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
    completion = raw.parse()
    assert completion.choices[0].message.content == "You said: hello there"
    assert completion.choices[0].finish_reason == "stop"
    assert completion.model == "gpt-4o-2024-11-20"
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (4, 4)
    assert raw.headers["x-ms-deployment-name"] == "gpt-4o"
    assert raw.headers["x-ms-region"] == "East US"
    assert raw.headers["x-request-id"]
    assert raw.headers["apim-request-id"]
    assert raw.headers["azureml-model-session"]
    assert raw.headers["x-ratelimit-remaining-requests"]
    assert raw.headers["x-ratelimit-remaining-tokens"]


async def test_v1_takes_the_deployment_from_the_body(v1: AsyncOpenAI) -> None:
    completion = await v1.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    assert completion.model == "gpt-4o-mini-2024-07-18"


async def test_a_completion_carries_the_filters_of_prompt_and_completion(azure: AsyncAzureOpenAI) -> None:
    completion = (await azure.chat.completions.create(model="gpt-4o", messages=HELLO)).to_dict()
    [prompt] = completion["prompt_filter_results"]  # type: ignore[misc]
    assert prompt["content_filter_results"]["jailbreak"] == {"filtered": False, "detected": False}  # type: ignore[has-type]
    [choice] = completion["choices"]  # type: ignore[misc]
    assert choice["content_filter_results"]["violence"] == {"filtered": False, "severity": "safe"}  # type: ignore[has-type]


async def test_text_parts_are_read_and_other_parts_are_not(azure: AsyncAzureOpenAI) -> None:
    parts: list[ChatCompletionMessageParam] = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
                {"type": "text", "text": "here"},
            ],
        }
    ]
    completion = await azure.chat.completions.create(model="gpt-4o", messages=parts)
    assert completion.choices[0].message.content == "You said: look here"


async def test_every_choice_that_is_asked_for_comes(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.chat.completions.create(model="gpt-4o", messages=HELLO, n=3)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    stream = await azure.chat.completions.create(model="gpt-4o", messages=HELLO, n=2, stream=True)
    indexes = [choice.index async for chunk in stream for choice in chunk.choices if choice.delta.content]
    assert indexes == [0, 1] * 4


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
async def test_a_token_limit_cuts_the_reply(http: aiohttp.ClientSession, limit: str) -> None:
    body = {"model": "gpt-4o", "messages": HELLO, limit: 3}
    async with http.post("/openai/v1/chat/completions", json=body) as response:
        choice = (await response.json())["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You said: hello", "length")


async def test_a_stream_begins_with_the_prompt_filter_and_ends_with_done(http: aiohttp.ClientSession) -> None:
    body = {"model": "gpt-4o", "messages": HELLO, "stream": True}
    async with http.post("/openai/v1/chat/completions", json=body) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        lines = (await response.text()).split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    first, opening, *contents, finish = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    assert (first["choices"], first["id"], first["object"], first["model"], first["created"]) == ([], "", "", "", 0)
    assert first["prompt_filter_results"][0]["content_filter_results"]["hate"]["severity"] == "safe"
    assert opening["choices"][0]["delta"] == {"content": "", "refusal": None, "role": "assistant"}
    assert [chunk["choices"][0]["delta"] for chunk in contents] == [
        {"content": "You"},
        {"content": " said:"},
        {"content": " hello"},
        {"content": " there"},
    ]
    assert {len(chunk["obfuscation"] + chunk["choices"][0]["delta"]["content"]) for chunk in contents} == {16}
    assert all(chunk["choices"][0]["content_filter_results"]["hate"] for chunk in contents)
    assert (finish["choices"][0]["delta"], finish["choices"][0]["finish_reason"]) == ({}, "stop")
    assert "usage" not in finish


async def test_usage_streams_only_when_asked_for(azure: AsyncAzureOpenAI) -> None:
    stream = await azure.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert text_of(chunks) == "You said: hello there"
    assert [chunk.usage for chunk in chunks[:-1]] == [None] * 7
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.total_tokens == 8


async def test_a_required_tool_is_called_with_arguments_of_its_schema(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.chat.completions.create(
        model="gpt-4o", messages=HELLO, tools=[WEATHER], tool_choice="required"
    )
    [choice] = completion.choices
    assert choice.finish_reason == "tool_calls"
    assert choice.message.tool_calls is not None
    [call] = choice.message.tool_calls
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("weather", ARGUMENTS)


async def test_the_arguments_of_a_named_tool_stream_in_pieces(azure: AsyncAzureOpenAI) -> None:
    async with azure.chat.completions.stream(
        model="gpt-4o", messages=HELLO, tools=[WEATHER], tool_choice=NAMED
    ) as stream:
        events = [event async for event in stream]
        completion = await stream.get_final_completion()
    assert sum(event.type == "tool_calls.function.arguments.delta" for event in events) > 2
    assert completion.choices[0].finish_reason == "stop"
    assert completion.choices[0].message.tool_calls is not None
    assert json.loads(completion.choices[0].message.tool_calls[0].function.arguments) == ARGUMENTS


async def test_offered_tools_are_left_alone(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.chat.completions.create(model="gpt-4o", messages=HELLO, tools=[WEATHER])
    assert completion.choices[0].message.content == "You said: hello there"


async def test_structured_outputs_parse(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.chat.completions.parse(model="gpt-4o", messages=HELLO, response_format=Forecast)
    assert completion.choices[0].message.parsed == Forecast(city="hello there", days=1)


async def test_json_objects_parse(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.chat.completions.create(
        model="gpt-4o", messages=HELLO, response_format={"type": "json_object"}
    )
    assert json.loads(completion.choices[0].message.content or "") == {"said": "hello there"}
