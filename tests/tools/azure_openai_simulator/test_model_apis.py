"""Models that offer one API alone, and what others refuse on one of them."""

from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI, DefaultAsyncHttpxClient
from openai.types.responses import FunctionToolParam, ResponseInputParam

from tests.tools.azure_openai_simulator.judge import judge
from tools.azure_openai_simulator import DEFAULT_KEY, Simulator
from tools.azure_openai_simulator.model_apis import ON_CHAT, ON_RESPONSES, THOUGHT

ALL = {name: name for name in (*ON_CHAT, *ON_RESPONSES)}
TOOL: FunctionToolParam = {"type": "function", "name": "weather", "strict": False, "parameters": {"type": "object"}}
CODEX = "gpt-5-codex"


def client_of(simulator: Simulator) -> AsyncOpenAI:
    return AsyncOpenAI(
        base_url=f"{simulator.url}/openai/v1/",
        api_key=DEFAULT_KEY,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(event_hooks={"response": [judge]}),
        _strict_response_validation=True,
    )


@pytest.fixture
async def sdk() -> AsyncIterator[AsyncOpenAI]:
    async with Simulator(deployments=ALL).serving() as simulator, client_of(simulator) as client:
        yield client


async def chat(sdk: AsyncOpenAI, model: str, **rest: object) -> str | None:
    messages = [{"role": "user", "content": "hello"}]
    answer = await sdk.chat.completions.create(model=model, messages=messages, **rest)  # type: ignore[call-overload]
    return answer.choices[0].message.content  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (CODEX, "The chatCompletion operation does not work with the specified model, gpt-5-codex. Please choose "),
        ("o3-pro", "The requested operation is unsupported."),
    ],
)
async def test_a_model_of_responses_alone_refuses_chat(sdk: AsyncOpenAI, model: str, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message) as refused:
        await chat(sdk, model)
    assert refused.value.code == "OperationNotSupported"
    assert (await sdk.responses.create(model=model, input="hello")).output_text == "You said: hello"


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("gpt-4", "The responses operation does not work with the specified model, gpt-4. "),
        ("Phi-4", "The requested operation is unsupported."),
    ],
)
async def test_a_model_of_chat_alone_refuses_responses(sdk: AsyncOpenAI, model: str, message: str) -> None:
    with pytest.raises(openai.BadRequestError, match=message):
        await sdk.responses.create(model=model, input="hello")
    assert await chat(sdk, model) == "You said: hello"


async def test_functions_of_a_model_that_reasons_are_refused_on_chat_unless_it_does_not_reason(
    sdk: AsyncOpenAI,
) -> None:
    tools = [{"type": "function", "function": {"name": "weather"}}]
    for rest in ({}, {"reasoning_effort": "low"}):
        with pytest.raises(openai.BadRequestError, match="Function tools with reasoning_effort are not") as refused:
            await chat(sdk, "gpt-5.6-luna", tools=tools, **rest)
        assert (refused.value.param, refused.value.code) == ("reasoning_effort", None)
    assert await chat(sdk, "gpt-5.6-luna", tools=tools, reasoning_effort="none") == "You said: hello"
    assert await chat(sdk, "gpt-5.6-luna") == "You said: hello"


async def test_a_model_of_another_maker_seals_nothing_and_has_no_effort(sdk: AsyncOpenAI) -> None:
    model = "DeepSeek-V4-Pro"
    with pytest.raises(openai.BadRequestError, match="Encrypted content is not supported with this model") as refused:
        await sdk.responses.create(model=model, input="hello", include=["reasoning.encrypted_content"])
    assert refused.value.param == "include"
    with pytest.raises(openai.BadRequestError, match=r"'reasoning\.effort' is not supported"):
        await sdk.responses.create(model=model, input="hello", reasoning={"effort": "low"})
    assert (await sdk.responses.create(model=model, input="hello")).output_text == "You said: hello"


async def reasoned(sdk: AsyncOpenAI, model: str) -> ResponseInputParam:
    """Return a conversation with reasoning before a call, and the call's output."""
    first = await sdk.responses.create(
        model=model,
        input="hello",
        store=False,
        tools=[TOOL],
        tool_choice="required",
        include=["reasoning.encrypted_content"],
        reasoning={"summary": "auto"},
    )
    thought, call = first.output
    assert (thought.type, call.type) == ("reasoning", "function_call")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}  # type: ignore[union-attr]
    return [{"role": "user", "content": "hello"}, *(item.to_dict() for item in first.output), output]  # type: ignore[list-item]


async def test_sealed_reasoning_is_read_again_where_it_was_sealed_alone(sdk: AsyncOpenAI) -> None:
    conversation = await reasoned(sdk, CODEX)
    assert (await sdk.responses.create(model=CODEX, input=conversation)).output_text == "You said: hello"
    async with Simulator(deployments=ALL).serving() as other, client_of(other) as elsewhere:
        with pytest.raises(openai.BadRequestError, match="could not be verified") as refused:
            await elsewhere.responses.create(model=CODEX, input=conversation)
    assert refused.value.code == "invalid_encrypted_content"


async def test_reasoning_that_was_not_sealed_is_not_found(sdk: AsyncOpenAI) -> None:
    thought = {"type": "reasoning", "id": "rs_1", "summary": []}
    with pytest.raises(openai.BadRequestError, match="Item with id 'rs_1' not found"):
        await sdk.responses.create(model=CODEX, input=[thought])  # type: ignore[list-item]


async def test_the_reasoning_of_a_stream_comes_in_its_events(sdk: AsyncOpenAI) -> None:
    stream = await sdk.responses.create(
        model=CODEX, input="hello", stream=True, include=["reasoning.encrypted_content"], reasoning={"summary": "auto"}
    )
    events = [event async for event in stream]
    assert "response.reasoning_summary_text.delta" in [event.type for event in events]
    assert events[-1].type == "response.completed"
    thought = events[-1].response.output[0]
    assert thought.type == "reasoning"
    assert thought.encrypted_content is not None
    assert events[-1].response.usage is not None
    assert events[-1].response.usage.output_tokens_details.reasoning_tokens == 64


@pytest.mark.parametrize(
    ("model", "message", "code"),
    [
        ("gpt-5-codex-not-found", "Item with id 'rs_.*' not found", None),
        ("gpt-5-codex-conflict", "Conflicting authenticated continuation identities", "invalid_value"),
        ("gpt-5-codex-required", "was provided without its required 'reasoning' item: 'rs_", None),
        ("gpt-5-codex-unverified", "could not be verified", "invalid_encrypted_content"),
    ],
)
async def test_some_refuse_the_reasoning_that_they_have_sealed(
    sdk: AsyncOpenAI, model: str, message: str, code: str | None
) -> None:
    conversation = await reasoned(sdk, model)
    with pytest.raises(openai.BadRequestError, match=message) as refused:
        await sdk.responses.create(model=model, input=conversation)
    assert refused.value.code == code
    without = [item for item in conversation if item.get("type") != "reasoning"]
    assert (await sdk.responses.create(model=model, input=without)).output_text == "You said: hello"


async def test_a_model_that_thinks_in_a_chat_wants_its_thoughts_back(sdk: AsyncOpenAI) -> None:
    model = "DeepSeek-V4-Pro"
    tools = [{"type": "function", "function": {"name": "weather"}}]
    asked = [{"role": "user", "content": "hello"}]
    lenient = AsyncOpenAI(base_url=sdk.base_url, api_key=DEFAULT_KEY, max_retries=0)  # for Azure's blank first chunk
    async with lenient:
        whole, stream = [
            await lenient.chat.completions.create(  # type: ignore[call-overload]
                model=model, messages=asked, tools=tools, tool_choice="required", stream=streams
            )
            for streams in (False, True)
        ]
        deltas = [chunk.choices[0].delta.to_dict() async for chunk in stream if chunk.choices]
    assert whole.choices[0].message.to_dict()["reasoning_content"] == THOUGHT
    assert "".join(delta.get("reasoning_content") or "" for delta in deltas) == THOUGHT
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    said = {"role": "assistant", "tool_calls": [call]}
    output = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
    with pytest.raises(openai.BadRequestError, match="must be passed back"):
        await sdk.chat.completions.create(model=model, messages=[*asked, said, output])  # type: ignore[list-item]
    thought = {**said, "reasoning_content": THOUGHT}
    answer = await sdk.chat.completions.create(model=model, messages=[*asked, thought, output])  # type: ignore[list-item]
    assert answer.choices[0].message.content == "You said: hello"
