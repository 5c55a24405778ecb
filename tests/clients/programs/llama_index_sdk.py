from calls import BASE_URL, KEY, MODEL, PROMPT, run
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(
    model=MODEL,
    api_base=BASE_URL,
    api_key=KEY,
    is_chat_model=True,
    is_function_calling_model=True,
    max_retries=0,
)
MESSAGES = [ChatMessage(role="user", content=PROMPT)]


def weather(city: str) -> str:
    """Tell the weather."""
    return "sunny"


def chat():
    return model.chat(MESSAGES).message.content


def stream():
    return "".join(piece.delta for piece in model.stream_chat(MESSAGES))


def tool():
    tools = [FunctionTool.from_defaults(weather)]
    answer = model.chat_with_tools(tools, user_msg=PROMPT, tool_required=True)
    return model.get_tool_calls_from_response(answer)[0].tool_name


def completion():
    return str(model.complete(PROMPT))


run(chat, stream, tool, completion)
