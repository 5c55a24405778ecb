import os

from langchain_openai import ChatOpenAI

model = ChatOpenAI(
    base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"], model=os.environ["MODEL"]
)
for chunk in model.stream("Hello"):
    print(chunk.text, end="", flush=True)
print()
