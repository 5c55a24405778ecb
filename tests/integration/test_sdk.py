"""The official openai SDK, unchanged, through Microsoft's worker runtime."""

import asyncio

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionMessageParam

from tests.integration.conftest import CLIENT_KEY
from tests.processes import HostProcess
from tools.azure_openai_simulator import Simulator

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello world"}]
ECHO = "You said: hello world"


async def test_a_chat_answers(client: AsyncOpenAI) -> None:
    answer = await client.chat.completions.create(model="gpt-4o", messages=HELLO)
    assert answer.choices[0].message.content == ECHO
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert answer._request_id


async def test_a_chat_streams(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ECHO
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}


async def test_the_stream_helper_of_the_sdk_works(client: AsyncOpenAI) -> None:
    async with client.chat.completions.stream(model="gpt-4o", messages=HELLO) as stream:
        completion = await stream.get_final_completion()
    assert completion.choices[0].message.content == ECHO


async def test_the_synchronous_client_chats_and_streams(app: HostProcess) -> None:
    def talk() -> tuple[str | None, str]:
        with OpenAI(base_url=f"{app.url}/v1", api_key=CLIENT_KEY, max_retries=0) as sdk:
            plain = sdk.chat.completions.create(model="chat", messages=HELLO)
            stream = sdk.chat.completions.create(model="chat", messages=HELLO, stream=True)
            return plain.choices[0].message.content, "".join(c.choices[0].delta.content or "" for c in stream)

    assert await asyncio.to_thread(talk) == (ECHO, ECHO)


async def test_usage_comes_last_when_asked_for(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.choices for chunk in chunks[:-1])


async def test_chunks_arrive_one_by_one(client: AsyncOpenAI, simulator: Simulator) -> None:
    stream = await client.chat.completions.create(model="gated", messages=HELLO, stream=True)
    words = []
    # A word leaves the simulator only after the one before has reached the client.
    simulator.gate.release()
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            words.append(chunk.choices[0].delta.content)
            simulator.gate.release()
    assert "".join(words) == ECHO
    assert len(words) > 2
    simulator.gate._value = 0


async def test_tool_calls_stream(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="gpt-4o",
        messages=HELLO,
        stream=True,
        tool_choice="required",
        tools=[{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}],
    )
    calls = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]
    assert calls[0].function is not None
    assert calls[0].function.name == "look_up"


async def test_several_choices_stream_to_their_ends(client: AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True, n=2)
    ends = [choice.index async for chunk in stream for choice in chunk.choices if choice.finish_reason]
    assert sorted(ends) == [0, 1]


@pytest.mark.parametrize("encoding", ["base64", "float"])
async def test_embeddings(client: AsyncOpenAI, encoding: str) -> None:
    if encoding == "float":
        answer = await client.embeddings.create(
            model="text-embedding-3-small", input=["a", "b"], encoding_format="float", dimensions=4
        )
    else:
        answer = await client.embeddings.create(model="text-embedding-3-small", input=["a", "b"], dimensions=4)
    assert [len(item.embedding) for item in answer.data] == [4, 4]


async def test_completions_plain_and_streamed(client: AsyncOpenAI) -> None:
    plain = await client.completions.create(model="gpt-35-turbo-instruct", prompt="hello")
    stream = await client.completions.create(model="gpt-35-turbo-instruct", prompt="hello", stream=True)
    text = "".join([chunk.choices[0].text async for chunk in stream])
    assert text == plain.choices[0].text


async def test_models_are_those_of_the_mapping(client: AsyncOpenAI) -> None:
    models = [model.id async for model in client.models.list()]
    assert models == ["chat", "gpt-4o", "slow model"]
    assert (await client.models.retrieve("slow model")).id == "slow model"


async def test_a_mapped_model_reaches_its_deployment(client: AsyncOpenAI, simulator: Simulator) -> None:
    await client.chat.completions.create(model="slow model", messages=HELLO)
    assert simulator.requests[-1].raw_path == "/openai/deployments/gpt-4o-mini/chat/completions"
    assert simulator.requests[-1].query == {"api-version": "2025-04-01-preview"}


async def test_more_than_a_hundred_streams_run_at_once(client: AsyncOpenAI, simulator: Simulator) -> None:
    before = len(simulator.requests)

    async def stream() -> str:
        chunks = await client.chat.completions.create(model="gated", messages=HELLO, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])

    streams = [asyncio.create_task(stream()) for _ in range(120)]
    await simulator.requested(before + 120)  # All are open before the first word leaves.
    for _ in range(120 * 10):
        simulator.gate.release()
    assert await asyncio.gather(*streams) == [ECHO] * 120
    simulator.gate._value = 0
