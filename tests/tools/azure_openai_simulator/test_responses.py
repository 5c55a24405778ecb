import json

import aiohttp
import openai
import pytest
from openai import AsyncOpenAI, BaseModel
from openai.types.responses import FunctionToolParam, ResponseStreamEvent

from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.responses import IMAGE_HEADER

WEATHER: FunctionToolParam = {
    "type": "function",
    "name": "weather",
    "strict": False,
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}
PLAIN = [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    *["response.output_text.delta"] * 3,
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
]


class Forecast(BaseModel):
    city: str


async def test_a_response_is_created_retrieved_and_deleted(either: AsyncOpenAI) -> None:
    raw = await either.responses.with_raw_response.create(model="gpt-4o", input="hello", metadata={"a": "b"})
    response = raw.parse()
    assert (response.output_text, response.status, response.model) == ("You said: hello", "completed", "gpt-4o")
    assert raw.headers["x-ms-served-model"] == "gpt-4o-2024-11-20"
    assert "x-ms-deployment-name" not in raw.headers
    filters = response.to_dict()["content_filters"]
    assert [entry["source_type"] for entry in filters] == ["prompt", "completion"]  # type: ignore[attr-defined]
    assert (await either.responses.retrieve(response.id)).to_dict() == response.to_dict()
    items = [item async for item in either.responses.input_items.list(response.id)]
    assert [item.type for item in items] == ["message"]
    await either.responses.delete(response.id)
    with pytest.raises(openai.NotFoundError, match="No response found"):
        await either.responses.retrieve(response.id)


async def events_of(client: AsyncOpenAI, **rest: object) -> list[ResponseStreamEvent]:
    stream = await client.responses.create(model="gpt-4o", input="hello", stream=True, **rest)  # type: ignore[call-overload]
    return [event async for event in stream]


async def test_a_stream_has_every_event_with_its_number(either: AsyncOpenAI) -> None:
    events = await events_of(either)
    assert [event.type for event in events] == PLAIN
    assert [event.sequence_number for event in events] == list(range(len(PLAIN)))
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == "You said: hello"


async def test_a_stream_ends_with_a_done_that_openai_does_not_send(http: aiohttp.ClientSession) -> None:
    body = {"model": "gpt-4o", "input": "hello", "stream": True}
    async with http.post("/openai/v1/responses", json=body) as response:
        text = await response.text()
    assert text.startswith('event: response.created\ndata: {"type":"response.created"')
    assert text.endswith("}\n\ndata: [DONE]\n\n")
    assert '"content_filters":[{' in text.split("event: ")[-1]


async def test_a_stream_is_taken_up_again_where_it_broke_off(either: AsyncOpenAI) -> None:
    events = await events_of(either)
    assert events[-1].type == "response.completed"
    again = await either.responses.retrieve(events[-1].response.id, stream=True, starting_after=7)
    rest = [event async for event in again]
    assert [event.to_dict() for event in rest] == [event.to_dict() for event in events[8:]]


async def test_a_function_is_called_in_pieces(strict_v1: AsyncOpenAI) -> None:
    events = await events_of(strict_v1, tools=[WEATHER], tool_choice={"type": "function", "name": "weather"})
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert json.loads("".join(deltas)) == {"city": "hello"}
    assert events[-1].type == "response.completed"
    [call] = events[-1].response.output
    assert call.type == "function_call"
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    response = await strict_v1.responses.create(
        model="gpt-4o",
        previous_response_id=events[-1].response.id,
        input=[output],  # type: ignore[list-item]
    )
    assert response.previous_response_id == events[-1].response.id


async def test_a_token_limit_makes_a_response_incomplete(strict_v1: AsyncOpenAI) -> None:
    response = await strict_v1.responses.create(model="gpt-4o", input="hello", max_output_tokens=1)
    assert (response.status, response.output_text) == ("incomplete", "You")
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert (await events_of(strict_v1, max_output_tokens=1))[-1].type == "response.incomplete"


async def test_structured_outputs_parse(strict_v1: AsyncOpenAI) -> None:
    response = await strict_v1.responses.parse(model="gpt-4o", input="hello", text_format=Forecast)
    assert response.output_parsed == Forecast(city="hello")


async def test_a_response_in_the_background_is_finished_later_or_cancelled(either: AsyncOpenAI) -> None:
    response = await either.responses.create(model="gpt-4o", input="hello", background=True)
    assert (response.status, response.output) == ("queued", [])
    assert (await either.responses.retrieve(response.id)).status == "in_progress"
    assert (await either.responses.retrieve(response.id)).output_text == "You said: hello"
    other = await either.responses.create(model="gpt-4o", input="hello", background=True)
    assert (await either.responses.cancel(other.id)).status == "cancelled"
    with pytest.raises(openai.BadRequestError, match="background"):
        await either.responses.create(model="gpt-4o", input="hello", background=True, store=False)
    plain = await either.responses.create(model="gpt-4o", input="hello")
    with pytest.raises(openai.BadRequestError, match="background"):
        await either.responses.cancel(plain.id)


async def test_what_is_not_stored_is_forgotten(strict_v1: AsyncOpenAI) -> None:
    response = await strict_v1.responses.create(model="gpt-4o", input="hello", store=False)
    with pytest.raises(openai.NotFoundError):
        await strict_v1.responses.retrieve(response.id)
    with pytest.raises(openai.NotFoundError):
        await strict_v1.responses.create(model="gpt-4o", input="hello", previous_response_id=response.id)


async def test_a_conversation_is_compacted_and_counted(strict_v1: AsyncOpenAI) -> None:
    compacted = await strict_v1.responses.compact(model="gpt-4o", input="hello there")
    assert [item.type for item in compacted.output] == ["compaction"]
    counted = await strict_v1.responses.input_tokens.count(model="gpt-4o", input="hello there")
    assert counted.input_tokens == 2


async def test_a_picture_needs_the_header_that_names_its_deployment(strict_v1: AsyncOpenAI) -> None:
    ask = strict_v1.responses.create
    with pytest.raises(openai.BadRequestError, match=IMAGE_HEADER):
        await ask(model="gpt-4o", input="a cat", tools=[{"type": "image_generation"}])
    for deployment, error in {"nothing": openai.NotFoundError, "error-429-old": openai.RateLimitError}.items():
        with pytest.raises(error):
            await ask(
                model="gpt-4o",
                input="a cat",
                tools=[{"type": "image_generation"}],
                extra_headers={IMAGE_HEADER: deployment},
            )
    stream = await ask(
        model="gpt-4o",
        input="a cat",
        tools=[{"type": "image_generation"}],
        extra_headers={IMAGE_HEADER: "gpt-image-1"},
        stream=True,
    )
    events = [event async for event in stream]
    assert sum(event.type == "response.image_generation_call.partial_image" for event in events) == 1
    assert events[-1].type == "response.completed"
    assert [item.type for item in events[-1].response.output] == ["image_generation_call", "message"]


async def test_an_unknown_deployment_is_not_found(either: AsyncOpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="API deployment for this resource does not exist"):
        await either.responses.create(model="nothing", input="hello")


@pytest.mark.parametrize(
    ("deployment", "first"),
    [("stream-error-event", "event: response.created"), ("stream-error-429-first", 'data: {"error":{"code":"429"')],
)
async def test_oddities_show_in_these_streams_too(http: aiohttp.ClientSession, deployment: str, first: str) -> None:
    body = {"model": deployment, "input": "hello", "stream": True}
    async with http.post("/openai/v1/responses", json=body) as response:
        text = await response.text()
    assert text.startswith(first)
    assert "output_text" not in text
    assert '"error":{' in text


async def test_a_stream_that_is_told_again_is_as_odd_as_its_deployment(
    simulator: Simulator, v1: AsyncOpenAI, http: aiohttp.ClientSession
) -> None:
    response = await v1.responses.create(model="stream-comments", input="hello")
    async with http.get(f"/openai/v1/responses/{response.id}?stream=true") as again:
        assert (await again.text()).startswith(": keep-alive")
