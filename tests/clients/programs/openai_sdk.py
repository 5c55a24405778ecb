from calls import BASE_URL, CHOICE, FUNCTION, KEY, MESSAGES, MODEL, PROMPT, TOOL, URL, run
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

client = OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0)


def chat():
    return client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content


def stream():
    chunks = client.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def stream_async():
    async with AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=0) as waiting:
        chunks = await waiting.chat.completions.create(model=MODEL, messages=MESSAGES, stream=True)
        return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


def tool():
    answer = client.chat.completions.create(model=MODEL, messages=MESSAGES, tools=[TOOL], tool_choice=CHOICE)
    return answer.choices[0].message.tool_calls[0].function.name


def response():
    return client.responses.create(model=MODEL, input=PROMPT).output_text


def response_stream():
    with client.responses.stream(model=MODEL, input=PROMPT) as events:
        return events.get_final_response().output_text


def response_tool():
    tools = [{"type": "function", **FUNCTION}]
    return client.responses.create(model=MODEL, input=PROMPT, tools=tools, tool_choice="required").output[0].name


def azure():
    azure_client = AzureOpenAI(azure_endpoint=URL, api_key=KEY, api_version="2025-04-01-preview", max_retries=0)
    return azure_client.chat.completions.create(model=MODEL, messages=MESSAGES).choices[0].message.content


run(chat, stream, stream_async, tool, response, response_stream, response_tool, azure)
