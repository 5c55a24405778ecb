import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

MODEL = "gpt-35-turbo-instruct"


async def test_a_completion_echoes_its_prompt(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.completions.create(model=MODEL, prompt="hello there")
    assert [choice.text for choice in completion.choices] == ["You said: hello there"]
    assert (completion.object, completion.choices[0].finish_reason) == ("text_completion", "stop")
    assert "prompt_filter_results" in completion.to_dict()


async def test_every_prompt_has_its_choices(v1: AsyncOpenAI) -> None:
    completion = await v1.completions.create(model=MODEL, prompt=["one", "two"], n=2)
    texts = ["You said: one", "You said: one", "You said: two", "You said: two"]
    assert [(choice.index, choice.text) for choice in completion.choices] == list(enumerate(texts))


@pytest.mark.parametrize(("prompt", "count"), [([1, 2, 3], 1), ([[1, 2], [3]], 2)])
async def test_token_prompts_are_echoed_as_numbers(
    azure: AsyncAzureOpenAI, prompt: list[int] | list[list[int]], count: int
) -> None:
    completion = await azure.completions.create(model=MODEL, prompt=prompt)
    assert len(completion.choices) == count
    assert completion.choices[0].text.startswith("You said: 1 2")


async def test_a_reply_ends_at_sixteen_tokens_unless_told_otherwise(azure: AsyncAzureOpenAI) -> None:
    completion = await azure.completions.create(model=MODEL, prompt="word " * 30)
    assert completion.choices[0].finish_reason == "length"
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 16
    longer = await azure.completions.create(model=MODEL, prompt="word " * 30, max_tokens=100)
    assert longer.choices[0].finish_reason == "stop"


async def test_a_stream_carries_the_same_text_in_pieces(azure: AsyncAzureOpenAI) -> None:
    stream = await azure.completions.create(
        model=MODEL, prompt="hello there", stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    assert (chunks[0].id, chunks[0].object, chunks[0].choices) == ("", "", [])
    texts = [choice.text for chunk in chunks for choice in chunk.choices]
    assert texts == ["You", " said:", " hello", " there", ""]
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage is not None
