import os

from openai import OpenAI

client = OpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key=os.environ["OPENAI_API_KEY"])
chunks = client.chat.completions.create(
    model=os.environ["MODEL"], stream=True, messages=[{"role": "user", "content": "Hello"}]
)
for chunk in chunks:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
