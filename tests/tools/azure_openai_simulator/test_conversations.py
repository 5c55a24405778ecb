import openai
import pytest
from openai import AsyncOpenAI


async def test_a_conversation_is_created_retrieved_updated_and_deleted(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.conversations.create(metadata={"a": "b"})
    assert (made.id.startswith("conv_"), made.metadata) == (True, {"a": "b"})
    assert (await strict_v1.conversations.update(made.id, metadata={"c": "d"})).metadata == {"c": "d"}
    assert (await strict_v1.conversations.retrieve(made.id)).metadata == {"c": "d"}
    assert (await strict_v1.conversations.delete(made.id)).deleted
    with pytest.raises(openai.NotFoundError, match="No conversation found"):
        await strict_v1.conversations.items.list(made.id)


async def test_items_are_added_listed_retrieved_and_deleted(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.conversations.create(items=[{"role": "user", "content": "first"}])
    items = strict_v1.conversations.items
    added = await items.create(
        made.id, items=[{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "second"}]}]
    )
    [item] = added.data
    assert item.type == "message"
    assert [listed.type async for listed in items.list(made.id)] == ["message", "message"]
    found = await items.retrieve(item.id, conversation_id=made.id)
    assert found.to_dict() == item.to_dict()
    assert (await items.delete(item.id, conversation_id=made.id)).id == made.id
    assert len([listed async for listed in items.list(made.id)]) == 1


async def test_a_response_adds_what_was_said_to_its_conversation(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.conversations.create()
    response = await strict_v1.responses.create(model="gpt-4o", input="hello", conversation=made.id)
    assert response.conversation is not None
    assert response.conversation.id == made.id
    listed = [item async for item in strict_v1.conversations.items.list(made.id, order="asc")]
    assert [item.role for item in listed if item.type == "message"] == ["user", "assistant"]
    with pytest.raises(openai.NotFoundError, match="No conversation found"):
        await strict_v1.responses.create(model="gpt-4o", input="hello", conversation="conv_nothing")
