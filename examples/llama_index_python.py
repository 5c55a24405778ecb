import os

from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(
    api_base=os.environ["OPENAI_BASE_URL"],
    api_key=os.environ["OPENAI_API_KEY"],
    model=os.environ["MODEL"],
    is_chat_model=True,
)
for piece in model.stream_complete("Hello"):
    print(piece.delta, end="", flush=True)
print()
