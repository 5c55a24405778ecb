"""What every program here does: it runs its calls and prints a line of JSON that says what came of each."""

import asyncio
import inspect
import json
import os

URL, KEY, MODEL = os.environ["PROXY"], os.environ["KEY"], os.environ["MODEL"]
BASE_URL = f"{URL}/v1"
PROMPT = "hello world"
MESSAGES = [{"role": "user", "content": PROMPT}]
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "Tells the weather.", "parameters": PARAMETERS}
TOOL = {"type": "function", "function": FUNCTION}
CHOICE = {"type": "function", "function": {"name": "weather"}}


def run(*calls):
    """Run functions, or coroutine functions, by their names."""
    for call in calls:
        try:
            came = call()
            came = asyncio.run(came) if inspect.isawaitable(came) else came
        except Exception as error:  # noqa: BLE001  the test shows it
            came = {"failed": f"{type(error).__name__}: {error}"}
        print(json.dumps({"name": call.__name__, "came": came}), flush=True)
