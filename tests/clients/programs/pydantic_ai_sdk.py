from calls import BASE_URL, KEY, MODEL, PROMPT, run
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.openai import OpenAIProvider

provider = OpenAIProvider(base_url=BASE_URL, api_key=KEY)
by_chat = OpenAIChatModel(MODEL, provider=provider)
by_responses = OpenAIResponsesModel(MODEL, provider=provider)


class Place(BaseModel):
    city: str


async def chat():
    return (await Agent(by_chat).run(PROMPT)).output


async def stream():
    async with Agent(by_chat).run_stream(PROMPT) as result:
        return await result.get_output()


async def tool():
    return type((await Agent(by_chat, output_type=Place).run(PROMPT)).output.city).__name__


async def response():
    return (await Agent(by_responses).run(PROMPT)).output


async def response_stream():
    async with Agent(by_responses).run_stream(PROMPT) as result:
        return await result.get_output()


run(chat, stream, tool, response, response_stream)
