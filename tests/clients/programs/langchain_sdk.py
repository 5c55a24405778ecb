from calls import BASE_URL, KEY, MODEL, PROMPT, run
from langchain.agents import create_agent
from langchain_core.tools import tool as as_tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

model = ChatOpenAI(base_url=BASE_URL, api_key=KEY, model=MODEL, max_retries=0)
responses = ChatOpenAI(base_url=BASE_URL, api_key=KEY, model=MODEL, max_retries=0, use_responses_api=True)


class Place(BaseModel):
    city: str


@as_tool
def weather(city: str) -> str:
    """Tell the weather."""
    return "sunny"


def chat():
    return model.invoke(PROMPT).text


def stream():
    return "".join(chunk.text for chunk in model.stream(PROMPT))


def tool():
    return model.bind_tools([weather], tool_choice="weather").invoke(PROMPT).tool_calls[0]["name"]


def agent():
    return create_agent(model, [weather]).invoke({"messages": PROMPT})["messages"][-1].text


def as_object():
    return type(model.with_structured_output(Place).invoke(PROMPT).city).__name__


def embedding():
    kind = OpenAIEmbeddings(
        base_url=BASE_URL, api_key=KEY, model="text-embedding-3-small", check_embedding_ctx_length=False
    )
    return len(kind.embed_documents(["a", "b"]))


def response():
    return responses.invoke(PROMPT).text


def response_stream():
    return "".join(chunk.text for chunk in responses.stream(PROMPT))


run(chat, stream, tool, agent, as_object, embedding, response, response_stream)
