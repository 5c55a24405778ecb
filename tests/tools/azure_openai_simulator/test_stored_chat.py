import openai
import pytest
from openai import AsyncOpenAI


async def test_a_stored_completion_is_listed_retrieved_updated_and_deleted(either: AsyncOpenAI) -> None:
    stored = await either.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hello"}], store=True, metadata={"a": "b"}
    )
    await either.chat.completions.create(model="gpt-4o", messages=[])
    assert [entry.id async for entry in either.chat.completions.list()] == [stored.id]
    found = await either.chat.completions.retrieve(stored.id)
    assert found.choices[0].message.content == "You said: hello"
    updated = await either.chat.completions.update(stored.id, metadata={"c": "d"})
    assert updated.to_dict()["metadata"] == {"c": "d"}
    assert (await either.chat.completions.delete(stored.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await either.chat.completions.retrieve(stored.id)


async def test_its_messages_are_told(v1: AsyncOpenAI) -> None:
    stored = await v1.chat.completions.create(
        model="gpt-4o", messages=[{"role": "user", "content": "hello"}], store=True
    )
    [message] = [message async for message in v1.chat.completions.messages.list(stored.id)]
    assert (message.id, message.content) == (f"{stored.id}-0", "hello")


async def test_a_streamed_completion_is_stored_too(v1: AsyncOpenAI) -> None:
    stream = await v1.chat.completions.create(model="gpt-4o", messages=[], store=True, stream=True)
    ids = {chunk.id async for chunk in stream if chunk.id}
    assert {entry.id async for entry in v1.chat.completions.list()} == ids
