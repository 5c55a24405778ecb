import os

import openai

openai.api_base = os.environ["OPENAI_BASE_URL"]
openai.api_key = os.environ["OPENAI_API_KEY"]
chunks = openai.ChatCompletion.create(
    model=os.environ["MODEL"], stream=True, messages=[{"role": "user", "content": "Hello"}]
)
for chunk in chunks:
    if chunk.choices:
        print(chunk.choices[0].delta.get("content", ""), end="", flush=True)
print()
