from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from calls import BASE_URL, KEY, MODEL, PROMPT, run
from openai import AsyncOpenAI
from openai.types.responses import ResponseTextDeltaEvent

set_tracing_disabled(True)
ran = []


@function_tool
def weather(city: str) -> str:
    """Tells the weather."""
    ran.append(city)
    return "sunny"


def _agent(kind, **more):
    client = AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0)
    return Agent(name="agent", model=kind(model=MODEL, openai_client=client), **more)


async def _streamed(kind):
    text = ""
    async for event in Runner.run_streamed(_agent(kind), PROMPT).stream_events():
        if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent):
            text += event.data.delta
    return text


async def _tool(kind):
    ran.clear()
    settings = ModelSettings(tool_choice="required")
    result = await Runner.run(_agent(kind, tools=[weather], model_settings=settings), PROMPT)
    return [len(ran), result.final_output]


async def chat():
    return (await Runner.run(_agent(OpenAIChatCompletionsModel), PROMPT)).final_output


async def stream():
    return await _streamed(OpenAIChatCompletionsModel)


async def tool():
    return await _tool(OpenAIChatCompletionsModel)


async def response():
    return (await Runner.run(_agent(OpenAIResponsesModel), PROMPT)).final_output


async def response_stream():
    return await _streamed(OpenAIResponsesModel)


async def response_tool():
    return await _tool(OpenAIResponsesModel)


run(chat, stream, tool, response, response_stream, response_tool)
