"""The calls of responses and conversations."""

import json

import openai
import pytest
from openai import AsyncOpenAI

from tests.integration.test_operations import Call
from tests.integration.test_sdk import ECHO
from tools.azure_openai_simulator import Simulator

IMAGE_HEADER = "x-ms-oai-image-generation-deployment"

CALLS = (
    Call("createConversation", lambda sdk, _: sdk.conversations.create(metadata={"topic": "a"}), "conversation"),
    Call("getConversation", lambda sdk, ids: sdk.conversations.retrieve(ids["conversation"])),
    Call("updateConversation", lambda sdk, ids: sdk.conversations.update(ids["conversation"], metadata={"topic": "b"})),
    Call(
        "createConversationItems",
        lambda sdk, ids: sdk.conversations.items.create(
            ids["conversation"], items=[{"type": "message", "role": "user", "content": "hello"}]
        ),
    ),
    Call("createResponse", lambda sdk, _: sdk.responses.create(model="chat", input="hello world"), "response"),
    Call("createResponse", lambda sdk, _: sdk.responses.create(model="chat", input="hello", stream=True)),
    Call(
        "createResponse",
        lambda sdk, ids: sdk.responses.create(
            model="chat", input="hello", previous_response_id=ids["response"], background=True
        ),
        "background",
    ),
    Call("cancelResponse", lambda sdk, ids: sdk.responses.cancel(ids["background"])),
    Call("getResponse", lambda sdk, ids: sdk.responses.retrieve(ids["response"])),
    Call("getResponse", lambda sdk, ids: sdk.responses.retrieve(ids["response"], stream=True)),
    Call("listInputItems", lambda sdk, ids: sdk.responses.input_items.list(ids["response"], limit=5)),
    Call("Compactconversation", lambda sdk, _: sdk.responses.compact(model="chat", input="hello world")),
    Call("Getinputtokencounts", lambda sdk, _: sdk.responses.input_tokens.count(model="chat", input="hello world")),
    Call("deleteResponse", lambda sdk, ids: sdk.responses.delete(ids["response"])),
    Call(
        "listConversationItems",
        lambda sdk, ids: sdk.conversations.items.list(ids["conversation"], order="asc", limit=5),
        "item",
    ),
    Call(
        "getConversationItem",
        lambda sdk, ids: sdk.conversations.items.retrieve(ids["item"], conversation_id=ids["conversation"]),
    ),
    Call(
        "deleteConversationItem",
        lambda sdk, ids: sdk.conversations.items.delete(ids["item"], conversation_id=ids["conversation"]),
    ),
    Call("deleteConversation", lambda sdk, ids: sdk.conversations.delete(ids["conversation"])),
)


async def test_a_response_is_the_same_created_streamed_and_retrieved(client: AsyncOpenAI) -> None:
    created = await client.responses.create(model="chat", input="hello world")
    assert created.output_text == ECHO
    assert (await client.responses.retrieve(created.id)).output_text == ECHO
    for stream in (
        await client.responses.create(model="chat", input="hello world", stream=True),
        await client.responses.retrieve(created.id, stream=True),
    ):
        events = [event async for event in stream]
        assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == ECHO
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert events[-1].type == "response.completed"


async def test_the_stream_helper_of_responses_works(client: AsyncOpenAI) -> None:
    async with client.responses.stream(model="chat", input="hello world") as stream:
        assert (await stream.get_final_response()).output_text == ECHO


async def test_a_stream_begins_again_where_it_broke_off(client: AsyncOpenAI) -> None:
    created = await client.responses.create(model="chat", input="hello world")
    stream = await client.responses.retrieve(created.id, stream=True, starting_after=3)
    numbers = [event.sequence_number async for event in stream]
    assert numbers[0] == 4


async def test_a_deleted_response_is_gone(client: AsyncOpenAI) -> None:
    created = await client.responses.create(model="chat", input="hello world")
    await client.responses.delete(created.id)
    with pytest.raises(openai.NotFoundError):
        await client.responses.retrieve(created.id)


async def test_the_image_tool_s_model_goes_into_azure_s_header(client: AsyncOpenAI, simulator: Simulator) -> None:
    await client.responses.create(
        model="chat", input="draw", tools=[{"type": "image_generation", "model": "gpt-image-1"}]
    )
    sent = simulator.requests[-1]
    assert sent.headers[IMAGE_HEADER] == "gpt-image-1"
    assert json.loads(sent.body)["model"] == "gpt-4o"
    with pytest.raises(openai.NotFoundError):
        # The mapper has made another deployment of this name, one that draws nothing.
        await client.responses.create(model="chat", input="draw", tools=[{"type": "image_generation", "model": "none"}])
    assert simulator.requests[-1].headers[IMAGE_HEADER] == "none"
    await client.responses.create(
        model="chat", input="draw", tools=[{"type": "image_generation", "model": "slow model"}]
    )
    assert simulator.requests[-1].headers[IMAGE_HEADER] == "gpt-4o-mini"


async def test_without_an_image_tool_there_is_no_header(client: AsyncOpenAI, simulator: Simulator) -> None:
    await client.responses.create(model="chat", input="hello")
    assert IMAGE_HEADER not in simulator.requests[-1].headers
