import json
import os
import subprocess
import sys
from pathlib import Path

from calls import BASE_URL, KEY, MODEL, PROMPT, run

HOME = Path(os.environ["HOME"])
(HOME / "extra-openai-models.yaml").write_text(f"""\
- model_id: proxy
  model_name: {MODEL}
  api_base: "{BASE_URL}"
  api_key_name: proxy
  supports_schema: true
  supports_tools: true
""")
(HOME / "weather.py").write_text('def weather(city: str) -> str:\n    """Tell the weather."""\n    return "sunny"\n')


def _llm(*arguments):
    environ = {**os.environ, "LLM_USER_PATH": str(HOME)}
    done = subprocess.run([sys.executable, "-m", "llm", *arguments], env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def chat():
    _llm("keys", "set", "proxy", "--value", KEY)
    return _llm("-m", "proxy", "--no-stream", PROMPT)


def stream():
    return _llm("-m", "proxy", PROMPT)


def with_tools():
    return _llm("-m", "proxy", "--functions", str(HOME / "weather.py"), PROMPT)


def schema():
    return json.loads(_llm("-m", "proxy", "--no-stream", "--schema", "said str", PROMPT))


run(chat, stream, with_tools, schema)
