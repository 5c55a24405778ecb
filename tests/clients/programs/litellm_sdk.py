import litellm
from calls import BASE_URL, CHOICE, KEY, MESSAGES, MODEL, PROMPT, TOOL, run

access = {"model": f"openai/{MODEL}", "api_base": BASE_URL, "api_key": KEY, "max_retries": 0}


def chat():
    return litellm.completion(messages=MESSAGES, **access).choices[0].message.content


def stream():
    chunks = litellm.completion(messages=MESSAGES, stream=True, **access)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


async def stream_async():
    chunks = await litellm.acompletion(messages=MESSAGES, stream=True, **access)
    return "".join([chunk.choices[0].delta.content or "" async for chunk in chunks])


def tool():
    answer = litellm.completion(messages=MESSAGES, tools=[TOOL], tool_choice=CHOICE, **access)
    return answer.choices[0].message.tool_calls[0].function.name


def response():
    answer = litellm.responses(input=PROMPT, **access)
    return answer.output[0].content[0].text


run(chat, stream, stream_async, tool, response)
