"""openai-python 0.28, which much old code still has, in an environment of its own beside today's."""

import asyncio
import json
import subprocess
import venv
from collections.abc import Mapping
from functools import cache

import pytest

from tests.integration.conftest import CLIENT_KEY
from tests.integration.test_sdk import ECHO
from tests.processes import REPOSITORY, HostProcess
from tools.azure_openai_simulator import Simulator

RELEASE = "openai==0.28.1"
# It reads embeddings with it, and leaves it to its users to install it.
NUMPY = "numpy==2.3.5"
ENVIRONMENT = REPOSITORY / ".venv" / "openai-0.28"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "installed"
INSTALL_TIMEOUT = 300.0
SCRIPT_TIMEOUT = 90.0

# Evaluates expressions from standard input, a line of JSON for each.
RUNNER = """
import json, sys, openai
openai.api_key = sys.argv[1]
openai.api_base = sys.argv[2]
HELLO = [{"role": "user", "content": "hello world"}]
AZURE = dict(api_type="azure", api_base=sys.argv[2].removesuffix("/v1"), api_version="2023-07-01-preview")
def spoken(stream):
    return "".join(chunk.choices[0].delta.get("content", "") for chunk in stream if chunk.choices)
for name, expression in json.load(sys.stdin).items():
    try:
        came = eval(expression)
    except openai.error.OpenAIError as error:
        came = [type(error).__name__, error.http_status, (error.error or {}).get("code")]
    print(json.dumps({"name": name, "came": came}))
"""
CHAT, COMPLETION, EMBEDDING = "openai.ChatCompletion.create", "openai.Completion.create", "openai.Embedding.create"

CALLS: Mapping[str, tuple[str, object]] = {
    "chat": (f"{CHAT}(model='chat', messages=HELLO).choices[0].message.content", ECHO),
    "chat streamed": (f"spoken({CHAT}(model='chat', messages=HELLO, stream=True))", ECHO),
    "chat by engine": (f"{CHAT}(engine='chat', messages=HELLO).choices[0].message.content", ECHO),
    "chat by engine streamed": (f"spoken({CHAT}(engine='chat', messages=HELLO, stream=True))", ECHO),
    "completion by engine": (
        f"{COMPLETION}(engine='gpt-35-turbo-instruct', prompt='hello').choices[0].text",
        "You said: hello",
    ),
    "completion streamed": (
        f"''.join(c.choices[0].text for c in {COMPLETION}(model='gpt-35-turbo-instruct', prompt='hello', stream=True))",
        "You said: hello",
    ),
    "embedding": (f"len({EMBEDDING}(model='text-embedding-3-small', input='a', dimensions=4).data[0].embedding)", 4),
    "embedding by engine": (f"len({EMBEDDING}(engine='text-embedding-3-small', input=['a', 'b']).data)", 2),
    "models": ("[model.id for model in openai.Model.list().data]", ["chat", "gpt-4o", "slow model"]),
    "model": ("openai.Model.retrieve('chat').id", "chat"),
    "image": ("len(openai.Image.create(model='dall-e-3', prompt='a cat').data)", 1),
    "azure chat": (f"{CHAT}(engine='chat', messages=HELLO, **AZURE).choices[0].message.content", ECHO),
    "azure chat streamed": (f"spoken({CHAT}(engine='chat', messages=HELLO, stream=True, **AZURE))", ECHO),
    "azure chat by deployment": (
        f"{CHAT}(deployment_id='gpt-4o-mini', messages=HELLO, **AZURE).choices[0].message.content",
        ECHO,
    ),
    "azure completion": (
        f"{COMPLETION}(engine='gpt-35-turbo-instruct', prompt='hello', **AZURE).choices[0].text",
        "You said: hello",
    ),
    "azure embedding": (f"len({EMBEDDING}(engine='text-embedding-3-small', input='a', **AZURE).data)", 1),
}

REFUSED: Mapping[str, tuple[str, object]] = {
    "a wrong key": (
        f"{CHAT}(model='chat', messages=HELLO, api_key='sk-wrong')",
        ["AuthenticationError", 401, "invalid_api_key"],
    ),
    "an unknown model": (f"{CHAT}(model='nothing', messages=HELLO)", ["InvalidRequestError", 404, "model_not_found"]),
    "an unknown engine": (f"{CHAT}(engine='nothing', messages=HELLO)", ["InvalidRequestError", 404, "model_not_found"]),
    "a bad request": (f"{CHAT}(model='chat', messages=4)", ["InvalidRequestError", 400, None]),
    "a filtered prompt": (
        f"{CHAT}(model='error-400-content-filter', messages=HELLO)",
        ["InvalidRequestError", 400, "content_filter"],
    ),
    "too many requests": (
        f"{CHAT}(model='error-429-2026', messages=HELLO)",
        ["RateLimitError", 429, "rate_limit_exceeded"],
    ),
    "an error in a stream": (
        f"spoken({CHAT}(model='stream-error-429', messages=HELLO, stream=True))",
        ["RateLimitError", 429, "rate_limit_exceeded"],
    ),
    "moderation": ("openai.Moderation.create(input='hello')", ["InvalidRequestError", 404, "unsupported_operation"]),
    "azure with a wrong key": (
        f"{CHAT}(engine='chat', messages=HELLO, **AZURE | dict(api_key='sk-wrong'))",
        ["AuthenticationError", 401, "invalid_api_key"],
    ),
}


@cache
def install() -> None:
    """Make the environment, unless it is there; skip the test where nothing can be installed."""
    if STAMP.is_file() and STAMP.read_text() == RELEASE:
        return
    venv.EnvBuilder(clear=True, with_pip=True).create(ENVIRONMENT)
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", RELEASE, NUMPY)
    done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_TIMEOUT, check=False)
    if done.returncode != 0 and "No matching distribution" in done.stderr:
        pytest.skip(f"{RELEASE} cannot be installed: no package index is in reach")
    assert done.returncode == 0, done.stderr
    STAMP.write_text(RELEASE)


async def evaluate(app: HostProcess, expressions: Mapping[str, str]) -> dict[str, object]:
    await asyncio.to_thread(install)
    process = await asyncio.create_subprocess_exec(
        *(str(PYTHON), "-c", RUNNER, CLIENT_KEY, f"{app.url}/v1"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    async with asyncio.timeout(SCRIPT_TIMEOUT):
        printed, complaints = await process.communicate(json.dumps(expressions).encode())
    assert process.returncode == 0, complaints.decode()
    lines = [json.loads(line) for line in printed.splitlines()]
    return {str(line["name"]): line["came"] for line in lines}


@pytest.mark.parametrize("cases", [CALLS, REFUSED], ids=["calls", "refused"])
async def test_the_old_sdk_finds_what_it_expects(
    app: HostProcess, simulator: Simulator, cases: Mapping[str, tuple[str, object]]
) -> None:
    came = await evaluate(app, {name: expression for name, (expression, _) in cases.items()})
    assert came == {name: expected for name, (_, expected) in cases.items()}
    assert simulator.requests[-1].raw_path.startswith("/openai/deployments/")
