import openai
from calls import BASE_URL, CHOICE, KEY, MESSAGES, MODEL, TOOL, run

openai.api_key, openai.api_base = KEY, BASE_URL


def chat():
    return openai.ChatCompletion.create(model=MODEL, messages=MESSAGES).choices[0].message.content


def stream():
    chunks = openai.ChatCompletion.create(model=MODEL, messages=MESSAGES, stream=True)
    return "".join(chunk.choices[0].delta.get("content", "") for chunk in chunks)


def tool():
    answer = openai.ChatCompletion.create(model=MODEL, messages=MESSAGES, tools=[TOOL], tool_choice=CHOICE)
    return answer.choices[0].message.tool_calls[0].function.name


run(chat, stream, tool)
