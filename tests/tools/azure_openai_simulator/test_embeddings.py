import math

import aiohttp
import pytest
from openai import AsyncAzureOpenAI, AsyncOpenAI

MODEL = "text-embedding-3-small"


async def test_base64_and_numbers_tell_the_same_vector(azure: AsyncAzureOpenAI) -> None:
    packed = await azure.embeddings.create(model=MODEL, input="hello")  # the SDK asks for base64
    plain = await azure.embeddings.create(model=MODEL, input="hello", encoding_format="float")
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=0)
    assert len(plain.data[0].embedding) == 1536
    assert math.hypot(*plain.data[0].embedding) == pytest.approx(1.0, abs=1e-5)
    assert packed.model == MODEL


async def test_dimensions_are_honoured(v1: AsyncOpenAI) -> None:
    answer = await v1.embeddings.create(model=MODEL, input="hello", dimensions=3)
    assert len(answer.data[0].embedding) == 3


async def test_each_input_has_its_own_vector_and_always_the_same(azure: AsyncAzureOpenAI) -> None:
    answer = await azure.embeddings.create(model=MODEL, input=["one", "two", "one"], dimensions=4)
    first, second, third = [entry.embedding for entry in answer.data]
    assert first == third != second
    assert [entry.index for entry in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens == 3


async def test_an_array_of_tokens_is_one_input(azure: AsyncAzureOpenAI) -> None:
    assert len((await azure.embeddings.create(model=MODEL, input=[1, 2, 3])).data) == 1
    assert len((await azure.embeddings.create(model=MODEL, input=[[1, 2], [3]])).data) == 2


async def test_without_an_encoding_format_numbers_come(http: aiohttp.ClientSession) -> None:
    body = {"model": MODEL, "input": "hello", "dimensions": 2}
    async with http.post("/openai/v1/embeddings", json=body) as response:
        answer = await response.json()
    assert len(answer["data"][0]["embedding"]) == 2
