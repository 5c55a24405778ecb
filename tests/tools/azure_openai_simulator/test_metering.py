"""The simulator counts what Azure does besides words: images, sound, thoughts, tools and what is stored."""

from openai import AsyncOpenAI
from openai.types.responses import Response

from tools.azure_openai_simulator import Simulator
from tools.azure_openai_simulator.metering import FIDELITY, GIVEN, IMAGE, MADE, PARTIAL, SMALL_IMAGE, SOUND, TOOLS
from tools.azure_openai_simulator.model_apis import TOKENS
from tools.azure_openai_simulator.state import Most

PIXEL = "data:image/png;base64,iVBORw0KGgo="


async def test_a_chat_counts_images_sound_thoughts_and_what_was_predicted_in_vain(strict_v1: AsyncOpenAI) -> None:
    completion = await strict_v1.chat.completions.create(
        model="gpt-4o",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "one two"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                    {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}},
                    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
                ],
            }
        ],
        n=2,
        prediction={"type": "content", "content": "a b c"},
        reasoning_effort="low",
        service_tier="flex",
    )
    usage = completion.usage
    assert completion.service_tier == "flex"
    assert usage is not None
    assert usage.prompt_tokens == 2 + IMAGE + SMALL_IMAGE + SOUND
    assert usage.prompt_tokens_details is not None
    assert usage.prompt_tokens_details.audio_tokens == SOUND
    assert usage.completion_tokens == 2 * (4 + TOKENS) + 3
    details = usage.completion_tokens_details
    assert details is not None
    assert (details.reasoning_tokens, details.rejected_prediction_tokens, details.audio_tokens) == (2 * TOKENS, 3, 0)


async def ask(client: AsyncOpenAI, text: str, **rest: object) -> Response:
    response: Response = await client.responses.create(model="gpt-4o", input=text, **rest)  # type: ignore[call-overload]
    return response


async def test_a_response_reads_all_again_behind_each_call_of_a_tool(strict_v1: AsyncOpenAI) -> None:
    tools = [{"type": "web_search"}, {"type": "code_interpreter", "container": {"type": "auto"}}]
    response = await ask(strict_v1, "one two", tools=tools, max_tool_calls=3)
    assert [item.type for item in response.output] == [
        *(TOOLS["web_search"], TOOLS["code_interpreter"], TOOLS["web_search"]),
        "message",
    ]
    assert response.usage is not None
    assert response.usage.input_tokens == 2 * 4
    again = await ask(strict_v1, "one two", tools=tools)
    assert len(again.output) == 3


async def test_a_tool_that_azure_runs_has_its_events(strict_v1: AsyncOpenAI) -> None:
    stream = await strict_v1.responses.create(
        model="gpt-4o", input="a", stream=True, tools=[{"type": "file_search", "vector_store_ids": ["vs_1"]}]
    )
    events = [event.type async for event in stream]
    assert "response.file_search_call.completed" in events
    assert events[-1] == "response.completed"


async def test_a_response_counts_the_turns_before(strict_v1: AsyncOpenAI) -> None:
    first = await ask(strict_v1, "one two")
    second = await ask(strict_v1, "three", previous_response_id=first.id)
    third = await ask(strict_v1, "four", previous_response_id=second.id)
    assert second.usage is not None
    assert second.usage.input_tokens == 1 + 2 + 4
    assert third.usage is not None
    assert third.usage.input_tokens == 1 + (2 + 4) + (1 + 3)


async def test_an_image_counts_by_its_quality_and_shape_and_by_what_it_is_made_of(strict_v1: AsyncOpenAI) -> None:
    made = await strict_v1.images.generate(model="gpt-image-1", prompt="a cat", n=2, quality="high", size="1024x1536")
    assert made.usage is not None
    assert (made.usage.input_tokens, made.usage.output_tokens) == (2, 2 * MADE["high"][1])
    images = [("a.png", b"bytes"), ("b.png", b"bytes")]
    edited = await strict_v1.images.edit(model="gpt-image-1", image=images, prompt="a cat", input_fidelity="high")
    assert edited.usage is not None
    assert edited.usage.input_tokens_details.image_tokens == 2 * (GIVEN + FIDELITY)
    stream = await strict_v1.images.generate(model="gpt-image-1", prompt="a cat", stream=True, partial_images=2)
    last = [event async for event in stream][-1]
    assert last.type == "image_generation.completed"
    assert last.usage.output_tokens == MADE["low"][0] + 2 * PARTIAL


async def test_calls_can_cost_as_much_as_they_can(simulator: Simulator, strict_v1: AsyncOpenAI) -> None:
    simulator.state.most = Most(window=1000, output=50)
    plain = await ask(strict_v1, "äö")
    assert plain.usage is not None
    assert 4 < plain.usage.input_tokens < 100
    assert plain.usage.output_tokens == 50
    filled = await strict_v1.responses.create(
        model="gpt-4o",
        input=[{"role": "user", "content": [{"type": "input_file", "file_id": "file-1"}]}],
        max_output_tokens=20,
    )
    assert filled.usage is not None
    assert (filled.usage.input_tokens, filled.usage.output_tokens) == (1000, 20)
